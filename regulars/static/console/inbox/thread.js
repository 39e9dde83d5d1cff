// <inbox-thread data-url="…" data-conversation="…" data-agents-seen="…">: what was said, as it is said.
//
// Messages are asked for behind the last one that stands here, so none is lost or shown twice,
// whatever becomes of the line. Days and runs of one sender are drawn here, in the reader's zone.
// What stands around the messages is swapped part by part, but never the one that is being used.

import { fetched } from "../board.js";
import { say } from "./line.js";

const LOOKING = 10_000; // ms between two signs that the agent has it open
const TYPES_FOR = 5000; // ms that somebody is taken to write after the last sign of it
const SAME_RUN = 5 * 60_000; // ms between two bubbles of one run
const AT_THE_END = 60; // px from the newest message within which one reads along

const htmx = /** @type {{htmx?: {process(part: Element): void}}} */ (globalThis).htmx;
const today = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });

class InboxThread extends HTMLElement {
  #agents = 0;
  #timer = 0;
  #typing = 0;
  #busy = false;
  #around = false;
  #again = false;
  #missed = 0;
  #stop = new AbortController();
  #colleague = 0;

  connectedCallback() {
    if (!this.dataset.conversation) return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    document.addEventListener("inbox", (event) => {
      if (event instanceof CustomEvent) this.#hear(event.detail);
    }, { signal });
    document.addEventListener("inbox-done", () => void this.#refresh(true), { signal });
    document.addEventListener("visibilitychange", () => this.#looked(), { signal });
    addEventListener("focus", () => this.#looked(), { signal });
    this.addEventListener("inbox-said", () => void this.#refresh(false));
    this.addEventListener("click", (event) => this.#click(event));
    this.#scroll.addEventListener("scroll", () => this.#scrolled());
    this.#agents = Number(this.dataset.agentsSeen);
    this.#arrange();
    this.#looked();
    this.#timer = setInterval(() => this.#look(), LOOKING);
  }

  disconnectedCallback() {
    this.#stop.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#typing);
    say({ t: "away", conversation: this.dataset.conversation });
  }

  get #scroll() {
    return /** @type {HTMLElement} */ (this.querySelector(".thread-scroll"));
  }

  get #thread() {
    return /** @type {HTMLElement} */ (this.querySelector(".thread"));
  }

  /** @returns {HTMLElement[]} */
  #messages() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.#thread.querySelectorAll("[data-seq]"))];
  }

  #last() {
    return Math.max(0, ...this.#messages().map((one) => Number(one.dataset.seq)));
  }

  /** @param {{t: string, conversation?: string, person?: string, by?: string}} pointer */
  #hear(pointer) {
    if (pointer.t !== "lost" && pointer.conversation !== this.dataset.conversation) return;
    if (pointer.t === "typing") this.#types(pointer.by ?? "");
    else void this.#refresh(true);
    if (pointer.t === "lost") this.#look();
  }

  /** Somebody writes: the person, or a colleague. @param {string} by */
  #types(by) {
    if (by === "person") {
      const line = /** @type {HTMLElement | null} */ (this.querySelector(".typing-line"));
      if (!line) return;
      line.hidden = false;
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => (line.hidden = true), TYPES_FOR);
      return;
    }
    const mate = [...(this.#team() ?? [])].find((one) => one.dataset.id === by);
    if (!mate || mate.hasAttribute("data-me")) return;
    const place = this.querySelector("#onlookers");
    const words = place?.querySelector("[data-words]") ?? place;
    if (words) words.textContent = `${mate.dataset.short} is writing…`;
    clearTimeout(this.#colleague);
    this.#colleague = setTimeout(() => void this.#refresh(true), TYPES_FOR);
  }

  /** @returns {NodeListOf<HTMLElement> | undefined} */
  #team() {
    const kept = /** @type {HTMLTemplateElement | null} */ (this.querySelector("#team"));
    return kept?.content.querySelectorAll("span");
  }

  /** What is new, and (with `around`) how the conversation stands. @param {boolean} around */
  async #refresh(around) {
    this.#around ||= around; // whoever is busy does it in their next turn
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      do {
        this.#again = false;
        await this.#fetchNew();
        if (!this.#around) continue;
        this.#around = false;
        await this.#fetchState();
      } while (this.#again && this.isConnected);
    } catch {
      // The server is away: the line comes back, and says that something may have been missed.
    }
    this.#busy = false;
  }

  async #fetchNew() {
    for (let more = true; more && this.isConnected; ) {
      const part = await fetched(`${this.dataset.url}messages?after=${this.#last()}`);
      more = part.querySelector("output[data-more]") !== null;
      const fresh = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-seq]")]);
      if (fresh.length) this.#add(fresh);
    }
  }

  /** @param {HTMLElement[]} fresh in their order */
  #add(fresh) {
    const scroll = this.#scroll;
    const reading = Math.abs(scroll.scrollTop) > AT_THE_END;
    const end = this.querySelector(".typing-line");
    let theirs = 0;
    for (const one of fresh) {
      if (document.getElementById(one.id)) continue;
      const client = one.dataset.client;
      if (client) this.querySelector(`[data-waiting="${CSS.escape(client)}"]`)?.remove();
      const waiting = this.#thread.querySelector("[data-waiting]");
      this.#thread.insertBefore(one, waiting ?? end);
      htmx?.process(one);
      if (one.dataset.who === "person") theirs += 1;
    }
    if (theirs) {
      const line = /** @type {HTMLElement | null} */ (end);
      if (line) line.hidden = true;
    }
    this.#arrange();
    if (reading && theirs) {
      this.#missed += theirs;
      this.#pill();
    } else if (!reading) scroll.scrollTop = 0;
    this.#looked();
  }

  async #fetchState() {
    const part = await fetched(`${this.dataset.url}state`);
    for (const id of ["thread-head", "ticket-bar", "onlookers", "presence-line"]) {
      const fresh = part.querySelector(`#${id}`);
      const old = this.querySelector(`#${id}`);
      if (!fresh || !old || this.#isUsed(old) || old.innerHTML === fresh.innerHTML) continue;
      old.replaceChildren(...fresh.childNodes);
      htmx?.process(old);
    }
    const said = part.querySelector("output");
    if (said?.dataset.personSeen) {
      this.#thread.dataset.personSeen = said.dataset.personSeen;
      this.#arrange();
    }
    if (said && Number(said.dataset.last) > this.#last()) this.#again = true;
  }

  /** Whether somebody is at it: a menu of it is open, or it is being typed in. @param {Element} part */
  #isUsed(part) {
    if (part.querySelector(":popover-open")) return true;
    const active = document.activeElement;
    return part.contains(active) && active?.matches("input, select, textarea") === true;
  }

  /** Days, runs of one sender, and what the person has seen. */
  #arrange() {
    for (const old of this.#thread.querySelectorAll(".day")) old.remove();
    let day = "";
    /** @type {HTMLElement | null} */
    let before = null;
    /** @type {HTMLElement | null} */
    let seenUpTo = null;
    const seen = Number(this.#thread.dataset.personSeen);
    for (const one of this.#messages()) {
      const at = new Date(one.dataset.at ?? "");
      if (at.toDateString() !== day) {
        day = at.toDateString();
        one.before(dayOf(at));
        before = null;
      }
      const bubble = one.classList.contains("msg");
      const joined =
        bubble &&
        before !== null &&
        before.dataset.who === one.dataset.who &&
        at.getTime() - new Date(before.dataset.at ?? "").getTime() < SAME_RUN;
      one.classList.toggle("cont", joined);
      before?.classList.toggle("goes-on", joined);
      before = bubble ? one : null;
      const mark = /** @type {HTMLElement | null} */ (one.querySelector(".seen"));
      if (mark) {
        mark.hidden = true;
        if ("mine" in one.dataset && Number(one.dataset.seq) <= seen) seenUpTo = mark;
      }
    }
    before?.classList.remove("goes-on");
    if (seenUpTo) seenUpTo.hidden = false;
  }

  #isLookedAt() {
    return !document.hidden && document.hasFocus();
  }

  /** The messages are before the agent's eyes, if anybody looks. */
  #looked() {
    this.#look();
    const last = this.#last();
    if (!this.#isLookedAt() || last <= this.#agents) return;
    this.#agents = last;
    say({ t: "seen", conversation: this.dataset.conversation, seq: last });
    // Once more by HTTP: the line may be down, and nobody else is told then.
    const body = new FormData();
    body.set("seq", String(last));
    void post(`${this.dataset.url}seen`, body).catch(() => (this.#agents = 0));
  }

  #look() {
    if (this.#isLookedAt()) say({ t: "look", conversation: this.dataset.conversation });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = event.target instanceof Element ? event.target : null;
    const earlier = /** @type {HTMLElement | null} */ (target?.closest(".earlier"));
    if (earlier) void this.#earlier(earlier);
    else if (target?.closest(".thread-scroll > .fresh")) this.#toTheEnd();
  }

  /** @param {HTMLElement} button */
  async #earlier(button) {
    button.setAttribute("aria-busy", "true");
    try {
      const part = await fetched(`${this.dataset.url}messages?before=${button.dataset.before}`);
      const first = this.#messages()[0];
      button.replaceWith(part);
      this.#arrange();
      first?.scrollIntoView({ block: "start" });
    } catch {
      button.removeAttribute("aria-busy");
    }
  }

  #scrolled() {
    if (Math.abs(this.#scroll.scrollTop) <= AT_THE_END && this.#missed) {
      this.#missed = 0;
      this.#pill();
    }
  }

  #toTheEnd() {
    this.#scroll.scrollTop = 0;
    this.#missed = 0;
    this.#pill();
  }

  #pill() {
    const pill = /** @type {HTMLElement | null} */ (this.querySelector(".thread-scroll > .fresh"));
    if (!pill) return;
    const words = pill.querySelector("span");
    const count = this.#missed;
    if (words) words.textContent = count === 1 ? "1 new message" : `${count} new messages`;
    pill.hidden = !count;
  }
}

/** @param {Date} at */
function dayOf(at) {
  const line = document.createElement("p");
  line.className = "day";
  const now = new Date();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (at.toDateString() === now.toDateString()) line.textContent = "Today";
  else if (at.toDateString() === yesterday.toDateString()) line.textContent = "Yesterday";
  else {
    const year = at.getFullYear() === now.getFullYear() ? "" : ` ${at.getFullYear()}`;
    line.textContent = today.format(at) + year;
  }
  return line;
}

/**
 * Ask the server to change something, as htmx would.
 * @param {string} url
 * @param {FormData} body
 */
export function post(url, body) {
  const said = JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}");
  return fetch(url, { method: "POST", body, headers: { "HX-Request": "true", ...said } });
}

customElements.define("inbox-thread", InboxThread);
