// <mail-look>: the colour and the logo of a project's mails, with a letter that shows them. What can
// be read on what is worked out here as `mail/content/look.py` does; the server decides.

import { h, icon, paths } from "../filters/dom.js";
import { fill } from "./frame.js";
import { token } from "./fields.js";

const PAUSE = 200; // ms after the last move of a colour
const READS = 4.5; // WCAG 2.2, 1.4.3
const NEARLY_READS = 3; // a shade darker, white can be read on it
const COLOR = /^#[0-9a-f]{6}$/i;

/** Relative luminance (WCAG 2.2). @param {string} color */
function luminance(color) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** How much two colours stand apart, from 1 to 21. @param {string} one @param {string} other */
export function contrast(one, other) {
  const [less = 0, more = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
}

/** What there is to know of a colour. @param {string} color @returns {{well: boolean, words: string}[]} */
export function readings(color) {
  const white = contrast("#ffffff", color) >= NEARLY_READS;
  const paper = contrast(color, "#f3f1ec");
  const said = (/** @type {number} */ ratio) => `${ratio.toFixed(1)}:1`;
  return [
    { well: true, words: `Buttons have ${white ? "white" : "black"} letters, ${said(Math.max(READS, contrast(white ? "#ffffff" : "#17181c", color)))}` },
    paper >= READS
      ? { well: true, words: `Links and your name read well on paper, ${said(paper)}` }
      : { well: false, words: `Too pale for letters on paper (${said(paper)}): links and your name are drawn darker` },
  ];
}

class MailLook extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    const form = this.querySelector("form");
    if (!form) return;
    paths.icons = this.dataset.icons ?? "";
    const pick = this.#input("[data-pick]"), color = this.#input("[name=mail_color]");
    pick.addEventListener("input", () => this.#put(color, pick.value));
    color.addEventListener("input", () => COLOR.test(color.value) && (pick.value = color.value));
    this.querySelector("button[data-house]")?.addEventListener("click", () => {
      pick.value = this.dataset.house ?? "";
      this.#put(color, "");
    });
    this.querySelector("[data-remove]")?.addEventListener("click", () => this.#put(this.#logo, ""));
    this.#input("[data-file]").addEventListener("change", (event) => void this.#upload(/** @type {HTMLInputElement} */ (event.target)));
    form.addEventListener("input", () => this.#soon());
    form.addEventListener("change", () => this.#soon());
    this.#draw();
    this.#show();
  }

  /** @param {string} selector @returns {HTMLInputElement} */
  #input(selector) {
    return /** @type {HTMLInputElement} */ (this.querySelector(selector));
  }

  get #logo() {
    return this.#input("[name=mail_logo]");
  }

  /** @param {HTMLInputElement} field @param {string} value */
  #put(field, value) {
    field.value = value;
    this.#soon();
  }

  #soon() {
    this.#draw();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#show(), PAUSE);
  }

  /** What can be read of the choices without the server. */
  #draw() {
    const typed = this.#input("[name=mail_color]").value;
    const color = COLOR.test(typed) ? typed : (this.dataset.house ?? "#000000");
    const list = this.querySelector("[data-contrast]");
    list?.replaceChildren(...readings(color).map((one) => h(
      "li", { class: one.well ? "" : "warn" }, icon(one.well ? "circle-check" : "triangle-alert"), h("span", {}, one.words),
    )));
    const src = this.#logo.value, width = this.#input("[name=mail_logo_width]").value;
    for (const shown of this.querySelectorAll("img[data-logo]")) {
      if (!(shown instanceof HTMLImageElement)) continue;
      shown.hidden = !src;
      if (src && shown.getAttribute("src") !== src) shown.src = src;
      if (!src) shown.removeAttribute("src");
      shown.width = Number(width);
    }
    for (const one of this.querySelectorAll("[data-night], [data-remove], [data-width-field]")) {
      if (one instanceof HTMLElement) one.hidden = !src;
    }
    const none = this.querySelector("[data-no-logo]");
    if (none instanceof HTMLElement) none.hidden = Boolean(src);
    const said = this.querySelector("[data-width]");
    if (said) said.textContent = `${width} px`;
  }

  #show() {
    const frames = this.querySelector("[data-frames]"), form = this.querySelector("form");
    if (!(frames instanceof HTMLElement) || !form) return;
    const said = new FormData(form);
    const fields = Object.fromEntries(
      ["mail_color", "mail_logo", "mail_logo_width", "theme", "pictures"].map((name) => [name, String(said.get(name) ?? "")]),
    );
    fill(frames, this.dataset.preview ?? "", fields);
  }

  /** @param {HTMLInputElement} file */
  async #upload(file) {
    const [one] = file.files ?? [];
    const problem = this.querySelector("[data-problem]");
    if (!one || !(problem instanceof HTMLElement)) return;
    const body = new FormData();
    body.set("file", one);
    const answer = await fetch(this.dataset.images ?? "", { method: "POST", body, headers: token() }).catch(() => null);
    const said = answer ? await answer.json().catch(() => null) : null;
    file.value = "";
    problem.hidden = Boolean(answer?.ok);
    problem.textContent = said?.message ?? "The picture did not arrive. Try again.";
    if (!answer?.ok || !said) return;
    this.#input("[name=mail_logo_width]").value = String(Math.min(240, Math.max(40, Math.round(said.width / 2))));
    this.#put(this.#logo, said.src);
  }
}

customElements.define("mail-look", MailLook);
