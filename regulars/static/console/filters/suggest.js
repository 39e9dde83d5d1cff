// A text input with the project's own most frequent values below it (an ARIA combobox).
//
// Whatever is typed may be used: suggestions are no more than that. Arrow keys walk through them,
// Enter takes one, Escape closes the list and keeps what was typed.

import { flag, h } from "./dom.js";

const PATIENCE = 120; // ms after a key before it is asked

/** @typedef {{value: string, people?: number | null}} Suggestion */

let lists = 0;
const numbers = new Intl.NumberFormat("en", { notation: "compact" });

/**
 * @param {HTMLInputElement} input
 * @param {(typed: string) => Promise<Suggestion[]>} ask
 * @param {(value: string) => void} take
 * @param {(value: string) => string | undefined} [flagOf]
 * @returns {HTMLElement} the input with its list
 */
export function suggesting(input, ask, take, flagOf = () => undefined) {
  const id = `suggested-${(lists += 1)}`;
  const list = h("ul", { class: "suggested", id, role: "listbox", "aria-label": "Suggestions" });
  list.hidden = true;
  for (const [name, value] of Object.entries({
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-expanded": "false",
    "aria-controls": id,
    "aria-autocomplete": "list",
  })) {
    input.setAttribute(name, value);
  }
  let timer = 0;
  let asked = 0;
  let chosen = -1;

  const options = () => /** @type {HTMLElement[]} */ ([...list.children]);
  const close = () => {
    clearTimeout(timer);
    asked += 1;
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  /** @param {string} value */
  const pick = (value) => {
    close();
    take(value);
  };
  /** @param {number} place */
  const choose = (place) => {
    const all = options();
    chosen = (place + all.length) % all.length;
    all.forEach((one, n) => one.setAttribute("aria-selected", String(n === chosen)));
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  };
  const open = async () => {
    const turn = (asked += 1);
    /** @type {Suggestion[]} */
    let found = [];
    try {
      found = await ask(input.value);
    } catch {
      // Nothing is suggested, then.
    }
    if (turn !== asked || !input.isConnected || document.activeElement !== input) return;
    const shown = found.filter((one) => one.value !== input.value);
    const before = chosen < 0 ? null : shownValue(options()[chosen]);
    list.replaceChildren(
      ...shown.map((one, n) =>
        h(
          "li",
          {
            role: "option",
            id: `${id}-${n}`,
            "aria-selected": "false",
            onmousedown: (/** @type {Event} */ event) => {
              event.preventDefault(); // the input keeps the focus
              pick(one.value);
            },
          },
          flag(flagOf(one.value)),
          h("span", { class: "truncate" }, one.value),
          one.people ? h("span", { class: "n" }, numbers.format(one.people)) : null,
        ),
      ),
    );
    unchoose();
    list.hidden = !shown.length;
    input.setAttribute("aria-expanded", String(shown.length > 0));
    list.scrollIntoView({ block: "nearest" });
    // Whoever was quicker than the answer had chosen already: the same value, or else the best one.
    if (before !== null && shown.length) {
      choose(Math.max(0, shown.findIndex((one) => one.value === before)));
    }
  };

  const unchoose = () => {
    chosen = -1;
    for (const one of options()) one.setAttribute("aria-selected", "false");
    input.removeAttribute("aria-activedescendant");
  };

  input.addEventListener("input", () => {
    unchoose(); // what is typed counts, until one is chosen again
    clearTimeout(timer);
    timer = setTimeout(() => void open(), PATIENCE);
  });
  input.addEventListener("focus", () => void open());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) void open();
      else if (options().length) choose(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
    } else if (event.key === "Enter" && !list.hidden && chosen >= 0) {
      event.preventDefault();
      event.stopImmediatePropagation();
      pick(shownValue(options()[chosen]));
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
  return h("div", { class: "suggesting" }, input, list);
}

/** @param {HTMLElement} option */
const shownValue = (option) => option.querySelector("span")?.textContent ?? "";
