// @ts-check
// Files on their way up, and files that came.

import { h } from "./dom.js";
import { link } from "./text.js";
import { icon } from "./parts.js";

/** @typedef {import("./protocol.js").File} Attached */
/** @typedef {import("./parts.js").Chat} Chat */

/** @param {number} bytes @param {string} lang */
export function size(bytes, lang) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1024, "kilobyte"] : [bytes / 1048576, "megabyte"];
  return new Intl.NumberFormat(lang, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(Math.max(value, 0.1));
}

/**
 * Sends a file up.
 * @param {Chat} chat
 * @param {globalThis.File} file
 * @param {(part: number) => void} progress from 0 to 1
 */
export function upload(chat, file, progress) {
  // Of the two ways to send, the one that tells how far it is.
  const request = new XMLHttpRequest();
  /** @type {Promise<Attached>} */
  const done = new Promise((resolve, reject) => {
    request.open("POST", `${chat.stage.site.origin}/messenger/files?name=${encodeURIComponent(file.name || "file")}`);
    request.setRequestHeader("Authorization", `Bearer ${chat.session().known.session}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => (request.status == 201 && request.response ? resolve(request.response) : reject(request.response?.message));
    request.onerror = () => reject();
    request.onabort = () => reject();
    request.send(file);
  });
  return { done, stop: () => request.abort() };
}

/** A file's address; none where it is not ours. @param {Chat} chat @param {string} url */
function ours(chat, url) {
  const { origin } = chat.stage.site;
  try {
    const address = new URL(url, origin);
    return address.origin == origin ? address.href : "";
  } catch {
    return "";
  }
}

/** A file as it stands in a thread. @param {Chat} chat @param {Attached} file */
export function shown(chat, file) {
  const href = ours(chat, file.url);
  const chip = () => {
    const inside = [icon("clip"), h("span", h("b", h("bdi", file.name)), h("small", size(file.bytes, chat.lang)))];
    const node = href ? link(href, ...inside) : h("span", ...inside);
    node.className = "file";
    return node;
  };
  if (!file.image || !href) return chip();
  const picture = h("img", { src: href, alt: file.name, width: file.width, height: file.height, decoding: "async" });
  const node = link(href, picture);
  node.className = "picture";
  // A page may not let its pictures come from here.
  picture.addEventListener("error", () => node.replaceWith(chip()));
  return node;
}
