// @ts-check
// Words from elsewhere, as nodes: text stays text, links lead away safely, notes keep a few plain
// elements. Nothing is ever parsed as HTML by the browser.

import { h } from "./dom.js";

const LINK = /https?:\/\/[^\s<>"]+/gi;
const LOOSE_END = /[.,:;!?'”’»)\]}]+$/;

/** @param {string} address @param {RegExp} allowed @returns {string} the address, or none where its scheme is not allowed */
function safe(address, allowed) {
  try {
    const url = new URL(address);
    return allowed.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

/** @param {string} href @param {...(Node | string)} children */
export const link = (href, ...children) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);

/** Text with its web addresses made into links. @param {string} text @returns {(Node | string)[]} */
export function linked(text) {
  /** @type {(Node | string)[]} */
  const out = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    let address = found[0].replace(LOOSE_END, "");
    // A bracket that was opened inside belongs to it.
    if (found[0][address.length] == ")" && address.split("(").length > address.split(")").length) address += ")";
    const href = safe(address, /^https?:$/);
    if (!href) continue;
    out.push(text.slice(from, found.index), link(href, address));
    from = found.index + address.length;
  }
  out.push(text.slice(from));
  return out.filter((part) => part !== "");
}

// What a note may be made of.
const KEPT = "p br b strong i em u s ul ol li code a".split(" ");
const TOKEN = /<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^>"])*)>|<!--.*?-->|[^<]+|</gis;
/** @type {Record<string, string>} all that a sanitiser's serialiser writes */
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0" };

/** @param {string} text */
const decoded = (text) => text.replace(/&(\w+);/g, (whole, name) => NAMED[name] ?? whole);

/**
 * A note's nodes. Elements that are not in KEPT are left out and their text is kept; of attributes
 * only a link's address is.
 * @param {string} html
 */
export function noted(html) {
  const whole = h("div.rich");
  /** @type {HTMLElement[]} */
  const open = [whole];
  for (const [token, end, tag, rest] of html.matchAll(TOKEN)) {
    const name = tag?.toLowerCase();
    const parent = open[open.length - 1];
    if (!name) {
      if (!token.startsWith("<!--")) parent.append(decoded(token));
    } else if (!KEPT.includes(name)) {
      continue;
    } else if (end) {
      const at = open.findLastIndex((node) => node.dataset.as == name);
      if (at > 0) open.length = at;
    } else {
      const href = name == "a" && safe(decoded(/\shref="([^"]*)"/i.exec(rest)?.[1] ?? ""), /^(https?|mailto):$/);
      const node = href ? link(href) : h(name == "a" ? "span" : /** @type {"p"} */ (name), null);
      node.dataset.as = name;
      parent.append(node);
      // As deep as anybody writes, and no deeper.
      if (name != "br" && open.length < 20) open.push(node);
    }
  }
  return whole;
}
