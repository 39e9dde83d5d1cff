// The mail as one person gets it, in a frame that can do nothing, and what is wrong with it.
// `#at-3` leads the new frame to the block that is being written.

import { h, icon } from "../filters/dom.js";
import { token } from "./fields.js";
import { fill } from "./frame.js";

const PAUSE = 350; // ms after the last letter

/**
 * @typedef {{level: string, code: string, message: string, where: string, detail: string}} Finding
 * @typedef {{findings: Finding[], values: Record<string, string>, subject?: string,
 *   preheader?: string, text?: string, html?: string,
 *   tags?: {name: string, fallback: string | null}[]}} Said
 */

export class Preview {
  #timer = 0;
  /** @type {AbortController | null} */
  #asking = null;
  person;
  wantsHtml = false;

  /**
   * @param {HTMLElement} editor
   * @param {() => {content: string, place: number}} written
   * @param {(said: Said) => void} told
   */
  constructor(editor, written, told) {
    this.editor = editor;
    this.written = written;
    this.told = told;
    this.person = editor.dataset.person ?? "nobody";
    editor.querySelector(".canvas-bar")?.addEventListener("change", () => this.now());
  }

  /** Show it anew, when nothing was typed for a moment. */
  soon() {
    clearTimeout(this.#timer);
    this.editor.querySelector("[data-checks]")?.setAttribute("aria-busy", "true");
    this.#timer = window.setTimeout(() => this.now(), PAUSE);
  }

  /** Show it anew. */
  now() {
    clearTimeout(this.#timer);
    this.#fill();
    void this.#check();
  }

  /** @param {string} name */
  #chosen(name) {
    const on = this.editor.querySelector(`input[name="preview-${name}"]:checked`);
    return on instanceof HTMLInputElement ? on.value : "";
  }

  #given() {
    const { content, place } = this.written();
    return {
      place,
      fields: {
        content, person: this.person, marketing: this.editor.dataset.marketing ?? "yes",
        theme: this.#chosen("theme"), pictures: this.#chosen("pictures") ? "off" : "on",
      },
    };
  }

  #fill() {
    const frames = this.editor.querySelector("[data-frames]");
    if (!frames) return;
    const { place, fields } = this.#given();
    frames.classList.toggle("phone", this.#chosen("width") === "phone");
    fill(frames, `${this.editor.dataset.preview}${place >= 0 ? `#at-${place}` : ""}`, fields);
  }

  async #check() {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const body = new FormData();
    for (const [key, value] of Object.entries(this.#given().fields)) body.set(key, value);
    if (this.wantsHtml) body.set("html", "yes");
    try {
      const url = this.editor.dataset.check ?? "";
      const { signal } = this.#asking;
      const answer = await fetch(url, { method: "POST", body, headers: token(), signal });
      if (answer.ok) this.told(await answer.json());
    } catch {
      // Asked anew, or the server is away: what is shown stays.
    }
  }
}

/**
 * The list of checks. @param {Element} list @param {Finding[]} findings
 * @param {(where: string) => void} lead
 */
export function drawChecks(list, findings, lead) {
  list.setAttribute("aria-busy", "false");
  list.replaceChildren(...findings.map((one) => {
    const well = one.level === "ok";
    if (well) return h("li", {}, icon("circle-check"), h("span", {}, one.message));
    const there = one.where && h(
      "button", { class: "link", type: "button", onclick: () => lead(one.where) }, "Show",
    );
    return h(
      "li", { class: one.level === "error" ? "bad" : "warn" },
      icon(one.level === "error" ? "circle-alert" : "triangle-alert"),
      h("span", {}, h("b", {}, one.message), h("small", {}, one.detail, one.detail ? " " : "", there)),
    );
  }));
}
