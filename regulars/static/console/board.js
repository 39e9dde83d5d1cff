// <live-board data-url="…" data-every="2000">: asks for the parts of a page that change, and puts
// each in the place of its namesake. A timeline beside it is told when there is something newer.

/** @param {string} url */
export async function fetched(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content;
}

/**
 * Calls back every so often, one call at a time, while the page is looked at.
 * @param {number} every milliseconds
 * @param {() => Promise<void>} step
 */
export function whileVisible(every, step) {
  const next = async () => {
    if (!document.hidden) {
      try {
        await step();
      } catch {
        // The server is away for a moment: what is shown stays, and the next turn asks again.
      }
    }
    setTimeout(next, every);
  };
  setTimeout(next, every);
}

class LiveBoard extends HTMLElement {
  connectedCallback() {
    whileVisible(Number(this.dataset.every ?? 1000), async () => {
      const parts = await fetched(this.dataset.url ?? "");
      for (const part of parts.querySelectorAll(":scope > [id]")) {
        const old = document.getElementById(part.id);
        if (old) this.#replace(old, part);
      }
    });
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
    if (shown.get(old.id) === text || old.contains(document.activeElement)) return;
    shown.set(old.id, text);
    old.className = part.className;
    old.replaceChildren(...part.childNodes);
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
