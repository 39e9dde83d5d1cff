// <filter-builder>: a filter as cards that can be added, changed, nested and removed.
//
// It draws the filter in data-filter by the server's catalogue. Whenever the finished part of it
// changes it raises "filter-change" with detail {filter: string, typed: boolean} (JSON, or "" for
// none): a moment after the last key, or at once where something was chosen. `show(filter)` draws another one,
// `refuse(message, place)` says at the condition it concerns what the server said of it.

import { drawCard } from "./filters/cards.js";
import { blank, fieldOf, firstOperator } from "./filters/catalog.js";
import { h, icon, paths, select } from "./filters/dom.js";
import { fieldMenu } from "./filters/menu.js";
import * as tree from "./filters/tree.js";

/** @typedef {import("./filters/tree.js").Group} Group */
/** @typedef {import("./filters/tree.js").Node} Node */
/** @typedef {import("./filters/tree.js").FieldNode} FieldNode */
/** @typedef {import("./filters/catalog.js").Catalog} Catalog */
/** @typedef {import("./filters/menu.js").Choice} Choice */

const PATIENCE = 250; // ms after the last key

class FilterBuilder extends HTMLElement {
  /** @type {Catalog | null} */
  #catalog = null;
  /** @type {Group} */
  #root = tree.group();
  #said = "";
  #timer = 0;
  #typing = false;
  /** @type {HTMLElement | null} */
  #menu = null;
  /** @type {(choice: Choice) => void} */
  #chosen = () => {};
  /** @type {Map<string, number>} where each node's condition stands in the filter */
  #places = new Map();
  /** @type {Map<string, Promise<any[]>>} */
  #asked = new Map();

  connectedCallback() {
    paths.icons = this.dataset.icons ?? "";
    paths.flags = this.dataset.flags ?? "";
    void this.#start();
  }

  async #start() {
    try {
      const answer = await fetch(this.dataset.catalog ?? "");
      if (!answer.ok) throw new Error(String(answer.status));
      this.#catalog = await answer.json();
    } catch {
      this.replaceChildren(
        h("p", { class: "muted" }, "The fields could not be loaded."),
        h("button", { type: "button", class: "btn s", onclick: () => void this.#start() }, "Try again"),
      );
      return;
    }
    this.#menu = fieldMenu(/** @type {Catalog} */ (this.#catalog), (choice) => this.#chosen(choice));
    this.show(this.dataset.filter ?? "");
    if (this.dataset.wrong) this.refuse(this.dataset.wrong, this.dataset.wrongAt ?? "");
  }

  /** Draw another filter. @param {string} filter JSON, or nothing */
  show(filter) {
    let json = null;
    try {
      json = filter ? JSON.parse(filter) : null;
    } catch {
      // Not a filter: there is nothing to draw, and the list says what is wrong.
    }
    this.#root = tree.read(json);
    this.#said = this.#written();
    this.#draw();
    this.#tell();
  }

  get filter() {
    return this.#said;
  }

  /** The filter as it stands this moment. */
  now() {
    return this.#catalog ? this.#written() : (this.dataset.filter ?? "");
  }

  /** Say at a condition what is wrong with it. @param {string} message @param {string} place */
  refuse(message, place) {
    if (!this.#catalog) return;
    let at = place;
    while (at && !this.#places.has(at)) {
      at = at.replace(/(\.[^.[\]]*|\[\d+\])$/, "") === at ? "" : at.replace(/(\.[^.[\]]*|\[\d+\])$/, "");
    }
    const card = this.querySelector(`[data-node="${this.#places.get(at) ?? this.#root.id}"]`);
    card?.classList.add("wrong");
    card?.append(h("p", { class: "error rule-error", role: "alert" }, message));
  }

  clear() {
    this.#root = tree.group();
    this.#draw();
    this.#changed(true);
    this.#focus(this.#root.id, "add");
  }

  #written() {
    this.#places = new Map();
    const json = tree.write(this.#root, "filter", this.#places);
    return json ? JSON.stringify(json) : "";
  }

  /** @param {boolean} [settled] */
  #changed(settled = false) {
    clearTimeout(this.#timer);
    for (const said of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-open]"))) {
      const node = tree.find(this.#root, Number(said.parentElement?.dataset.node));
      if (node) said.hidden = tree.isWhole(node);
    }
    this.#typing = !settled;
    this.#timer = setTimeout(() => this.#say(), settled ? 0 : PATIENCE);
    this.#tell();
  }

  #say() {
    const now = this.#written();
    if (now === this.#said) return;
    this.#said = now;
    const typed = this.#typing;
    for (const old of this.querySelectorAll(".rule-error")) old.remove();
    for (const old of this.querySelectorAll(".wrong")) old.classList.remove("wrong");
    this.dispatchEvent(new CustomEvent("filter-change", { bubbles: true, detail: { filter: now, typed } }));
  }

  /** How many conditions there are, for whoever shows it. */
  #tell() {
    const count = tree.conditions(this.#root);
    this.dispatchEvent(new CustomEvent("filter-count", { bubbles: true, detail: { count } }));
  }

  /** @param {string} field @param {string} typed @returns {Promise<any[]>} */
  #suggest = (field, typed) => {
    const key = `${field}\n${typed}`;
    let found = this.#asked.get(key);
    if (!found) {
      const asked = new URLSearchParams({ field, q: typed });
      found = fetch(`${this.dataset.values}?${asked}`)
        .then((answer) => (answer.ok ? answer.json() : { values: [] }))
        .then((answer) => answer.values);
      this.#asked.set(key, found);
    }
    return found;
  };

  /** @param {string} event */
  async #properties(event) {
    const answer = await fetch(`${this.dataset.properties}?${new URLSearchParams({ event })}`);
    const { properties } = answer.ok ? await answer.json() : { properties: [] };
    return /** @type {string[]} */ (properties);
  }

  #draw() {
    const catalog = this.#catalog;
    if (!catalog || !this.#menu) return;
    const panel = /** @type {HTMLElement} */ (this);
    const top = panel.scrollTop;
    this.replaceChildren(...this.#drawGroup(this.#root, true), this.#menu);
    panel.scrollTop = top;
  }

  /** Draw anew, and stand where one stood. @param {number} id @param {string} part */
  #redraw(id, part, settled = true) {
    this.#draw();
    this.#focus(id, part);
    this.#changed(settled);
  }

  /** @param {number} id @param {string} part */
  #focus(id, part) {
    const node = this.querySelector(`[data-node="${id}"]`);
    const wanted = node?.querySelector(`[data-focus="${part}"]`) ?? node?.querySelector("[data-focus]");
    if (wanted instanceof HTMLElement) wanted.focus();
  }

  /** @param {Group} node @param {boolean} isRoot @returns {HTMLElement[]} */
  #drawGroup(node, isRoot) {
    const cards = node.parts.flatMap((part, place) => [
      ...(place ? [h("li", { class: "joiner", "aria-hidden": "true" }, node.every ? "and" : "or")] : []),
      part.kind === "group"
        ? h("li", { class: "nested", "data-node": part.id }, ...this.#drawGroup(part, false))
        : drawCard(this.#on, part),
    ]);
    const head = this.#groupHead(node, isRoot);
    const adds = this.#adds(node, isRoot);
    const legend = isRoot ? "People who match" : "Group of conditions";
    const inner = [
      node.parts.length || !isRoot ? head : h("p", { class: "muted rules-hint" }, this.dataset.hint ?? "Everybody is listed. Add a filter to see fewer."),
      ...(cards.length ? [h("ul", {}, ...cards)] : []),
    ];
    const rules = h("fieldset", { class: "rules" }, h("legend", { class: "vh" }, legend));
    if (isRoot) {
      rules.setAttribute("data-node", String(node.id));
      rules.append(...inner, adds);
    } else rules.append(h("div", { class: "group" }, ...inner, adds));
    return [rules];
  }

  /** @param {Group} node @param {boolean} isRoot */
  #groupHead(node, isRoot) {
    const match = select(
      { class: "select s bare", "aria-label": "Match or not", "data-focus": "not" },
      [["", [["", "match"], ["not", "don’t match"]]]],
      node.not ? "not" : "",
    );
    const negated = tree.group({ ...node, not: true });
    const deep = !node.not && this.#levelsInstead(node, negated) > /** @type {Catalog} */ (this.#catalog).levels;
    const option = match.querySelector("option[value=not]");
    if (option instanceof HTMLOptionElement) option.disabled = deep;
    match.addEventListener("change", () => {
      node.not = /** @type {HTMLSelectElement} */ (match).value === "not";
      this.#redraw(node.id, "not");
    });
    const every = select(
      { class: "select s bare", "aria-label": "All or any", "data-focus": "every" },
      [["", [["all", "all"], ["any", "any"]]]],
      node.every ? "all" : "any",
    );
    every.addEventListener("change", () => {
      node.every = /** @type {HTMLSelectElement} */ (every).value === "all";
      this.#redraw(node.id, "every");
    });
    return h(
      "div",
      { class: "group-head" },
      isRoot ? "People who " : "",
      match,
      every,
      " of",
      !isRoot && this.#remover(node, "Remove group"),
    );
  }

  /** @param {Group} node @param {boolean} isRoot */
  #adds(node, isRoot) {
    const catalog = /** @type {Catalog} */ (this.#catalog);
    const full = tree.conditions(this.#root) >= catalog.conditions;
    const deep = tree.levelsWith(this.#root, node) > catalog.levels;
    const deeper = this.#levelsWithGroup(node) > catalog.levels;
    const why = full ? `A filter has at most ${catalog.conditions} conditions` : deep ? "A filter can be nested no deeper" : "";
    const add = h(
      "button",
      {
        type: "button",
        class: isRoot ? "btn s" : "btn quiet s",
        "data-focus": "add",
        disabled: full || deep,
        title: why,
        "aria-haspopup": "true",
        onclick: () => this.#openMenu(add, (choice) => this.#add(node, choice)),
      },
      icon("plus"),
      isRoot ? "Add filter" : node.every ? "And…" : "Or…",
    );
    const addGroup = h(
      "button",
      {
        type: "button",
        class: "btn quiet s",
        disabled: full || deeper,
        title: full ? why : deeper ? "A filter can be nested no deeper" : "",
        onclick: () => {
          const made = tree.group({ every: !node.every });
          node.parts.push(made);
          this.#redraw(made.id, "add");
        },
      },
      icon("brackets"),
      "Add group",
    );
    return h("div", { class: "btn-row add" }, add, (isRoot || !deeper) && addGroup);
  }

  /** How deep the filter would be with another group in place of one. @param {Group} node @param {Group} other */
  #levelsInstead(node, other) {
    const parent = tree.parentOf(this.#root, node);
    if (!parent) return tree.levelsWith(other, other);
    const place = parent.parts.indexOf(node);
    parent.parts[place] = other;
    const levels = tree.levelsWith(this.#root, other);
    parent.parts[place] = node;
    return levels;
  }

  /** @param {Group} node */
  #levelsWithGroup(node) {
    const made = tree.group();
    node.parts.push(made);
    const levels = tree.levelsWith(this.#root, made);
    node.parts.pop();
    return levels;
  }

  /** @param {HTMLElement} button @param {(choice: Choice) => void} then */
  #openMenu(button, then) {
    const menu = this.#menu;
    if (!menu) return;
    this.#chosen = then;
    const { left, bottom, top } = button.getBoundingClientRect();
    menu.showPopover(/** @type {any} */ ({ source: button }));
    const { width, height } = menu.getBoundingClientRect();
    const below = bottom + height + 8 < innerHeight;
    menu.style.setProperty("--menu-x", `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`);
    menu.style.setProperty("--menu-y", `${below ? bottom + 4 : Math.max(8, top - height - 4)}px`);
  }

  /** @param {Choice} choice @returns {Node} */
  #made(choice) {
    const catalog = /** @type {Catalog} */ (this.#catalog);
    const id = tree.nextId();
    if (choice.kind === "campaign") return { kind: "campaign", id, campaign: choice.key, op: "opened", step: null, variant: null };
    if (choice.kind === "segment") return { kind: "segment", id, segment: choice.key, op: "is_in" };
    if (choice.kind === "checkpoint") {
      return { kind: "checkpoint", id, checkpoint: Number(choice.key), op: "reached", days: null, after: [] };
    }
    if (choice.kind === "event") {
      return { kind: "event", id, event: choice.key, op: "at_least", count: 1, days: null, where: [] };
    }
    return this.#fieldNode(choice.key, id, catalog);
  }

  /** @param {string} key @param {number} id @param {Catalog} catalog @returns {FieldNode} */
  #fieldNode(key, id, catalog) {
    const { op, type, operand } = firstOperator(catalog, fieldOf(catalog, key));
    return { kind: "field", id, field: key, type, op, value: blank(operand) };
  }

  /** @param {Group} node @param {Choice} choice */
  #add(node, choice) {
    const made = this.#made(choice);
    node.parts.push(made);
    this.#redraw(made.id, made.kind === "field" ? "value" : "op");
  }

  /** @param {Node} node @param {string} label */
  #remover(node, label) {
    return h(
      "button",
      {
        type: "button",
        class: "btn quiet s icon-only",
        "aria-label": label,
        title: label,
        onclick: () => {
          const parent = tree.parentOf(this.#root, node);
          if (!parent) return;
          const place = parent.parts.indexOf(node);
          parent.parts.splice(place, 1);
          const next = parent.parts[Math.min(place, parent.parts.length - 1)];
          this.#redraw(next?.id ?? parent.id, next ? "op" : "add");
        },
      },
      icon("x"),
    );
  }

  /** The card asks about something else from now on. @param {Node} node @param {Choice} choice */
  #become(node, choice) {
    const parent = tree.parentOf(this.#root, node);
    if (!parent) return;
    const made = this.#made(choice);
    parent.parts[parent.parts.indexOf(node)] = made;
    this.#redraw(made.id, made.kind === "field" ? "value" : "op");
  }

  /** What the cards ask of us. @returns {import("./filters/cards.js").On} */
  get #on() {
    return {
      catalog: /** @type {Catalog} */ (this.#catalog),
      suggest: this.#suggest,
      properties: (event) => this.#properties(event),
      changed: (settled) => this.#changed(settled),
      redraw: (id, part) => this.#redraw(id, part),
      remover: (node, label) => this.#remover(node, label),
      openMenu: (button, then) => this.#openMenu(button, then),
      become: (node, choice) => this.#become(node, choice),
    };
  }
}

customElements.define("filter-builder", FilterBuilder);

export {};
