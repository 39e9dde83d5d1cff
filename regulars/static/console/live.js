// <live-updates data-url="/p/…/live" data-after="812" data-counts="…">: hears what happens.
//
// Raises on the document, a few times a second at most:
//   "live"  detail {people: string[], everybody: boolean, events: number}: something happened to
//           these people; with `everybody`, to more than could be named.
//   "segments"  segments were made, renamed, filled or deleted.
// Keeps what stands in [data-live="name"] and #online-count true. A stream that was cut off goes on
// where it ended; while it is away, the element says so and counts down to the next try.

/**
 * `counts`: segments count differently, though perhaps nobody is named.
 * @typedef {{people: string[], everybody: boolean, events: number, counts: boolean, segments: boolean}} News
 */

const FIRST_TRY = 2; // seconds after the stream was cut off; doubled each time
const LAST_TRY = 30;
const QUIET = 3000; // ms without a stream before it is said: short gaps are nobody's concern
const COUNTS_GAP = 1000; // ms between two looks at the numbers
const COUNTS_AGE = 30_000; // ms after which they are looked at anyway: who is online changes by time
const HIDDEN = 60_000; // ms in the background after which the stream is let go

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

class LiveUpdates extends HTMLElement {
  /** @type {EventSource | null} */
  #source = null;
  #place = "0";
  #wait = FIRST_TRY;
  #tryAt = 0;
  #lostAt = 0;
  #tick = 0;
  #letGo = 0;
  #ended = false;

  connectedCallback() {
    this.#place = this.dataset.after ?? "0";
    this.querySelector("button")?.addEventListener("click", () => this.#now());
    document.addEventListener("visibilitychange", () => this.#visibility());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.#open());
    addEventListener("online", () => this.#source || this.#now());
    this.#open();
  }

  disconnectedCallback() {
    this.#close();
  }

  #open() {
    if (this.#ended) return;
    this.#close();
    const source = new EventSource(`${this.dataset.url}?after=${this.#place}`);
    this.#source = source;
    source.addEventListener("message", (event) => this.#hear(event));
    source.addEventListener("bye", () => this.#end());
    source.addEventListener("error", () => this.#lost());
  }

  #close() {
    this.#source?.close();
    this.#source = null;
  }

  /** @param {MessageEvent<string>} event */
  #hear(event) {
    this.#place = event.lastEventId || this.#place;
    this.#found();
    /** @type {News} */
    const news = JSON.parse(event.data);
    const happened = news.people.length > 0 || news.everybody;
    if (happened) document.dispatchEvent(new CustomEvent("live", { detail: news }));
    if (news.segments) document.dispatchEvent(new CustomEvent("segments"));
    if (happened || news.counts) counts.look();
  }

  #found() {
    if (this.#lostAt) counts.look();
    this.#lostAt = 0;
    this.#wait = FIRST_TRY;
    clearInterval(this.#tick);
    this.#show(false);
  }

  #lost() {
    this.#close();
    if (document.hidden) return;
    this.#lostAt ||= Date.now();
    this.#tryAt = Date.now() + this.#wait * 1000;
    this.#wait = Math.min(this.#wait * 2, LAST_TRY);
    clearInterval(this.#tick);
    this.#tick = setInterval(() => this.#countDown(), 500);
  }

  #countDown() {
    const left = Math.ceil((this.#tryAt - Date.now()) / 1000);
    if (left <= 0) this.#now();
    else if (Date.now() - this.#lostAt > QUIET) {
      this.#show(true, `Reconnecting in ${left} s.`);
    }
  }

  #now() {
    if (this.#ended) return location.reload();
    clearInterval(this.#tick);
    this.#open();
  }

  /** The agent is signed out, or no longer in this project. */
  #end() {
    this.#ended = true;
    this.#close();
    this.#lostAt = Date.now();
    this.#show(true, "You are signed out here.", "Sign in");
  }

  /**
   * @param {boolean} away
   * @param {string} [next]
   * @param {string} [verb]
   */
  #show(away, next = "", verb = "Now") {
    const callout = this.querySelector("div");
    if (!callout) return;
    const since = this.querySelector("[data-since]");
    const said = this.querySelector("[data-next]");
    const button = this.querySelector("button");
    if (since && this.#lostAt) since.textContent = clock.format(this.#lostAt);
    if (said && said.textContent !== next) said.textContent = next;
    if (button && button.textContent !== verb) button.textContent = verb;
    callout.hidden = !away;
  }

  #visibility() {
    clearTimeout(this.#letGo);
    if (document.hidden) {
      this.#letGo = setTimeout(() => this.#close(), HIDDEN);
    } else if (!this.#source) {
      this.#now();
    }
  }
}

/** The numbers beside lists, as they change. */
const counts = {
  url: "",
  asked: 0,
  timer: 0,

  /** Look soon, but not more often than once a second. */
  look() {
    if (this.timer || !this.url) return;
    const wait = Math.max(0, this.asked + COUNTS_GAP - Date.now());
    this.timer = setTimeout(() => void this.fetch(), wait);
  },

  async fetch() {
    this.timer = 0;
    this.asked = Date.now();
    if (document.hidden) return;
    try {
      const answer = await fetch(this.url, { headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      const numbers = await answer.json();
      this.show(numbers);
      if (numbers.counting) this.look(); // a segment is being filled: that is no news, but moves
    } catch {
      // The stream says that the server is away.
    }
  },

  /** @param {Record<string, string>} numbers */
  show(numbers) {
    /** @type {NodeListOf<HTMLElement>} */
    const places = document.querySelectorAll("[data-live]");
    for (const place of places) {
      const number = numbers[place.dataset.live ?? ""];
      if (number !== undefined && place.textContent !== number) place.textContent = number;
    }
    const online = document.getElementById("online-count");
    if (online && numbers.online !== undefined) online.textContent = numbers.online;
  },
};

customElements.define("live-updates", LiveUpdates);
counts.url = document.querySelector("live-updates")?.getAttribute("data-counts") ?? "";
if (document.querySelector("segment-rail[data-counting]")) counts.look();
setInterval(() => {
  if (!document.hidden && Date.now() - counts.asked > COUNTS_AGE) counts.look();
}, COUNTS_AGE / 6);

export {};
