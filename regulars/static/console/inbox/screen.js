// <inbox-screen data-url="/p/…/inbox/" data-query="mine">: the lists, and which conversation is open.
//
// Opens conversations in place, walks through them with J and K, searches, and keeps the rows true.
// A row is redrawn where it stands; who is new to the list waits behind the pill, so that nothing
// moves under the pointer.

import { fetched } from "../board.js";

const GAP = 300; // ms between two looks at rows
const MOST = 50; // rows that the server tells of at a time
const TYPING = 250; // ms after a key before it is searched

const htmx = /** @type {{htmx?: {process(part: Element): void}}} */ (globalThis).htmx;

class InboxScreen extends HTMLElement {
  /** @type {Set<string>} */
  #stale = new Set();
  /** @type {Set<string>} */
  #fresh = new Set();
  #isBehind = false; // there may be conversations of which no pointer came
  #timer = 0;
  #search = 0;
  #turn = 0;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("inbox", (event) => {
      if (event instanceof CustomEvent) this.#hear(event.detail);
    });
    addEventListener("popstate", () => void this.#popped());
    const find = document.getElementById("inbox-find");
    find?.addEventListener("click", () => this.#toggleSearch(find));
    this.#form?.addEventListener("input", () => {
      clearTimeout(this.#search);
      this.#search = setTimeout(() => void this.#find(), TYPING);
    });
    this.#form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#find();
    });
    this.#form?.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && find) this.#toggleSearch(find, false);
    });
    this.querySelector(".inbox-list .fresh")?.addEventListener("click", () => void this.#renew());
  }

  get #form() {
    return /** @type {HTMLFormElement | null} */ (this.querySelector("#inbox-search"));
  }

  get #list() {
    return /** @type {HTMLElement} */ (this.querySelector("#inbox-rows"));
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = event.target instanceof Element ? event.target : null;
    const step = target?.closest("[data-key=j], [data-key=k]");
    if (step) return this.#step(step.matches("[data-key=j]") ? 1 : -1);
    const more = target?.closest("li.more");
    if (more) return void this.#more(/** @type {HTMLElement} */ (more));
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const back = target?.closest(".thread-head .phone-only[href]");
    if (back) {
      event.preventDefault();
      history.pushState(null, "", back.getAttribute("href"));
      this.removeAttribute("data-open");
      return;
    }
    const link = target?.closest("a.conv, a[data-conversation]");
    if (!link) return;
    event.preventDefault();
    void this.open(link.getAttribute("href") ?? "", { push: true });
  }

  /**
   * Show a conversation, beside the list that stays as it is.
   * @param {string} url
   * @param {{push: boolean, write?: boolean}} how `write` puts the cursor where one answers
   */
  async open(url, { push, write = true }) {
    const turn = (this.#turn += 1);
    this.setAttribute("aria-busy", "true");
    try {
      const part = await fetched(url);
      if (turn !== this.#turn) return;
      const thread = part.querySelector("#thread");
      if (!thread) throw new Error("no thread");
      if (push) history.pushState(null, "", url);
      this.querySelector("#thread")?.replaceWith(thread);
      const about = part.querySelector("#about");
      if (about) this.querySelector("#about")?.replaceWith(about);
      for (const one of [thread, about]) if (one) htmx?.process(one);
      this.setAttribute("data-open", "");
      this.#mark(url);
      const name = thread.getAttribute("data-title");
      if (name) document.title = `${name} · Regulars`;
      if (write && matchMedia("(width >= 720px)").matches) this.querySelector("textarea")?.focus();
    } catch {
      location.assign(url); // the server says what is wrong
    } finally {
      if (turn === this.#turn) this.removeAttribute("aria-busy");
    }
  }

  async #popped() {
    if (/\/inbox\/[0-9a-f-]{36}\/$/.test(location.pathname)) {
      await this.open(location.pathname, { push: false });
    } else this.removeAttribute("data-open");
  }

  /** @param {string} url */
  #mark(url) {
    for (const link of this.querySelectorAll("a.conv")) {
      if (link.getAttribute("href") === url) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  /** @param {number} step */
  #step(step) {
    const found = this.querySelector("#inbox-found:not([hidden])");
    const links = /** @type {HTMLElement[]} */ ([...(found ?? this.#list).querySelectorAll("a.conv")]);
    const at = links.findIndex((one) => one.hasAttribute("aria-current"));
    const next = links[at < 0 ? 0 : at + step];
    if (!next) return;
    next.scrollIntoView({ block: "nearest" });
    // Whoever walks goes on walking: the next J is no letter of an answer.
    next.focus({ preventScroll: true });
    const url = next.getAttribute("href") ?? "";
    this.#mark(url); // at once: a second key goes on from here, though this one is still coming
    void this.open(url, { push: true, write: false });
  }

  /** @param {{t: string, conversation?: string}} pointer */
  #hear(pointer) {
    if (pointer.t === "lost") {
      for (const { dataset } of this.#rows()) if (dataset.id) this.#stale.add(dataset.id);
      this.#isBehind = true;
    } else if (pointer.t === "message" || pointer.t === "changed") {
      if (pointer.conversation) this.#stale.add(pointer.conversation);
    } else return;
    this.#soon();
  }

  #soon() {
    this.#timer ||= setTimeout(() => void this.#look(), GAP);
  }

  #rows() {
    return rowsOf(this.#list);
  }

  async #look() {
    this.#timer = 0;
    const isBehind = this.#isBehind;
    const ids = [...this.#stale].slice(0, MOST);
    this.#isBehind = false;
    for (const id of ids) this.#stale.delete(id);
    try {
      const drawn = isBehind ? await this.#catchUp() : [];
      const others = ids.filter((id) => !drawn.includes(id));
      if (others.length) await this.#refresh(others);
    } catch {
      for (const id of ids) this.#stale.add(id);
      this.#isBehind ||= isBehind;
      return; // the next pointer asks again
    }
    this.#pill();
    if (this.#stale.size) this.#soon();
  }

  /**
   * Draw the newest of the list as they are now, among them those that the page has not.
   * @returns {Promise<(string | undefined)[]>} which they are
   */
  async #catchUp() {
    const newest = rowsOf(await fetched(this.#list.dataset.url ?? ""));
    const known = new Set(this.#rows().map((row) => row.dataset.id));
    // What comes behind all that is here may have been behind "More" all along.
    const isWhole = !this.#list.querySelector("li.more");
    const last = newest.findLastIndex((row) => known.has(row.dataset.id));
    const drawn = isWhole || last < 0 ? newest : newest.slice(0, last + 1);
    for (const row of drawn) this.#place(row, true);
    return drawn.map((row) => row.dataset.id);
  }

  /** Draw these rows as they are now. @param {string[]} ids */
  async #refresh(ids) {
    const joint = this.#list.dataset.url?.includes("?") ? "&" : "?";
    const address = `${this.#list.dataset.url}${joint}ids=${encodeURIComponent(ids.join(" "))}`;
    const part = await fetched(address);
    const here = new Set(part.querySelector("output")?.dataset.here?.split(" ") ?? []);
    for (const row of rowsOf(part)) this.#place(row, here.has(row.dataset.id ?? ""));
  }

  /** @param {HTMLElement} row @param {boolean} belongs whether it is on this list now */
  #place(row, belongs) {
    const id = row.dataset.id ?? "";
    const old = this.#rows().find((one) => one.dataset.id === id);
    if (!old) {
      if (belongs) this.#fresh.add(id);
      else this.#fresh.delete(id);
      return;
    }
    const link = row.querySelector("a.conv");
    if (old.querySelector("a[aria-current]")) link?.setAttribute("aria-current", "true");
    const focused = old.contains(document.activeElement);
    old.replaceChildren(...row.childNodes);
    old.dataset.seq = row.dataset.seq;
    old.classList.toggle("left", !belongs); // it stays where it stands until the list is renewed
    if (focused) old.querySelector("a")?.focus();
  }

  #pill() {
    const pill = /** @type {HTMLElement | null} */ (this.querySelector(".inbox-list .fresh"));
    if (!pill) return;
    const count = this.#fresh.size;
    const words = count === 1 ? "1 more conversation" : `${count} more conversations`;
    const shown = pill.querySelector("span");
    if (shown) shown.textContent = words;
    // Into an empty list, or above a reader who is at its top with the pointer elsewhere.
    if (count && !this.#rows().length) void this.#renew();
    else pill.hidden = !count;
  }

  async #renew() {
    try {
      const part = await fetched(this.#list.dataset.url ?? "");
      this.#list.replaceChildren(part);
      this.#fresh.clear();
      this.#pill();
      this.#mark(location.pathname);
      this.#list.scrollTop = 0;
    } catch {
      // The pill stays.
    }
  }

  /** @param {HTMLElement} more */
  async #more(more) {
    more.querySelector("button")?.setAttribute("aria-busy", "true");
    try {
      const part = await fetched(more.dataset.url ?? "");
      more.replaceWith(part);
      this.#mark(location.pathname);
    } catch {
      more.querySelector("button")?.removeAttribute("aria-busy");
    }
  }

  /** @param {HTMLElement} button @param {boolean} [open] */
  #toggleSearch(button, open = this.#form?.hidden === true) {
    const form = this.#form;
    const found = /** @type {HTMLElement | null} */ (this.querySelector("#inbox-found"));
    if (!form || !found) return;
    form.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    const input = form.querySelector("input");
    if (open) input?.focus();
    else {
      if (input) input.value = "";
      found.hidden = true;
      this.#list.hidden = false;
      button.focus();
    }
    if (open) void this.#find();
  }

  async #find() {
    const found = /** @type {HTMLElement} */ (this.querySelector("#inbox-found"));
    const query = this.#form?.querySelector("input")?.value ?? "";
    try {
      const part = await fetched(`${this.#form?.dataset.url}?q=${encodeURIComponent(query)}`);
      if (query !== (this.#form?.querySelector("input")?.value ?? "")) return;
      found.replaceChildren(part);
      found.hidden = false;
      this.#list.hidden = true;
      this.#mark(location.pathname);
    } catch {
      // What was found before stays.
    }
  }
}

/** @param {ParentNode} part */
const rowsOf = (part) => /** @type {HTMLElement[]} */ ([...part.querySelectorAll("li[data-id]")]);

customElements.define("inbox-screen", InboxScreen);
