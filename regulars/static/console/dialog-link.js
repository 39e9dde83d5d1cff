// <a href="…" data-dialog>: what stands at the address is a dialog, which opens over this page. It is
// asked for as a fragment: a <dialog> with a form that htmx posts (hx-target="this"). An answer with
// {"dialog-done": …} in its HX-Trigger closes it. Opened in a new tab, or without a script, the same
// address is a page of its own.
//
// A dialog with data-keep that is closed while somebody has written in it ([data-dirty]) is there
// again, with every word, when its link is followed the next time; *Cancel* lets it go.

/** @type {Map<string, HTMLDialogElement>} dialogs that were closed, and not done with */
const kept = new Map();
/** @type {WeakSet<HTMLDialogElement>} dialogs that have been on the page */
const known = new WeakSet();
// While one is on its way, letters are meant for it: `keys.js` takes none for a shortcut.
const OPENING = "data-opening";

const htmx = /** @type {{htmx?: {process(part: Element): void}}} */ (globalThis).htmx;

/** @param {string} text */
const complain = (text) =>
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, bad: true } }));

/** @param {string} url @returns {Promise<HTMLDialogElement | null>} */
async function asked(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  const elsewhere = answer.headers.get("HX-Redirect"); // who is signed out is led to the door
  if (elsewhere) location.assign(elsewhere);
  if (elsewhere || !answer.ok) {
    if (!elsewhere) complain("That is not there any more");
    return null;
  }
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content.querySelector("dialog");
}

/** @param {string} url */
async function open(url) {
  const page = document.documentElement;
  if (page.hasAttribute(OPENING)) return;
  page.toggleAttribute(OPENING, true);
  try {
    const dialog = kept.get(url) ?? (await asked(url));
    if (!dialog) return;
    if (!dialog.isConnected) {
      document.getElementById(dialog.id)?.remove();
      document.body.append(dialog);
    }
    if (!known.has(dialog)) {
      known.add(dialog);
      htmx?.process(dialog);
      dialog.addEventListener("close", () => closed(url, dialog));
    }
    dialog.returnValue = "";
    dialog.showModal();
  } catch {
    complain("The server could not be reached");
  } finally {
    page.toggleAttribute(OPENING, false);
  }
}

/**
 * @param {string} url
 * @param {HTMLDialogElement} dialog
 */
function closed(url, dialog) {
  const written = dialog.hasAttribute("data-keep") && dialog.querySelector("[data-dirty]");
  if (written && dialog.returnValue === "") {
    kept.set(url, dialog);
    return;
  }
  kept.delete(url);
  dialog.remove();
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element && event.target.closest("a[data-dialog]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const menu = link.closest("[popover]");
  if (menu instanceof HTMLElement && menu.matches(":popover-open")) menu.hidePopover();
  void open(link.href);
});

document.addEventListener("dialog-done", (event) => {
  const dialog = event.target instanceof Element && event.target.closest("dialog");
  if (dialog) dialog.close("done");
});

export {};
