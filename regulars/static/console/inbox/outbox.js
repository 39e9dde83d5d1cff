// What an agent sent in a conversation and the server has not answered yet.
//
// It stands in the thread at once, and in the browser's storage until the server has answered: it is
// sent again after a lost connection or a reload, and counts once, by its own id.

import { post } from "./thread.js";

const AGAIN = [1000, 2000, 5000, 10_000, 20_000]; // ms until what failed is sent again
const KEPT = 20; // messages that wait, of a conversation

/**
 * A message on its way.
 * @typedef {{client: string, text: string, as: string, channel: string, files: {id: string, name: string}[], saved: string[], then: string}} Waiting
 */

export class Outbox {
  #key;
  #url;
  #said;
  #refused;
  /** @type {Waiting[]} */
  #memory = [];
  #sending = false;
  #stopped = false;
  #tries = 0;
  #timer = 0;

  /**
   * @param {string} conversation
   * @param {string} url where it is sent to
   * @param {() => void} said something was taken in: the thread may fetch it
   * @param {(one: Waiting, why: string) => void} refused
   */
  constructor(conversation, url, said, refused) {
    this.#key = `regulars.outbox.${conversation}`;
    this.#url = url;
    this.#said = said;
    this.#refused = refused;
  }

  /** Show what waits since before the page was loaded, and go on with it. */
  begin() {
    for (const one of this.#waiting()) show(one);
    this.flush();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** @param {Waiting} one */
  send(one) {
    this.#store([...this.#waiting(), one].slice(-KEPT));
    show(one);
    this.flush();
  }

  /** Send what waits, one after the other, so that it stays in its order. */
  flush() {
    clearTimeout(this.#timer);
    if (this.#sending || this.#stopped) return;
    const one = this.#waiting()[0];
    if (!one) return;
    this.#sending = true;
    void this.#deliver(one).then((done) => {
      this.#sending = false;
      if (done) {
        this.#tries = 0;
        this.#store(this.#waiting().filter((each) => each.client !== one.client));
        this.flush();
      } else if (!this.#stopped) {
        const wait = AGAIN[Math.min(this.#tries++, AGAIN.length - 1)];
        this.#timer = setTimeout(() => this.flush(), wait);
      }
    });
  }

  /** @returns {Waiting[]} */
  #waiting() {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "[]");
    } catch {
      return this.#memory;
    }
  }

  /** @param {Waiting[]} waiting */
  #store(waiting) {
    this.#memory = waiting;
    try {
      if (waiting.length) localStorage.setItem(this.#key, JSON.stringify(waiting));
      else localStorage.removeItem(this.#key);
    } catch {
      // It lasts as long as the page.
    }
  }

  /** @param {Waiting} one @returns {Promise<boolean>} whether it need not be sent again */
  async #deliver(one) {
    const bubble = bubbleOf(one);
    const meta = bubble?.querySelector(".meta");
    try {
      const answer = await post(this.#url, formOf(one));
      if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
      if (!answer.ok) {
        const said = await answer.json().catch(() => ({ message: "It was refused." }));
        this.#refused(one, said.message);
        bubble?.remove();
        return true;
      }
      const said = await answer.json();
      bubble?.setAttribute("data-said", said.id);
      await this.#arrived(said.id);
      bubble?.remove();
      return true;
    } catch {
      if (meta) meta.textContent = "Not sent yet: trying again";
      return false;
    }
  }

  /** Wait until the thread shows it: no gap between the one and the other. @param {string} id */
  async #arrived(id) {
    this.#said();
    for (let tries = 0; tries < 40 && !document.getElementById(`m-${id}`); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** @param {Waiting} one */
function formOf(one) {
  const body = new FormData();
  for (const key of /** @type {const} */ (["client", "text", "as", "channel", "then"])) {
    if (one[key]) body.set(key, one[key]);
  }
  for (const file of one.files) body.append("file", file.id);
  for (const saved of one.saved) body.append("saved", saved);
  return body;
}

/** @param {Waiting} one */
function bubbleOf(one) {
  return document.querySelector(`[data-waiting="${CSS.escape(one.client)}"]`);
}

/** Put it at the end of the thread, until the server's own stands there. @param {Waiting} one */
function show(one) {
  const end = document.querySelector("#thread .typing-line");
  if (!end || bubbleOf(one)) return;
  const row = document.createElement("div");
  row.className = one.as === "note" ? "private" : "msg me";
  row.dataset.waiting = one.client;
  const bubble = document.createElement("p");
  bubble.className = one.as === "note" ? "text" : "bubble text";
  bubble.textContent = one.text.trim() || one.files.map((file) => file.name).join(", ");
  const meta = document.createElement("p");
  meta.className = "meta";
  meta.textContent = "Sending…";
  row.append(bubble, meta);
  end.before(row);
  const scroll = document.querySelector("#thread .thread-scroll");
  if (scroll) scroll.scrollTop = 0;
}
