// Keyboard shortcuts. Markup says what a key does, this file only presses it:
//   data-key="n"       press N: clicks the element, or focuses it if one types into it
//   data-key="mod+k"   ⌘K, or Ctrl K
//   data-go="p"        G then P follows the link
//   data-rows          J and K move through the [data-row] links in it (where there are none, they
//                      are keys like any other), X ticks the row's box,
//                      ⇧X all boxes since the last ticked
// Single keys never fire while typing or over an open dialog, and can be switched off.

const KEY = "regulars-single-keys";
const PATIENCE = 1200; // ms that G waits for its letter

const singleKeys = () => {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
};

/** @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])"));

/** @param {string} selector @returns {HTMLElement | undefined} */
const shown = (selector) =>
  [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))].find(
    (element) => element.checkVisibility() || element.closest("[popover]"),
  );

/** @param {HTMLElement | undefined} element */
function press(element) {
  if (!element) return false;
  if (element instanceof HTMLInputElement) {
    element.focus();
    element.select();
  } else element.click();
  return true;
}

let going = 0; // until when G waits

/** @param {string} key */
function go(key) {
  const was = going > performance.now();
  going = 0;
  return was && press(shown(`[data-go="${CSS.escape(key)}"]`));
}

/** @type {HTMLElement | null} */
let lastTicked = null;

const rows = () =>
  /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-rows] [data-row]")]);

/** @param {number} step */
function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.closest("tr, li")?.contains(document.activeElement));
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

/** @param {boolean} range */
function tick(range) {
  const all = rows();
  const row = all.find((one) => one.closest("tr, li")?.contains(document.activeElement));
  if (!row) return false;
  const box = (/** @type {HTMLElement} */ one) =>
    /** @type {HTMLInputElement | null | undefined} */ (
      one.closest("tr, li")?.querySelector("input[type=checkbox]")
    );
  const here = all.indexOf(row);
  const from = range && lastTicked ? all.indexOf(lastTicked) : here;
  const value = range || !box(row)?.checked;
  for (const one of all.slice(Math.min(from, here), Math.max(from, here) + 1)) {
    const input = box(one);
    if (!input || input.checked === value) continue;
    input.checked = value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  lastTicked = row;
  return true;
}

/** @param {KeyboardEvent} event */
function single(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (go(key)) return true;
  if (key === "g") {
    going = performance.now() + PATIENCE;
    return true;
  }
  if ((key === "j" || key === "k") && move(key === "j" ? 1 : -1)) return true;
  if (key === "x") return tick(event.shiftKey);
  // What the screen itself does by a key goes before what the frame around it does.
  const named = `[data-key="${CSS.escape(key)}"]`;
  return press(shown(`main ${named}`) ?? shown(named));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  if (event.metaKey || event.ctrlKey) {
    const key = CSS.escape(event.key.toLowerCase());
    if (!event.shiftKey && press(shown(`[data-key="mod+${key}"]`))) event.preventDefault();
    return;
  }
  if (event.key === "Escape" && isTyping(event.target)) {
    /** @type {HTMLElement} */ (event.target).blur();
    return;
  }
  if (isTyping(event.target) || !singleKeys()) return;
  if (document.querySelector("dialog:modal, :root[data-opening]")) return;
  if (single(event)) event.preventDefault();
});

const setting = document.getElementById("single-keys");
if (setting instanceof HTMLInputElement) {
  setting.checked = singleKeys();
  setting.addEventListener("change", () => {
    try {
      localStorage.setItem(KEY, setting.checked ? "on" : "off");
    } catch {
      setting.checked = true; // it cannot be kept
    }
  });
}

if (!/Mac|iPhone|iPad/.test(navigator.platform)) {
  /** @param {ParentNode} within */
  const rename = (within) => {
    for (const kbd of within.querySelectorAll("kbd")) {
      if (kbd.textContent?.includes("⌘")) {
        kbd.textContent = kbd.textContent.replace("⌘", "Ctrl ");
      }
    }
  };
  rename(document);
  // Parts of a page come later, with keys of their own.
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) if (node instanceof Element) rename(node);
    }
  }).observe(document.body, { childList: true, subtree: true });
}

export {};
