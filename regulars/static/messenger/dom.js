// @ts-check
// Elements without HTML: nothing here parses markup, so pages that enforce Trusted Types can run it.

/** @typedef {Node | string | number | false | null | undefined} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */
/** @template {string} S @typedef {S extends `${infer K}.${string}` ? K : S} TagOf */
/** @template {string} S @typedef {TagOf<S> extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[TagOf<S>] : HTMLElement} Made */

/**
 * An element, "p.day" with its classes; then attributes and children. A function is listened with,
 * under its name less the "on"; true is an empty attribute; what is false, null or undefined is
 * left out. A button submits only where it says so.
 * @template {string} S
 * @param {S} name
 * @param {...(Attributes | Child)} inside
 * @returns {Made<S>}
 */
export function h(name, ...inside) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes[0]) node.className = classes.join(" ");
  if (tag == "button") node.setAttribute("type", tag);
  for (const one of inside) {
    if (one == null || one === false) continue;
    if (one.constructor != Object) node.append(/** @type {Node} */ (one));
    else {
      for (const [key, value] of Object.entries(one)) {
        if (typeof value == "function") node.addEventListener(key.slice(2), value);
        else if (value != null && value !== false) node.setAttribute(key, value === true ? "" : value);
      }
    }
  }
  return /** @type {Made<S>} */ (node);
}

/**
 * A line drawing of 24 by 24, made of one path.
 * @param {string} d
 */
export function drawing(d) {
  const make = (/** @type {string} */ name, /** @type {Record<string, string>} */ attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    return node;
  };
  const svg = make("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" });
  svg.append(make("path", { d }));
  return svg;
}
