// <people-list>: keeps the rows that are shown true, and nothing moves under the reader.
//
// Of the people something happened to, those whose rows can be seen are asked for in one request
// and their cells swapped; rows out of sight wait until they are scrolled to. Whoever has come
// into the part of the list that is loaded waits behind the pill.

const GAP = 300; // ms between two requests for rows
const AT_ONCE = 60; // rows a request
const MARGIN = 300; // px around what can be seen
const MOST_WAITING = 99;
const FADES = 1600; // ms, as .changed does
const READ = "regulars-people-read";
const MOST_PAGES = 20; // loaded again for somebody who comes back

/** @typedef {{people: string[], everybody: boolean, events: number}} News */

class PeopleList extends HTMLElement {
  /** @type {Set<string>} rows that may no longer be true */
  #stale = new Set();
  /** @type {Set<string>} people without a row, of whom is to be asked whether they have come in */
  #others = new Set();
  /** @type {Set<string>} people who have */
  #fresh = new Set();
  #timer = 0;
  #askedAt = 0;
  #asking = false;

  connectedCallback() {
    document.addEventListener("live", (event) => {
      if (event instanceof CustomEvent) this.#hear(event.detail);
    });
    this.#scroller?.addEventListener("scroll", () => this.#stale.size && this.#soon(), {
      passive: true,
    });
    this.#pill?.addEventListener("click", () => void this.#reload());
    document.addEventListener("htmx:after:swap", () => this.#swapped());
    document.addEventListener("visibilitychange", () => document.hidden || this.#soon());
    addEventListener("pagehide", () => this.#leave());
    setInterval(() => this.#fade(), 5000);
    void this.#comeBack();
  }

  get #table() {
    return /** @type {HTMLElement | null} */ (this.querySelector("#people-table"));
  }

  get #scroller() {
    return this.querySelector("#people-scroll");
  }

  get #pill() {
    return /** @type {HTMLElement | null} */ (this.querySelector(".fresh"));
  }

  /** @param {string} id @returns {HTMLTableRowElement | null} */
  #row(id) {
    return this.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
  }

  #rows() {
    return /** @type {HTMLTableRowElement[]} */ ([...this.querySelectorAll("tr[data-id]")]);
  }

  /** @param {News} news */
  #hear(news) {
    for (const id of news.people) {
      if (this.#row(id)) this.#stale.add(id);
      else if (!this.#fresh.has(id)) this.#others.add(id);
    }
    if (news.everybody) {
      for (const row of this.#rows()) this.#stale.add(row.dataset.id ?? "");
    }
    this.#soon();
  }

  /** Somebody's five minutes are over: ask how they are now. */
  #fade() {
    const now = Date.now() / 1000;
    for (const row of this.#rows()) {
      const until = Number(row.dataset.onlineUntil ?? Infinity);
      if (until < now) this.#stale.add(row.dataset.id ?? "");
    }
    if (this.#stale.size) this.#soon();
  }

  /** At once where nothing was asked for lately. */
  #soon() {
    const wait = Math.max(0, this.#askedAt + GAP - Date.now());
    this.#timer ||= setTimeout(() => void this.#ask(), wait);
  }

  async #ask() {
    this.#timer = 0;
    const table = this.#table;
    if (!table || this.#asking || document.hidden) return;
    const ids = this.#seen([...this.#stale]).slice(0, AT_ONCE);
    const others = [...this.#others].slice(0, AT_ONCE);
    if (!ids.length && !others.length) return;
    for (const id of ids) this.#stale.delete(id);
    for (const id of others) this.#others.delete(id);
    const url = new URL(table.dataset.rows ?? "", location.href);
    url.searchParams.set("ids", ids.join(" "));
    url.searchParams.set("others", others.join(" "));
    url.searchParams.set("end", this.querySelector("tr.more")?.getAttribute("data-end") ?? "");
    this.#asking = true;
    this.#askedAt = Date.now();
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      if (table.isConnected) this.#take(await answer.text());
    } catch {
      // The server is away; the stream says so. What is stale stays so until it is heard of again.
      for (const id of ids) this.#stale.add(id);
    } finally {
      this.#asking = false;
      this.#askedAt = Date.now();
    }
    if (this.#seen([...this.#stale]).length || this.#others.size) this.#soon();
  }

  /** Those whose rows stand in or near what can be seen. @param {string[]} ids */
  #seen(ids) {
    const frame = this.#scroller?.getBoundingClientRect();
    if (!frame) return [];
    return ids.filter((id) => {
      const row = this.#row(id);
      if (!row) {
        this.#stale.delete(id);
        return false;
      }
      const place = row.getBoundingClientRect();
      return place.bottom > frame.top - MARGIN && place.top < frame.bottom + MARGIN;
    });
  }

  /** @param {string} html */
  #take(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    for (const now of template.content.querySelectorAll("tr")) {
      const row = this.#row(now.dataset.id ?? "");
      if (row) swapCells(row, now);
    }
    const { fresh: came = "", gone = "" } = template.content.querySelector("output")?.dataset ?? {};
    this.#dim(template.content.querySelectorAll("tr"), new Set(gone.split(" ")));
    for (const id of came.split(" ")) if (id && !this.#row(id)) this.#fresh.add(id);
    // Where nobody is listed, nothing is being read: whoever comes is shown.
    if (this.#fresh.size && !this.querySelector("tbody")) void this.#reload();
    else this.#showPill();
  }

  /** Whoever does not match any more stays until the list is asked for again, only paler.
   * @param {Iterable<HTMLTableRowElement>} asked @param {Set<string>} gone
   */
  #dim(asked, gone) {
    const ids = [...asked].map((row) => row.dataset.id ?? "");
    for (const id of [...ids, ...gone]) {
      const row = id ? this.#row(id) : null;
      if (!row) continue;
      row.classList.toggle("gone", gone.has(id));
      row.title = gone.has(id) ? "No longer on this list" : "";
    }
    if (gone.size) this.dispatchEvent(new Event("list-moved", { bubbles: true }));
  }

  /** Whether a search or filters narrow the list down. */
  get #isNarrowed() {
    const asked = new URLSearchParams(this.#table?.dataset.url ?? "");
    return Boolean(asked.get("filter") || asked.get("q"));
  }

  #showPill() {
    const pill = this.#pill;
    const words = pill?.querySelector("span");
    if (!pill || !words) return;
    const count = this.#fresh.size;
    const shown = count > MOST_WAITING ? `${MOST_WAITING}+` : String(count);
    const match = this.#isNarrowed ? (count === 1 ? " matches" : " match") : "";
    words.textContent = `${shown} more ${count === 1 ? "person" : "people"}${match}`;
    pill.hidden = !count;
    if (this.#isNarrowed && count) this.dispatchEvent(new Event("list-moved", { bubbles: true }));
  }

  async #reload() {
    this.#forget();
    const url = this.#table?.dataset.url ?? "?";
    await htmx().ajax("GET", url, { target: "#people-table", swap: "outerHTML" });
    this.#scroller?.scrollTo({ top: 0 });
  }

  /** Remember how far the list was read, for whoever comes back to it. */
  #leave() {
    const read = { url: location.href, top: this.#scroller?.scrollTop ?? 0 };
    try {
      sessionStorage.setItem(READ, JSON.stringify(read));
    } catch {
      // It is not remembered, then.
    }
  }

  /** Back from a profile: load as far as was read, and stand where one stood. */
  async #comeBack() {
    const [way] = performance.getEntriesByType("navigation");
    if (!(way instanceof PerformanceNavigationTiming) || way.type !== "back_forward") return;
    const read = JSON.parse(sessionStorage.getItem(READ) ?? "{}");
    if (read.url !== location.href) return;
    const scroller = this.#scroller;
    for (let pages = 0; scroller && pages < MOST_PAGES; pages += 1) {
      const more = this.querySelector("tr.more");
      if (!more || scroller.scrollHeight - scroller.clientHeight >= read.top) break;
      await htmx().ajax("GET", more.getAttribute("hx-get"), { target: more, swap: "outerHTML" });
    }
    scroller?.scrollTo({ top: read.top });
  }

  #forget() {
    this.#fresh.clear();
    this.#others.clear();
    this.#stale.clear();
    this.#showPill();
  }

  #current = this.#table;

  /** New rows were loaded, or another list: nobody is listed twice. */
  #swapped() {
    if (this.#table !== this.#current) {
      this.#current = this.#table;
      this.#forget();
      this.#scroller?.scrollTo({ top: 0 });
      return;
    }
    const seen = new Set();
    for (const row of this.#rows()) {
      if (seen.has(row.dataset.id)) row.remove();
      seen.add(row.dataset.id);
      this.#fresh.delete(row.dataset.id ?? "");
    }
    this.#showPill();
  }
}

/**
 * Take over the cells that differ; those of them that were seen to change fade once.
 * @param {HTMLTableRowElement} row
 * @param {HTMLTableRowElement} now
 */
function swapCells(row, now) {
  if (now.dataset.onlineUntil) row.dataset.onlineUntil = now.dataset.onlineUntil;
  else delete row.dataset.onlineUntil;
  for (const cell of row.cells) {
    const other = [...now.cells].find((one) => one.dataset.col === cell.dataset.col);
    if (!other || plain(cell) === plain(other)) continue;
    const hadFocus = cell.contains(document.activeElement);
    cell.replaceChildren(...other.childNodes);
    if (hadFocus) cell.querySelector("a")?.focus({ preventScroll: true });
    if (cell.dataset.col === "name") continue;
    cell.classList.add("changed");
    setTimeout(() => cell.classList.remove("changed"), FADES);
  }
}

/** A cell as the server wrote it: times are compared by the instant, not by what they read.
 * @param {HTMLTableCellElement} cell
 */
function plain(cell) {
  const copy = /** @type {HTMLElement} */ (cell.cloneNode(true));
  for (const time of copy.querySelectorAll("time")) {
    time.textContent = "";
    time.removeAttribute("title");
  }
  return copy.innerHTML;
}

/** @returns {any} */
const htmx = () => /** @type {any} */ (window).htmx;

customElements.define("people-list", PeopleList);

export {};
