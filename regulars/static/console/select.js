// <bulk-bar>: who is selected in a list, and the bar that says so.
//
// People are ticked one by one (a click, X; with shift all since the last one), all at once that are
// loaded (#pick-all), or as everyone on the list (#pick-everyone): then the list's question is kept,
// and only who was unticked after. Ticks survive whatever happens to the rows; another list clears
// them. Forms get the selection as they are sent, in input[data-selection]; [data-picked] says
// “214 people”, input[data-number] and [data-figure] hold the number.

const TAKES_OFF = ["erase", "segment_remove"]; // actions that take people off the list
const A_FEW = 10; // people who can be deleted without their number being typed

const numbers = new Intl.NumberFormat("en");

/** @param {number} count */
const people = (count) => (count === 1 ? "1 person" : `${numbers.format(count)} people`);

/** @param {EventTarget | null} target @returns {HTMLInputElement | null} */
const tickOf = (target) =>
  target instanceof HTMLInputElement && target.matches("td.pick input[name=id]") ? target : null;

class BulkBar extends HTMLElement {
  /** @type {Set<string>} who is ticked; with everyone selected, who was unticked */
  #ids = new Set();
  #everyone = false;
  #total = 0; // people on the list when everyone was selected
  #at = "";
  #question = "";
  /** @type {HTMLInputElement | null} */
  #last = null;
  #drawing = 0;
  #leaving = false; // people are being taken off the list: their rows go when that is done

  connectedCallback() {
    document.addEventListener("change", (event) => this.#changed(event.target));
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("submit", (event) => this.#fill(event.target), { capture: true });
    document.addEventListener("bulk-started", (event) => this.#started(event));
    document.addEventListener("input", (event) => this.#typed(event.target));
    addEventListener("pageshow", () => this.#draw()); // a browser may bring old ticks back
    const list = document.getElementById("people-scroll");
    if (list) {
      new MutationObserver(() => this.#soon()).observe(list, { childList: true, subtree: true });
    }
    const jobs = document.getElementById("bulk-jobs");
    if (jobs) {
      new MutationObserver(() => this.#done(jobs)).observe(jobs, { childList: true });
      // While the server is away the live stream says so: once, not with every look.
      jobs.addEventListener("htmx:error", (event) => {
        if (event.target instanceof Element && event.target.matches("[hx-trigger^=every]")) {
          event.stopPropagation();
        }
      });
    }
    this.#question = this.#asked();
    this.#draw();
  }

  get #count() {
    return this.#everyone ? this.#total - this.#ids.size : this.#ids.size;
  }

  /** The list that is shown, whatever its order. */
  #asked() {
    const table = document.getElementById("people-table");
    const asked = new URLSearchParams(table?.dataset.url ?? "");
    for (const of of ["sort", "cursor"]) asked.delete(of);
    return asked.toString();
  }

  #ticks() {
    /** @type {NodeListOf<HTMLInputElement>} */
    const found = document.querySelectorAll("#people-table td.pick input[name=id]");
    return [...found];
  }

  /** @param {string} id */
  #isPicked(id) {
    return this.#ids.has(id) !== this.#everyone;
  }

  /** @param {string} id @param {boolean} picked */
  #pick(id, picked) {
    if (picked !== this.#everyone) this.#ids.add(id);
    else this.#ids.delete(id);
  }

  /** @param {EventTarget | null} target */
  #changed(target) {
    const tick = tickOf(target);
    if (tick) {
      this.#pick(tick.value, tick.checked);
    } else if (target instanceof HTMLInputElement && target.id === "pick-all") {
      for (const one of this.#ticks()) this.#pick(one.value, target.checked);
    } else return;
    this.#draw();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const tick = tickOf(event.target);
    if (tick) {
      if (event.shiftKey) this.#range(tick);
      this.#last = tick;
    } else if (event.target instanceof Element) {
      if (event.target.closest("#clear-picked")) this.#clear();
      else if (event.target.closest("#pick-everyone")) void this.#pickEveryone();
    }
  }

  /** All rows between the one that was clicked last and this one become as this one is.
   * @param {HTMLInputElement} tick
   */
  #range(tick) {
    const all = this.#ticks();
    const from = this.#last ? all.indexOf(this.#last) : -1;
    const to = all.indexOf(tick);
    if (from < 0) return;
    for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      this.#pick(one.value, tick.checked);
    }
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || event.defaultPrevented || !this.#count) return;
    const busy = document.querySelector("dialog[open], :popover-open");
    const typing =
      event.target instanceof HTMLElement &&
      event.target.matches("textarea, select, input:not([type=checkbox])");
    if (!busy && !typing) this.#clear();
  }

  async #pickEveryone() {
    const question = this.#question;
    try {
      const answer = await fetch(`${this.dataset.count}?${question}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const { people: total, at } = await answer.json();
      if (question !== this.#question) return;
      this.#everyone = true;
      this.#ids.clear();
      this.#total = total;
      this.#at = at;
      this.#draw();
    } catch {
      const detail = { text: "They could not be counted. Try again.", bad: true };
      document.dispatchEvent(new CustomEvent("toast", { detail }));
    }
  }

  #clear() {
    this.#ids.clear();
    this.#everyone = false;
    this.#last = null;
    this.#draw();
  }

  #soon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#draw();
    });
  }

  /** Ticks, the bar and every number say who is selected. */
  #draw() {
    const asked = this.#asked();
    if (asked !== this.#question) {
      this.#question = asked;
      this.#ids.clear();
      this.#everyone = false;
    }
    const ticks = this.#ticks();
    for (const one of ticks) one.checked = this.#isPicked(one.value);
    const picked = ticks.filter((one) => one.checked).length;
    const all = document.getElementById("pick-all");
    if (all instanceof HTMLInputElement) {
      all.checked = picked > 0 && picked === ticks.length;
      all.indeterminate = picked > 0 && picked < ticks.length;
    }
    const count = this.#count;
    this.classList.toggle("on", count > 0);
    write(document.getElementById("picked"), people(count));
    for (const place of document.querySelectorAll("[data-picked]")) write(place, people(count));
    for (const place of document.querySelectorAll("[data-figure]")) {
      write(place, numbers.format(count));
    }
    const everyone = document.getElementById("pick-everyone");
    if (everyone) {
      const more = document.querySelector("#people-table tr.more");
      everyone.hidden = this.#everyone || !more || picked < ticks.length;
      const shown = document.querySelector("#people-count b")?.textContent ?? "";
      write(everyone, /^[\d,]+$/.test(shown) ? `Select all ${shown}` : "Select everyone listed");
    }
    this.#offerTalk();
    this.#confirm();
  }

  /** Whoever is selected alone can be talked to; a dot says that they are here now. */
  #offerTalk() {
    const offer = document.getElementById("talk-to-picked");
    if (!(offer instanceof HTMLAnchorElement)) return;
    const [id] = this.#everyone || this.#ids.size !== 1 ? [] : this.#ids;
    offer.hidden = !id;
    if (!id) return;
    offer.href = `${offer.dataset.url}?person=${encodeURIComponent(id)}`;
    const row = document.querySelector(`#people-table tr[data-id="${CSS.escape(id)}"]`);
    const until = row instanceof HTMLElement ? Number(row.dataset.onlineUntil ?? 0) : 0;
    const here = until * 1000 > Date.now();
    offer.title = here ? "They are here now" : "They find it when they come back";
    const dot = offer.querySelector(".dot");
    if (dot instanceof HTMLElement) dot.hidden = !here;
  }

  /** More than a few are not deleted unless their number is typed. */
  #confirm() {
    const count = this.#count;
    const many = count > A_FEW;
    for (const place of document.querySelectorAll("[data-many]")) {
      if (place instanceof HTMLElement) place.hidden = !many;
      const input = place.querySelector("input");
      const button = place.closest("form")?.querySelector("[data-confirm]");
      if (input && button instanceof HTMLButtonElement) {
        button.disabled = many && input.value.replaceAll(",", "").trim() !== String(count);
      }
    }
  }

  /** @param {EventTarget | null} target */
  #typed(target) {
    if (target instanceof Element && target.closest("[data-many]")) this.#confirm();
  }

  /** @param {EventTarget | null} form */
  #fill(form) {
    if (!(form instanceof HTMLFormElement)) return;
    const ids = [...this.#ids];
    const selection = this.#everyone
      ? { list: this.#question, without: ids, at: this.#at }
      : { ids };
    for (const input of form.querySelectorAll("input")) {
      if (input.matches("[data-selection]")) input.value = JSON.stringify(selection);
      if (input.matches("[data-number]")) input.value = String(this.#count);
    }
  }

  /** @param {Event} event */
  #started(event) {
    /** @type {NodeListOf<HTMLDialogElement>} */
    const dialogs = document.querySelectorAll("dialog[open]");
    for (const dialog of dialogs) dialog.close();
    /** @type {NodeListOf<HTMLElement>} */
    const menus = document.querySelectorAll(":popover-open");
    for (const menu of menus) menu.hidePopover();
    for (const form of document.querySelectorAll("form")) {
      if (form.querySelector("[data-selection]")) form.reset();
    }
    if (event instanceof CustomEvent && TAKES_OFF.includes(event.detail?.action)) {
      this.#leaving = true;
      this.#clear();
      const jobs = document.getElementById("bulk-jobs");
      if (jobs) this.#done(jobs); // a few are gone by now
    }
    this.#draw();
  }

  /** Nothing runs any more: who was taken off leaves the list. @param {HTMLElement} jobs */
  #done(jobs) {
    if (!this.#leaving || jobs.querySelector("progress")) return;
    this.#leaving = false;
    const url = document.getElementById("people-table")?.dataset.url ?? "?";
    /** @type {any} */ (window).htmx.ajax("GET", url, { target: "#people-table", swap: "outerHTML" });
  }
}

/** Without touching what says so already: a screen reader would say it again.
 * @param {Element | null} place
 * @param {string} text
 */
function write(place, text) {
  if (place && place.textContent !== text) place.textContent = text;
}

customElements.define("bulk-bar", BulkBar);

export {};
