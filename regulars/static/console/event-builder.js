// <event-builder>: an event by name, and what its properties must be, in a form.
//
// It draws the rule in data-rule, {event, where}, with the pieces of the filter builder: names and
// values are suggested from the project's own events. Inside a <filter-field> it fills in the
// form's field: whenever the finished part of it changes it raises "filter-change".

import { propertyConditions } from "./filters/cards.js";
import { h, paths } from "./filters/dom.js";
import { suggesting } from "./filters/suggest.js";
import * as tree from "./filters/tree.js";

const PATIENCE = 250; // ms after the last key

class EventBuilder extends HTMLElement {
  /** @type {import("./filters/catalog.js").Catalog | null} */
  #catalog = null;
  /** @type {import("./filters/tree.js").EventNode} */
  #node = { kind: "event", id: tree.nextId(), event: "", op: "at_least", count: 1, days: null, where: [] };
  #said = "";
  #timer = 0;

  connectedCallback() {
    paths.icons = this.dataset.icons ?? "";
    paths.flags = this.dataset.flags ?? "";
    void this.#start();
  }

  async #start() {
    const answer = await fetch(this.dataset.catalog ?? "").catch(() => null);
    if (!answer?.ok) {
      this.replaceChildren(
        h("p", { class: "muted" }, "The events could not be loaded."),
        h("button", { type: "button", class: "btn s", onclick: () => void this.#start() }, "Try again"),
      );
      return;
    }
    this.#catalog = await answer.json();
    const rule = JSON.parse(this.dataset.rule || "{}");
    const read = tree.read({ event: "", ...rule }).parts[0];
    if (read?.kind === "event") this.#node = read;
    this.#said = this.now();
    this.#draw();
  }

  /** The rule as it stands this moment. */
  now() {
    if (!this.#catalog) return this.dataset.rule ?? "";
    const { event, where } = tree.write({ ...this.#node, event: this.#node.event || " " });
    return JSON.stringify({ event: event.trim(), ...(where ? { where } : {}) });
  }

  #draw() {
    const name = /** @type {HTMLInputElement} */ (
      h("input", { class: "input", value: this.#node.event, "aria-label": "Event", maxlength: 200, placeholder: "Order Completed" })
    );
    const take = (/** @type {string} */ event) => {
      if (event === this.#node.event) return;
      this.#node.event = event;
      this.#draw();
      this.#changed(true);
    };
    name.addEventListener("change", () => take(name.value.trim()));
    const ask = async (/** @type {string} */ typed) =>
      (this.#catalog?.events ?? [])
        .filter((one) => one.name.toLowerCase().includes(typed.toLowerCase()))
        .slice(0, 8)
        .map((one) => ({ value: one.name, people: one.people }));
    const rows = propertyConditions(this.#on, this.#node);
    this.replaceChildren(
      suggesting(name, ask, take),
      h(
        "div", { class: "rules event-where" },
        h(
          "div", { class: "rule", "data-node": this.#node.id },
          h("p", { class: "muted xs" }, this.#node.where.length ? "Only where all of this is so" : "Each time it happens. To narrow that down:"),
          ...rows,
        ),
      ),
    );
  }

  /** @param {boolean} [settled] */
  #changed(settled = false) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#say(), settled ? 0 : PATIENCE);
  }

  #say() {
    const filter = this.now();
    if (filter === this.#said) return;
    this.#said = filter;
    this.dispatchEvent(new CustomEvent("filter-change", { bubbles: true, detail: { filter, typed: false } }));
  }

  /** @returns {import("./filters/cards.js").On} */
  get #on() {
    return {
      catalog: /** @type {any} */ (this.#catalog),
      suggest: async (field, typed) => {
        const answer = await fetch(`${this.dataset.values}?${new URLSearchParams({ field, q: typed })}`);
        return answer.ok ? (await answer.json()).values : [];
      },
      properties: async (event) => {
        const answer = await fetch(`${this.dataset.properties}?${new URLSearchParams({ event })}`);
        return answer.ok ? (await answer.json()).properties : [];
      },
      changed: (settled) => this.#changed(settled),
      redraw: (id, part) => {
        this.#draw();
        const place = this.querySelector(`[data-node="${id}"]`);
        const wanted = place?.querySelector(`[data-focus="${part}"]`) ?? place?.querySelector("[data-focus]");
        if (wanted instanceof HTMLElement) wanted.focus();
        this.#changed(true);
      },
      remover: () => h("span", {}),
      openMenu: () => {},
      become: () => {},
    };
  }
}

customElements.define("event-builder", EventBuilder);
