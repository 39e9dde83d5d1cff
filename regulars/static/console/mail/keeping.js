// <mail-keeping data-save data-version>: keeps what is written in the <mail-editor> inside it, by
// itself, and says so. Whoever comes late is told, and nothing is written over.

import { token } from "./fields.js";
import { switchViews } from "./views.js";

const PAUSE = 900; // ms after the last change
const AGAIN = 5000; // ms until it is tried again while the server is away

class MailKeeping extends HTMLElement {
  #timer = 0;
  #saving = false;
  #dirty = false;
  #stopped = false;

  connectedCallback() {
    this.addEventListener("mail-change", () => this.#soon());
    this.querySelector("input[name=name]")?.addEventListener("input", () => this.#soon());
    this.querySelector("[data-save-now]")?.addEventListener("click", () => {
      this.#dirty = true;
      void this.#save();
    });
    switchViews(this);
    addEventListener("beforeunload", (event) => {
      if (this.#dirty && this.isConnected) event.preventDefault();
    });
  }

  #soon(after = PAUSE) {
    this.#dirty = true;
    if (this.#stopped) return;
    this.#say("Saving…");
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#save(), after);
  }

  async #save() {
    clearTimeout(this.#timer);
    if (this.#saving) return this.#soon();
    if (!this.#dirty) return;
    this.#saving = true;
    this.#dirty = false;
    const answer = await this.#send();
    this.#saving = false;
    if (answer === null) {
      this.#soon(AGAIN);
      this.#say("Not saved: no connection. Trying again.");
    } else if (answer.ok) {
      const said = await answer.json();
      this.dataset.version = String(said.version);
      const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      if (!this.#dirty) this.#say(`Saved ${time}`);
    } else {
      await this.#refused(answer);
    }
  }

  async #send() {
    const body = new FormData();
    const name = this.querySelector("input[name=name]");
    const content = this.querySelector("input[name=content]");
    if (name instanceof HTMLInputElement) body.set("name", name.value);
    if (content instanceof HTMLInputElement) body.set("content", content.value);
    body.set("version", this.dataset.version ?? "");
    const url = this.dataset.save ?? "";
    const answer = await fetch(url, { method: "POST", body, headers: token() }).catch(() => null);
    return answer && answer.status < 500 ? answer : null;
  }

  /** @param {Response} answer */
  async #refused(answer) {
    this.#dirty = true;
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 409) {
      this.#stopped = true;
      return this.#say(`${said.message} Reload to see it; copy what you wrote first.`, true);
    }
    this.#say(`Not saved: ${said.message ?? "this was refused."}`, true);
  }

  /** @param {string} words */
  #say(words, bad = false) {
    const state = this.querySelector("[data-state]");
    if (!state) return;
    state.textContent = words;
    state.classList.toggle("bad-text", bad);
  }
}

customElements.define("mail-keeping", MailKeeping);

export {};
