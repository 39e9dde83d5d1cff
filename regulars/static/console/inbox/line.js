// <inbox-line data-socket="/p/…/inbox/socket" data-news="…" data-agent="…" data-unread="…">: hears
// what happens in conversations, on every screen.
//
// Raises "inbox" on the document, detail {t, conversation, person, seq, by}: pointers as they come,
// and {t: "lost"} whenever some may have been missed: after each connecting, too. `say` sends.
// Keeps the unread numbers true, in the nav, the tab's title and its icon, and tells the agent of
// new messages by sound and notice, as they chose; one tab of a browser does, not all of them.

/** @typedef {{t: string, conversation?: string, person?: string, seq?: number, by?: string, after?: number}} Pointer */
/** @typedef {{conversation: string, seq: number, title: string, text: string, url: string}} Told */

const FIRST_TRY = 500; // ms; doubled each time, with some chance in it
const LAST_TRY = 20_000;
const BEAT = 25_000; // ms between signs of life
const SILENCE = 60_000; // ms without a frame after which the line is dead
const NEWS_GAP = 400; // ms between two looks at the numbers
const TELLING = 4000; // ms that a tab keeps others from telling of the same

/** @type {InboxLine | undefined} */
let line;

/** Tell the server what the agent does; lost where the line is down. @param {Record<string, unknown>} frame */
export function say(frame) {
  line?.send(frame);
}

class InboxLine extends HTMLElement {
  /** @type {WebSocket | null} */
  #socket = null;
  #tries = 0;
  #retry = 0;
  #heard = 0;
  #ended = false;
  #timer = 0;
  /** @type {Set<string>} */
  #told = new Set();
  #title = "";
  #icon = "";

  connectedCallback() {
    line = this;
    this.#title = document.title;
    this.#icon = icon()?.getAttribute("href") ?? "";
    this.#count(this.dataset.unread ?? "");
    this.#open();
    setInterval(() => this.#beat(), BEAT);
    addEventListener("online", () => this.#again(0));
    addEventListener("pagehide", () => this.#socket?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#again(0));
    document.addEventListener("visibilitychange", () => document.hidden || this.#awake());
    new MutationObserver(() => this.#retitled()).observe(document.head, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  }

  /** @param {Record<string, unknown>} frame */
  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #open() {
    clearTimeout(this.#retry);
    if (this.#ended) return;
    const address = new URL(this.dataset.socket ?? "", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.addEventListener("message", (event) => this.#hear(JSON.parse(String(event.data))));
    socket.addEventListener("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      const wait = Math.min(LAST_TRY, FIRST_TRY * 2 ** this.#tries++);
      this.#again(wait * (0.5 + Math.random()));
    });
  }

  /** @param {number} wait ms */
  #again(wait) {
    clearTimeout(this.#retry);
    if (this.#socket) return;
    this.#retry = setTimeout(() => this.#open(), wait);
  }

  #beat() {
    if (Date.now() - this.#heard > SILENCE) this.#socket?.close();
    else this.send({ t: "ping" });
  }

  #awake() {
    if (Date.now() - this.#heard > SILENCE) this.#socket?.close();
    this.#again(0);
  }

  /** @param {Pointer} pointer */
  #hear(pointer) {
    this.#heard = Date.now();
    if (pointer.t === "bye") {
      this.#ended = true;
      this.#socket?.close();
    } else if (pointer.t === "hello") {
      this.#tries = 0;
      raise({ t: "lost" });
      this.#look([]);
    } else if (["message", "changed", "typing", "looking", "lost"].includes(pointer.t)) {
      raise(pointer);
      const news = pointer.t === "message" && pointer.by !== this.dataset.agent;
      if (pointer.t !== "typing" && pointer.t !== "looking") {
        this.#look(news && pointer.conversation ? [pointer.conversation] : []);
      }
    }
  }

  /** @type {Set<string>} */
  #asked = new Set();

  /** @param {string[]} conversations in which something was said */
  #look(conversations) {
    for (const id of conversations) this.#asked.add(id);
    this.#timer ||= setTimeout(() => void this.#fetch(), NEWS_GAP);
  }

  async #fetch() {
    this.#timer = 0;
    const ids = [...this.#asked].slice(0, 50);
    this.#asked.clear();
    try {
      const address = `${this.dataset.news}?c=${encodeURIComponent(ids.join(" "))}`;
      const answer = await fetch(address, { headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      const news = await answer.json();
      this.#count(news.unread);
      for (const place of /** @type {NodeListOf<HTMLElement>} */ (
        document.querySelectorAll("[data-inbox]")
      )) {
        const number = news.views[place.dataset.inbox ?? ""];
        if (number !== undefined && place.textContent !== number) place.textContent = number;
      }
      for (const one of news.tell) void this.#tell(one, news);
    } catch {
      // The server is away: the line says so by being cut, and looks again when it is back.
    }
  }

  /** @param {string} unread */
  #count(unread) {
    this.dataset.unread = unread;
    for (const place of document.querySelectorAll("[data-unread='inbox']")) {
      if (place.textContent !== unread) place.textContent = unread;
      place.closest(".n")?.toggleAttribute("hidden", !unread);
    }
    const title = unread ? `(${unread}) ${this.#title}` : this.#title;
    if (document.title !== title) document.title = title;
    const badge = unread ? (this.dataset.badge ?? "") : this.#icon;
    if (badge && icon()?.getAttribute("href") !== badge) icon()?.setAttribute("href", badge);
  }

  /** The screen gave itself another title: the number belongs in front of that. */
  #retitled() {
    const bare = document.title.replace(/^\(\d+\+?\) /, "");
    if (bare === this.#title) return;
    this.#title = bare;
    this.#count(this.dataset.unread ?? "");
  }

  /** @param {Told} one @param {{sound: boolean, browser: boolean}} how */
  async #tell(one, how) {
    const key = `${one.conversation} ${one.seq}`;
    const isOpen = document.querySelector(`[data-conversation="${CSS.escape(one.conversation)}"]`);
    if (this.#told.has(key) || (isOpen && document.hasFocus())) return;
    this.#told.add(key);
    const tell = () => {
      if (how.sound) blip();
      if (how.browser) notice(one);
    };
    if (!navigator.locks) return tell();
    await navigator.locks.request(`regulars-tell ${key}`, { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      tell();
      await new Promise((resolve) => setTimeout(resolve, TELLING));
    });
  }
}

/** @param {Pointer} pointer */
function raise(pointer) {
  document.dispatchEvent(new CustomEvent("inbox", { detail: pointer }));
}

const icon = () => document.querySelector("link[rel=icon]");

/** Two short notes. Browsers allow it once the page was clicked or typed in. */
function blip() {
  try {
    const audio = new AudioContext();
    const loud = audio.createGain();
    loud.connect(audio.destination);
    loud.gain.setValueAtTime(0.0001, audio.currentTime);
    loud.gain.exponentialRampToValueAtTime(0.08, audio.currentTime + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.35);
    const tone = audio.createOscillator();
    tone.frequency.setValueAtTime(660, audio.currentTime);
    tone.frequency.setValueAtTime(880, audio.currentTime + 0.12);
    tone.connect(loud);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
    tone.addEventListener("ended", () => void audio.close());
  } catch {
    // No sound, then.
  }
}

/** @param {Told} one */
function notice(one) {
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  const shown = new Notification(one.title, { body: one.text, tag: one.conversation });
  shown.addEventListener("click", () => {
    focus();
    location.assign(one.url);
    shown.close();
  });
}

customElements.define("inbox-line", InboxLine);
