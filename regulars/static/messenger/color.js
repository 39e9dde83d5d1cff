// @ts-check
// The project's colour and what goes with it: ink that can be read on it, and shades of it that can
// be read on our paper, light and dark, whatever colour somebody chose.

const HOUSE = "#17563f";
const WHITE = [255, 255, 255];
const INK = [17, 26, 22];
// The palest and the darkest paper that coloured text stands on (--hover of either theme).
const DAY = [240, 244, 241];
const NIGHT = [32, 38, 35];

/** @typedef {number[]} Colour red, green and blue, 0 to 255 */

/** Relative luminance (WCAG 2.2). @param {Colour} colour */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) =>
    value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {Colour} one @param {Colour} other */
export function contrast(one, other) {
  const [less, more] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
}

/** The colour, moved towards black or white until it stands out. @param {Colour} colour @param {Colour} paper @param {number} goal @param {number} least */
function apart(colour, paper, goal, least) {
  for (let step = 0; step < 1; step += 0.04) {
    const mixed = colour.map((value) => Math.round(value + (goal - value) * step));
    if (contrast(mixed, paper) >= least) return mixed;
  }
  return [goal, goal, goal];
}

/** @param {Colour} colour */
const on = (colour) => (contrast(colour, WHITE) >= 4.5 || contrast(colour, WHITE) > contrast(colour, INK) ? WHITE : INK);

/**
 * The custom properties that a project's colour makes.
 * @param {string | null | undefined} hex
 * @returns {Record<string, string>}
 */
export function palette(hex) {
  const text = /^#[0-9a-f]{6}$/i.test(hex ?? "") ? String(hex) : HOUSE;
  const chosen = [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const day = apart(chosen, WHITE, 0, 1.25);
  const night = apart(chosen, NIGHT, 255, 1.3);
  const pair = (/** @type {Colour} */ a, /** @type {Colour} */ b) => `light-dark(rgb(${a}),rgb(${b}))`;
  return {
    "--brand": pair(day, night),
    "--on": pair(on(day), on(night)),
    "--tint": pair(apart(chosen, DAY, 0, 4.5), apart(chosen, NIGHT, 255, 4.5)),
  };
}
