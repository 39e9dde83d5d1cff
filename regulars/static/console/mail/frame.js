// A mail in a frame that can do nothing, filled by a form that is posted to it: a content is too long
// for an address. Two frames take turns, so that nothing flashes; the new one is shown when it is there.

import { h } from "../filters/dom.js";
import { token } from "./fields.js";

let count = 0;

/** @param {Element} frames what holds them @param {string} action @param {Record<string, string>} fields */
export function fill(frames, action, fields) {
  const name = `mail-preview-${(count += 1)}`;
  const frame = document.createElement("iframe");
  frame.name = name;
  frame.title = "The mail";
  frame.className = "mail-frame";
  frame.setAttribute("sandbox", "");
  frame.setAttribute("aria-hidden", "true");
  // Those before it that were never shown give way.
  for (const other of frames.querySelectorAll("iframe:not(.is-shown)")) other.remove();
  frames.append(frame);
  const form = h("form", { method: "post", action, target: name, hidden: true });
  const all = { ...fields, csrfmiddlewaretoken: token()["X-CSRFToken"] ?? "" };
  for (const [key, value] of Object.entries(all)) {
    const field = h("textarea", { name: key });
    /** @type {HTMLTextAreaElement} */ (field).value = value;
    form.append(field);
  }
  document.body.append(form);
  frame.addEventListener("load", () => {
    if (!frame.isConnected || !form.dataset.sent) return;
    for (const other of frames.querySelectorAll("iframe.is-shown")) other.remove();
    frame.removeAttribute("aria-hidden");
    frame.classList.add("is-shown");
  });
  form.dataset.sent = "yes";
  /** @type {HTMLFormElement} */ (form).submit();
  form.remove();
}
