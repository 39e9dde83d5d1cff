// The menu in which a field is found by typing its name: a search box over groups of buttons.

import { h, icon } from "./dom.js";

/** @typedef {import("./catalog.js").Catalog} Catalog */
/** @typedef {{kind: "field" | "event" | "segment" | "checkpoint" | "campaign", key: string}} Choice */

const numbers = new Intl.NumberFormat("en", { notation: "compact" });

/**
 * @param {Catalog} catalog
 * @param {(choice: Choice) => void} choose
 * @returns {HTMLElement} a popover; show it with `openAt`
 */
export function fieldMenu(catalog, choose) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      class: "input s",
      type: "search",
      placeholder: "Find a field",
      "aria-label": "Find a field, an event or a segment",
      autocomplete: "off",
      spellcheck: "false",
      autofocus: "", // showing the menu moves the focus here at once, before the next key arrives
    })
  );
  const groups = h("div", { class: "field-groups" });
  const nothing = h("p", { class: "menu-head", role: "status" });
  const menu = h(
    "div",
    { popover: "auto", class: "menu field-menu" },
    h("div", { class: "with-icon" }, icon("search"), input),
    groups,
    nothing,
  );

  /** @param {Choice["kind"]} kind @param {string} key @param {string} label @param {string} picture @param {string} [note] */
  const item = (kind, key, label, picture, note = "") =>
    h(
      "button",
      {
        type: "button",
        "data-words": `${key} ${label}`.toLowerCase(),
        onclick: () => {
          menu.hidePopover();
          choose({ kind, key });
        },
      },
      icon(picture),
      h("span", { class: kind === "field" || kind === "event" ? "mono truncate" : "truncate" }, label),
      note && h("span", { class: "n" }, note),
    );

  for (const { label, fields } of catalog.groups) {
    const items = fields.map((one) => {
      const shown = one.type === "custom" ? one.label : one.key;
      return item("field", one.key, shown, one.icon);
    });
    addGroup(groups, label, items);
  }
  addGroup(
    groups,
    "Events",
    catalog.events.map((one) =>
      item("event", one.name, one.name, "zap", one.people ? numbers.format(one.people) : ""),
    ),
  );
  addGroup(
    groups,
    "Segments",
    catalog.segments.map((one) => item("segment", one.id, one.name, "chart-pie")),
  );
  addGroup(
    groups,
    "Checkpoints",
    (catalog.checkpoints ?? []).map((one) =>
      item("checkpoint", String(one.number), one.name, "flag"),
    ),
  );
  addGroup(
    groups,
    "Campaigns",
    (catalog.campaigns ?? []).map((one) => item("campaign", one.id, one.name, "megaphone")),
  );

  const shown = () =>
    /** @type {HTMLElement[]} */ ([...groups.querySelectorAll("button")]).filter(
      (one) => one.offsetParent !== null,
    );
  const sift = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of /** @type {HTMLElement[]} */ ([...groups.children])) {
      let here = 0;
      for (const one of /** @type {NodeListOf<HTMLElement>} */ (group.querySelectorAll("button"))) {
        const fits = words.every((word) => one.dataset.words?.includes(word));
        one.hidden = !fits;
        here += fits ? 1 : 0;
      }
      group.hidden = !here;
      found += here;
    }
    nothing.textContent = found ? "" : "No field, event or segment has this in its name";
    nothing.hidden = found > 0;
  };
  input.addEventListener("input", sift);
  // Not on "toggle", which is told later: it would wipe what a quick typist wrote meanwhile.
  menu.addEventListener("beforetoggle", (event) => {
    if (event instanceof ToggleEvent && event.newState === "open") {
      input.value = "";
      sift();
    }
  });
  menu.addEventListener("keydown", (event) => {
    const all = shown();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.key === "ArrowDown") {
      event.preventDefault();
      all[Math.min(at + 1, all.length - 1)]?.focus();
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      if (at <= 0) input.focus();
      else all[at - 1].focus();
    } else if (event.key === "Enter" && at < 0) {
      event.preventDefault();
      all[0]?.click();
    }
  });
  return menu;
}

/** @param {HTMLElement} groups @param {string} label @param {HTMLElement[]} items */
function addGroup(groups, label, items) {
  if (!items.length) return;
  groups.append(
    h("div", { role: "group", "aria-label": label }, h("p", { class: "menu-head" }, label), ...items),
  );
}
