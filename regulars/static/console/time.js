// <local-time as="ago|short|day|clock|moment"><time datetime="…">…</time></local-time>: what the server
// wrote in UTC, in the reader's own zone; "6 min ago" stays true while the page is open.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// As the server writes them; Intl's own short months differ from one English to another.
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** @param {Date} at */
const day = (at) => `${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}`;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/** @param {Date} at */
const moment = (at) => `${day(at)}, ${clock.format(at)}`;

/** Midnights between two instants in the reader's zone. @param {Date} at @param {Date} now */
function nights(at, now) {
  const midnight = (/** @type {Date} */ d) => new Date(d.getFullYear(), d.getMonth(), d.getDate());
  return Math.round((midnight(now).getTime() - midnight(at).getTime()) / DAY);
}

/**
 * @param {Date} at
 * @param {Date} now
 */
export function ago(at, now) {
  const past = now.getTime() - at.getTime();
  if (past < -MINUTE) return moment(at);
  if (past < MINUTE) return "just now";
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
  const slept = nights(at, now);
  if (slept === 0 || past < 6 * HOUR) return `${Math.floor(past / HOUR)} h ago`;
  if (slept === 1) return `Yesterday, ${clock.format(at)}`;
  if (slept < 7) return `${slept} days ago`;
  return day(at);
}

const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short" });

/**
 * @param {Date} at
 * @param {Date} now
 */
function short(at, now) {
  const past = now.getTime() - at.getTime();
  if (past < MINUTE) return past < -MINUTE ? moment(at) : "now";
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  const slept = nights(at, now);
  if (slept === 0 || past < 6 * HOUR) return `${Math.floor(past / HOUR)} h`;
  if (slept < 7) return weekday.format(at);
  const year = at.getFullYear() === now.getFullYear() ? "" : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${MONTHS[at.getMonth()]}${year}`;
}

/** @type {Record<string, (at: Date, now: Date) => string>} */
const words = {
  ago,
  short,
  day,
  clock: (at) => clock.format(at),
  moment,
};

/** The elements that grow old. @type {Set<LocalTime>} */
const ageing = new Set();

class LocalTime extends HTMLElement {
  // A live update may swap the <time> inside: what the server wrote gives way again before paint.
  #swapped = new MutationObserver(() => this.show());

  connectedCallback() {
    if (["ago", "short"].includes(this.getAttribute("as") ?? "")) ageing.add(this);
    this.show();
  }

  disconnectedCallback() {
    ageing.delete(this);
    this.#swapped.disconnect();
  }

  show() {
    const time = this.querySelector("time");
    const at = new Date(time?.dateTime ?? "");
    if (!time || Number.isNaN(at.getTime())) return;
    const text = words[this.getAttribute("as") ?? "moment"]?.(at, new Date()) ?? moment(at);
    this.#swapped.disconnect();
    if (time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = full.format(at);
    this.#swapped.observe(this, {
      childList: true,
      subtree: true,
      characterData: true,
      attributeFilter: ["datetime"],
    });
  }
}

customElements.define("local-time", LocalTime);

setInterval(() => document.hidden || ageing.forEach((element) => element.show()), 20_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ageing.forEach((element) => element.show());
});
