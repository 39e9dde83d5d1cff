// Letters that stand out too little: of each element that holds words of its own, the contrast of its
// colour with the nearest ground behind it. Called with the least contrast that is enough.
(least) => {
  const parts = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) =>
    0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const behind = parts(getComputedStyle(at).backgroundColor);
      if (behind.length === 3 || behind[3] > 0.9) return behind;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const words = element.tagName === "IMG" ? element.alt : says ? element.textContent.trim() : "";
    if (!words || !element.getClientRects().length) continue;
    if (getComputedStyle(element).visibility === "hidden") continue;
    const front = luminance(parts(getComputedStyle(element).color));
    const behind = luminance(ground(element));
    const ratio = (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05);
    if (ratio < least) found.push([words.slice(0, 40), ratio]);
  }
  return found;
}
