// Settings → Tracking: events as they arrive. What else changes on the page is board.js's.

import { fetched, whileVisible } from "./board.js";

const EVERY = 5000; // and at once when something happens
const KEPT = 100;

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

if (rows) whileVisible(EVERY, arrive);
fresh?.addEventListener("click", show);
pause?.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(paused));
  const words = pause.querySelector("span");
  if (words) words.textContent = paused ? "Go on" : "Pause";
});
