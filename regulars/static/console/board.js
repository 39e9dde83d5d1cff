// <live-board data-url="…" data-every="10000">: asks for the parts of a page that change, and puts
// each in the place of its namesake: when something happens (to data-person alone, where named), and
// every so often. A timeline beside it is told when there is something newer.

/** @param {string} url */
export async function fetched(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content;
}

const htmx = /** @type {{htmx?: {process(part: Element): void}}} */ (globalThis).htmx;
const GAP = 300; // ms between two calls while much happens

/**
 * Calls back when something happens, and every so often; one call at a time, and only while the
 * page is looked at.
 * @param {number} every milliseconds
 * @param {() => Promise<void>} step
 * @param {string} [person] whose news alone count
 */
export function whileVisible(every, step, person) {
  let timer = 0;
  let called = 0;
  let running = false;
  let again = false; // something happened meanwhile
  /** @param {number} wait */
  const soon = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => void call(), wait);
  };
  const call = async () => {
    if (running) return;
    running = true;
    called = Date.now();
    try {
      if (!document.hidden) await step();
    } catch {
      // The server is away for a moment: what is shown stays, and the next turn asks again.
    }
    running = false;
    soon(again ? GAP : every);
    again = false;
  };
  document.addEventListener("live", (event) => {
    const news = event instanceof CustomEvent ? event.detail : {};
    if (person && !news.everybody && !news.people.includes(person)) return;
    if (running) again = true;
    else soon(Math.max(0, called + GAP - Date.now()));
  });
  document.addEventListener("visibilitychange", () => document.hidden || running || soon(0));
  soon(every);
}

class LiveBoard extends HTMLElement {
  #paused = false;

  connectedCallback() {
    const button = this.querySelector("[data-pause]");
    button?.addEventListener("click", () => {
      this.#paused = !this.#paused;
      button.setAttribute("aria-pressed", String(this.#paused));
    });
    const step = async () => {
      if (this.#paused) return;
      const parts = await fetched(this.dataset.url ?? "");
      for (const part of [...parts.children]) {
        const old = document.getElementById(part.id);
        if (old) this.#replace(old, part);
      }
    };
    whileVisible(Number(this.dataset.every ?? 1000), step, this.dataset.person);
  }

  /**
   * @param {HTMLElement} old
   * @param {Element} part
   */
  #replace(old, part) {
    if (part instanceof HTMLElement && part.dataset.newest !== undefined) {
      if (part.dataset.newest !== old.dataset.newest) newer(old, part.dataset.newest);
      return;
    }
    // Compared with what came before, not with the page: scripts there finish what they are given.
    const text = part.innerHTML;
    const held = document.activeElement;
    const inside = held !== old && old.contains(held);
    // What has an id can be found again; anything else that has the focus keeps its part as it is.
    const busy = (inside && !held?.id) || old.matches(":has(:popover-open, input:focus)");
    if (shown.get(old.id) === text || busy) return;
    shown.set(old.id, text);
    old.className = part.className;
    const open = [...old.querySelectorAll("details[id][open]")].map((details) => details.id);
    old.replaceChildren(...part.childNodes);
    htmx?.process(old);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (!inside) return;
    const again = document.getElementById(held?.id ?? "") ?? old.querySelector("a, button");
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }
}

/** @type {Map<string, string>} what each part was last given */
const shown = new Map();
const timeline = document.getElementById("timeline");
let opened = false; // a visit was opened by hand: nothing may close it
timeline?.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("summary")) opened = true;
});

/**
 * The timeline shows what is newer by itself only at its top and while nobody reads in it.
 * @param {HTMLElement} mark
 * @param {string} newest
 */
function newer(mark, newest) {
  mark.dataset.newest = newest;
  const scroller = timeline?.closest(".scroll");
  const pill = document.getElementById("timeline-fresh");
  if (!timeline || !(pill instanceof HTMLElement)) return;
  if (!opened && (scroller?.scrollTop ?? 0) < 40 && !timeline.matches(":hover, :focus-within")) {
    pill.click();
  } else {
    pill.hidden = false;
  }
}

customElements.define("live-board", LiveBoard);
