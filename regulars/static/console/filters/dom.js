// Making elements: nothing from outside ever becomes markup.

/** @type {{icons: string, flags: string}} */
export const paths = { icons: "", flags: "" };

/**
 * An element with attributes, listeners (`onclick`) and children.
 * @param {string} name
 * @param {Record<string, any>} [given]
 * @param {...(globalThis.Node | string | null | false | undefined)} children
 * @returns {HTMLElement}
 */
export function h(name, given = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, String(value));
    }
  }
  element.append(...children.filter((one) => one || one === "").map((one) => one || ""));
  return element;
}

/** @param {string} name @param {string} [size] */
export function icon(name, size = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${size}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${paths.icons}#i-${name}`);
  svg.append(use);
  return svg;
}

/** @param {string | undefined} code */
export function flag(code) {
  if (!code) return null;
  const image = h("img", { class: "flag", src: `${paths.flags}${code}.svg`, alt: "" });
  image.setAttribute("width", "18");
  image.setAttribute("height", "12");
  return image;
}

/**
 * A native select; `groups` maps labels to options (an empty label: none).
 * @param {Record<string, any>} given
 * @param {[string, [string, string][]][]} groups
 * @param {string} chosen
 */
export function select(given, groups, chosen) {
  const made = groups.flatMap(([label, options]) => {
    const each = options.map(([value, text]) =>
      h("option", { value, selected: value === chosen }, text),
    );
    return label ? [h("optgroup", { label }, ...each)] : each;
  });
  return h("select", { class: "select s", ...given }, ...made);
}
