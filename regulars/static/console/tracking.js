// Settings → Tracking: the parts that change, asked for each second while the page is looked at.

const EVERY = 1000;
const KEPT = 100;

/** @param {string} url */
async function fetched(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content;
}

/**
 * Calls back each second, one call at a time, while the page is visible.
 * @param {() => Promise<void>} step
 */
function eachSecond(step) {
  const next = async () => {
    if (!document.hidden) {
      try {
        await step();
      } catch {
        // The server is away for a moment: what is shown stays, the next second asks again.
      }
    }
    setTimeout(next, EVERY);
  };
  setTimeout(next, EVERY);
}

/** <live-board data-url="…">: what it fetches replaces the parts of the page with the same ids. */
class LiveBoard extends HTMLElement {
  connectedCallback() {
    eachSecond(async () => {
      const parts = await fetched(this.dataset.url ?? "");
      for (const part of parts.querySelectorAll(":scope > [id]")) {
        const old = document.getElementById(part.id);
        if (old && old.innerHTML !== part.innerHTML && !old.contains(document.activeElement)) {
          old.replaceChildren(...part.childNodes);
        }
      }
    });
  }
}

const rows = /** @type {HTMLElement | null} */ (document.getElementById("live-rows"));
const pause = document.getElementById("pause-live");
const fresh = document.getElementById("fresh-events");
/** @type {Element[]} rows that wait, the newest first */
let waiting = [];

/** Nothing moves under somebody who reads a payload, points at a row or has paused. */
function reading() {
  return (
    pause?.getAttribute("aria-pressed") === "true" ||
    !!rows?.querySelector("details[open]") ||
    !!rows?.matches(":hover, :focus-within")
  );
}

function show() {
  if (!rows) return;
  rows.prepend(...waiting);
  waiting = [];
  document.getElementById("no-events")?.remove();
  for (const old of [...rows.children].slice(KEPT)) old.remove();
  if (fresh) fresh.hidden = true;
}

async function arrive() {
  if (!rows) return;
  const newest = waiting[0] ?? rows.firstElementChild;
  const after = newest instanceof HTMLElement ? (newest.dataset.event ?? "") : "";
  const found = await fetched(`${rows.dataset.url}?after=${after}`);
  waiting = [...found.querySelectorAll("tr"), ...waiting].slice(0, KEPT);
  if (!waiting.length) return;
  if (!reading()) return show();
  if (fresh) {
    fresh.textContent = `${waiting.length} new ${waiting.length === 1 ? "event" : "events"}`;
    fresh.hidden = false;
  }
}

customElements.define("live-board", LiveBoard);
if (rows) eachSecond(arrive);
fresh?.addEventListener("click", show);
pause?.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(paused));
  const words = pause.querySelector("span");
  if (words) words.textContent = paused ? "Go on" : "Pause";
});

export {};
