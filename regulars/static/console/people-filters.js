// The filter panel and the list beside it: what is filtered by stands in the address, so that it can
// be shared, and the browser's own back and forward walk through it.

const HIDDEN = "regulars-filters-hidden";
const COUNT_GAP = 2000; // ms between two counts while people come and go
const NARROW = "(width < 860px)";

/** @typedef {HTMLElement & {show: (f: string) => void, clear: () => void, filter: string,
 *   refuse: (message: string, place: string) => void}} Builder */

/** @returns {any} */
const htmx = () => /** @type {any} */ (window).htmx;
const builder = () => /** @type {Builder | null} */ (document.querySelector("filter-builder"));
const table = () => document.getElementById("people-table");
const toggle = () => /** @type {HTMLInputElement | null} */ (document.getElementById("filters-toggle"));

let turn = 0; // of the lists asked for, the last one counts

/** The list's address with another filter. @param {string} filter */
function addressWith(filter) {
  const asked = new URLSearchParams(table()?.dataset.url ?? location.search);
  asked.delete("cursor");
  if (filter) asked.set("filter", filter);
  else if (asked.get("edit")) asked.set("filter", "");
  else asked.delete("filter");
  const text = asked.toString();
  return location.pathname + (text ? `?${text}` : "");
}

/** Show the list at an address; the rows that are there stay until the others have come. What was
 * asked for before is given up: answers may overtake each other.
 * @param {string} address
 */
async function load(address) {
  const mine = (turn += 1);
  const source = document.querySelector("people-list");
  source?.setAttribute("hx-sync", "this:replace");
  const asked = {
    source,
    target: "#people-table",
    swap: "outerHTML",
    headers: { "Regulars-Address": "kept" },
  };
  await htmx().ajax("GET", address, asked);
  // Rows that somebody else asked for (a search, an order) may have come in between.
  if (mine === turn && !isShown(address)) await htmx().ajax("GET", address, asked);
  if (mine === turn) settled();
}

/** Whether the list has the address's filter. @param {string} address */
function isShown(address) {
  const wanted = new URL(address, location.href).searchParams.get("filter") ?? "";
  return (new URLSearchParams(table()?.dataset.url ?? "").get("filter") ?? "") === wanted;
}

/** The list is there: what depends on whether it is filtered follows. */
function settled() {
  const shown = table();
  const filter = new URLSearchParams(shown?.dataset.url ?? "").get("filter") ?? "";
  const save = document.getElementById("save-as-segment");
  if (save) save.hidden = !filter || Boolean(shown?.dataset.wrong);
  writeTo(shown?.dataset.wrong ? "" : filter, shown?.dataset.url ?? "");
  if (shown?.dataset.wrong) builder()?.refuse(shown.dataset.wrong, shown.dataset.wrongAt ?? "");
}

/** Whoever is listed now can be written to. @param {string} filter @param {string} list */
function writeTo(filter, list) {
  const place = document.getElementById("to-these");
  if (!place) return;
  place.hidden = !filter;
  const given = place.querySelector("input[name=selection]");
  if (given instanceof HTMLInputElement) given.value = JSON.stringify({ list });
  const link = place.querySelector("a");
  const asked = new URLSearchParams(list);
  if (!link) return;
  link.hidden = ["segment", "q", "list"].some((name) => asked.get(name));
  const query = new URLSearchParams({ filter, kind: asked.get("kind") ?? "user" });
  link.href = `${link.dataset.url}?${query}`;
}

let typing = false; // a value is being typed: its last letter counts, not each of them

/** @param {string} filter @param {boolean} [typed] */
function filterBy(filter, typed = false) {
  const address = addressWith(filter);
  if (address === location.pathname + location.search) return;
  if (typing) history.replaceState({ filter: true }, "", address);
  else history.pushState({ filter: true }, "", address);
  typing = typed;
  void load(address);
}

document.addEventListener("filter-change", (event) => {
  if (event instanceof CustomEvent && table()) filterBy(event.detail.filter, event.detail.typed);
});
document.addEventListener("focusout", (event) => {
  if (event.target instanceof Element && event.target.closest("filter-builder")) typing = false;
});

// Who comes to match or does not any more moves the number: it is counted anew, but seldom.
let counting = 0;
document.addEventListener("list-moved", () => {
  counting ||= setTimeout(() => {
    counting = 0;
    const place = document.getElementById("people-counting");
    const url = place?.dataset.url;
    if (url) void htmx().ajax("GET", url, { target: "#people-count", swap: "innerHTML" });
  }, COUNT_GAP);
});

document.addEventListener("filter-count", (event) => {
  if (!(event instanceof CustomEvent)) return;
  const { count } = event.detail;
  for (const badge of document.querySelectorAll("[data-conditions]")) {
    badge.textContent = String(count);
    if (badge instanceof HTMLElement) badge.hidden = !count;
  }
  for (const button of document.querySelectorAll("[data-clear]")) {
    if (button instanceof HTMLElement) button.hidden = !count;
  }
});

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  if (event.target.closest("[data-clear]")) builder()?.clear();
  const drop = event.target.closest("a[data-drop]");
  if (drop instanceof HTMLAnchorElement && !event.ctrlKey && !event.metaKey && builder()) {
    event.preventDefault();
    const filter = new URL(drop.href).searchParams.get("filter") ?? "";
    builder()?.show(filter === "{}" ? "" : filter);
    filterBy(filter === "{}" ? "" : filter);
    document.getElementById("people-scroll")?.focus();
  }
});

// The browser's back and forward: the list and the panel, not the whole page.
const isHere = () => Boolean(table());
document.addEventListener("htmx:before:history:restore", (event) => {
  if (isHere()) event.preventDefault();
});
const path = location.pathname;
addEventListener("popstate", () => {
  if (!isHere()) return;
  if (location.pathname !== path) {
    location.reload();
    return;
  }
  const filter = new URLSearchParams(location.search).get("filter") ?? "";
  builder()?.show(filter);
  void load(location.pathname + location.search);
});

// Whether the panel is open is remembered; on narrow screens it is a sheet, and closed.
const shelf = toggle();
if (shelf) {
  const narrow = matchMedia(NARROW);
  const recall = () => {
    try {
      shelf.checked = !narrow.matches && localStorage.getItem(HIDDEN) === "yes";
    } catch {
      shelf.checked = false;
    }
  };
  recall();
  narrow.addEventListener("change", recall);
  shelf.addEventListener("change", () => {
    if (narrow.matches) {
      if (shelf.checked) builder()?.querySelector("button")?.focus();
      return;
    }
    try {
      localStorage.setItem(HIDDEN, shelf.checked ? "yes" : "no");
    } catch {
      // It is not remembered, then.
    }
  });
  document.addEventListener("keydown", (event) => {
    const busy = document.querySelector("dialog[open], :popover-open");
    if (event.key === "Escape" && narrow.matches && shelf.checked && !busy) shelf.checked = false;
  });
}

export {};
