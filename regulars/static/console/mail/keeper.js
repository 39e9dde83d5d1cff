// Keeps what is written by itself, one save after the other, and says so. Two may write at once:
// each save says the version it began with, and in which window (`tab`) and how far (`step`) it was
// written. Where somebody else's words stand there meanwhile, nothing is written over; the banner
// `[data-moved]` asks whose are to stay.
//   hidden fields `version`, `tab`, `step` say the same to whatever else is posted with them
//   [data-state] is told how it stands

import { token } from "./fields.js";

const PAUSE = 700; // ms after the last change
const AGAIN = 5000; // ms until it is tried again while the server is away
const MOST_LEFT_BEHIND = 60_000; // bytes that a browser sends for a page that is gone

/** A name for this window that no other has. */
function named() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

export class Keeper {
  #timer = 0;
  #saving = false;
  #dirty = false;
  #asks = false; // whose words are to stay is not decided
  #failed = false;

  /**
   * @param {HTMLElement} page @param {string} url
   * @param {() => FormData} written all of it, but for the three fields
   * @param {(said: any) => void} [kept] what the server said of a save
   */
  constructor(page, url, written, kept = () => {}) {
    this.page = page;
    this.url = url;
    this.written = written;
    this.kept = kept;
    this.#put("tab", named());
    page.querySelector("[data-theirs]")?.addEventListener("click", () => {
      this.leave();
      location.reload();
    });
    page.querySelector("[data-mine]")?.addEventListener("click", () => this.#insist());
    addEventListener("beforeunload", (event) => {
      if (this.#dirty && page.isConnected && (this.#asks || this.#failed || this.#size() > MOST_LEFT_BEHIND)) event.preventDefault();
    });
    addEventListener("pagehide", () => {
      if (this.#dirty && !this.#asks && page.isConnected) void this.#send(true);
    });
  }

  /** Something was written. */
  changed() {
    this.#put("step", String(Number(this.#said("step")) + 1));
    this.#soon();
  }

  /** Save it now. */
  now() {
    this.#dirty = true;
    void this.#save();
  }

  /** What was not saved is not to be. */
  leave() {
    clearTimeout(this.#timer);
    this.#dirty = false;
    this.#asks = false;
  }

  #soon(after = PAUSE) {
    this.#dirty = true;
    if (this.#asks) return;
    this.#say("Saving…");
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#save(), after);
  }

  async #save() {
    clearTimeout(this.#timer);
    if (this.#asks || !this.#dirty) return;
    if (this.#saving) return this.#soon();
    this.#saving = true;
    this.#dirty = false;
    const answer = await this.#send();
    this.#saving = false;
    this.#failed = answer === null;
    if (answer === null) {
      this.#soon(AGAIN);
      return this.#say("Not saved: no connection. Trying again.");
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) {
      this.#put("version", String(said.version));
      const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      if (!this.#dirty) this.#say(`Saved ${time}`);
      this.kept(said);
      return;
    }
    this.#dirty = true;
    this.#failed = true;
    if (answer.status === 409 && said.version) return this.#ask(said);
    this.#say(`Not saved: ${said.message ?? "this was refused."}`, true);
  }

  #body() {
    const body = this.written();
    for (const name of ["version", "tab", "step"]) body.set(name, this.#said(name));
    return body;
  }

  #size() {
    return [...this.#body().values()].reduce((sum, one) => sum + String(one).length * 2, 0);
  }

  async #send(keepalive = false) {
    const given = { method: "POST", body: this.#body(), headers: token(), keepalive };
    const answer = await fetch(this.url, given).catch(() => null);
    return answer && answer.status < 500 ? answer : null;
  }

  /** @param {{message: string, version: number}} said */
  #ask(said) {
    this.#asks = true;
    this.page.dataset.theirs = String(said.version);
    this.#banner(said.message);
    this.#say("Not saved yet", true);
  }

  #insist() {
    this.#asks = false;
    this.#put("version", this.page.dataset.theirs ?? "");
    this.#banner("");
    this.now();
  }

  /** @param {string} words */
  #banner(words) {
    const banner = this.page.querySelector("[data-moved]");
    if (!(banner instanceof HTMLElement)) return;
    banner.hidden = !words;
    const said = banner.querySelector("[data-moved-words]");
    if (said) said.textContent = words;
    if (words) banner.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} name */
  #field(name) {
    const field = this.page.querySelector(`input[type=hidden][name=${name}]`);
    return field instanceof HTMLInputElement ? field : null;
  }

  /** @param {string} name */
  #said(name) {
    return this.#field(name)?.value ?? "";
  }

  /** @param {string} name @param {string} value */
  #put(name, value) {
    const field = this.#field(name);
    if (field) field.value = value;
  }

  /** @param {string} words */
  #say(words, bad = false) {
    const state = this.page.querySelector("[data-state]");
    if (!state) return;
    state.textContent = words;
    state.classList.toggle("bad-text", bad);
  }
}
