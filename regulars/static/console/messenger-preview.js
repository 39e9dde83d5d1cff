// <messenger-preview>: what the messenger looks like with the choices of the form around it. The
// colours are worked out by the messenger's own module, so that what is shown is what people get.

import { palette } from "../messenger/color.js";

// A person whose name is known, as merge tags meet them.
const NAMES = { first_name: "Amara", last_name: "Okafor", name: "Amara Okafor" };
const TAG = /\{\{\s*([a-z_.]+)\s*(?:\|\s*default\s*:\s*(?:"([^"]*)"|'([^']*)')\s*)?\}\}/g;

/** @param {string} text */
function filled(text) {
  return text.replace(TAG, (_, key, double, single) => /** @type {any} */ (NAMES)[key] ?? double ?? single ?? "");
}

class MessengerPreview extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    if (!form) return;
    const own = form.elements.namedItem("own_color");
    form.addEventListener("input", (event) => {
      // Whoever picks a colour of their own means it.
      if (event.target === own) {
        const choice = form.querySelector('input[name="color"][value="own"]');
        if (choice instanceof HTMLInputElement) choice.checked = true;
      }
      this.#show(form);
    });
    form.addEventListener("reset", () => queueMicrotask(() => this.#show(form)));
    this.#show(form);
  }

  /** @param {HTMLFormElement} form */
  #show(form) {
    const said = new FormData(form);
    const text = (/** @type {string} */ name) => String(said.get(name) ?? "");
    const color = text("color") === "own" ? text("own_color") : text("color");
    for (const [name, value] of Object.entries(palette(color))) {
      this.style.setProperty(name.replace("--", "--mp-"), value);
    }
    this.classList.toggle("left", text("side") === "left");
    this.classList.toggle("off", !said.has("on"));
    this.classList.toggle("no-team", !said.has("show_team"));
    this.#say("[data-greeting]", filled(text("greeting")));
    this.#say("[data-intro]", text("intro"));
    const here = this.querySelector("[data-here]");
    const team = here instanceof HTMLElement ? (here.dataset.team ?? "") : "";
    this.#say("[data-here]", said.has("show_team") ? team : "We are here");
  }

  /**
   * @param {string} where
   * @param {string} text
   */
  #say(where, text) {
    const element = this.querySelector(where);
    if (element) element.textContent = text;
  }
}

customElements.define("messenger-preview", MessengerPreview);
