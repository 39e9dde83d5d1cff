// <mail-editor>: a mail of blocks, or of HTML of one's own, written with its preview beside it. Its
// markup is console/mail/editor.html. The content stands as JSON in the hidden field `content`; the
// element raises "mail-change" (bubbles, detail {content}) when it changes. What a change costs is
// undone by ⌘Z outside of fields, or by the buttons.
//   editor.show("blocks" | "code" | "plain")   which of its views is seen
//   editor.refresh()                           the preview anew

import { h, icon, paths } from "../filters/dom.js";
import { fieldsOf, fieldsOfMail, nameOf } from "./fields.js";
import { KINDS, begun, freshId } from "./kinds.js";
import { drawList } from "./list.js";
import { Preview, drawChecks } from "./preview.js";
import { TagPicker } from "./tags.js";

/** @typedef {import("./kinds.js").Content} Content */

const MOST_UNDO = 100;
const ONE_STEP = 1500; // ms: what is typed into one field without a pause is one step
const MOST_BLOCKS = 100;

class MailEditor extends HTMLElement {
  /** @type {Content} */
  #content = /** @type {any} */ ({});
  #place = -1;
  /** @type {string[]} */
  #before = [];
  /** @type {string[]} */
  #after = [];
  #step = { name: "", at: 0 };
  #text = "";
  #html = "";
  /** @type {Preview | null} */
  #preview = null;
  /** @type {TagPicker | null} */
  #tags = null;

  connectedCallback() {
    const field = this.#field;
    if (!field || this.#preview) return;
    paths.icons = this.dataset.icons ?? "";
    this.#content = JSON.parse(field.value);
    this.#place = this.#content.blocks.length && this.#content.subject ? 0 : -1;
    this.#tags = new TagPicker(this);
    this.#preview = new Preview(
      this,
      () => ({ content: JSON.stringify(this.#content), place: this.#content.format === "blocks" ? this.#place : -1 }),
      (said) => this.#told(said),
    );
    this.#drawAdd();
    this.#listen();
    this.#draw();
    this.#preview.now();
  }

  /** What is written. @returns {Content} */
  get content() {
    return structuredClone(this.#content);
  }

  set content(given) {
    this.#remember("");
    this.#content = structuredClone(given);
    this.#place = -1;
    this.#draw();
    this.#say();
  }

  /** Show the preview and the checks anew, as when `data-marketing` says something else. */
  refresh() {
    this.#preview?.now();
  }

  /** @param {string} view */
  show(view) {
    for (const part of this.querySelectorAll("[data-view]")) {
      if (part instanceof HTMLElement) part.hidden = part.dataset.view !== view;
    }
    this.dataset.shows = view;
    if (this.#preview) this.#preview.wantsHtml = view === "code";
    this.#drawSource();
    if (view === "code") this.#preview?.now();
  }

  get #field() {
    const field = this.querySelector(":scope > input[name=content]");
    return field instanceof HTMLInputElement ? field : null;
  }

  /** @param {string} selector */
  #part(selector) {
    const found = this.querySelector(selector);
    return found instanceof HTMLElement ? found : document.createElement("div");
  }

  /** @param {string} selector @returns {HTMLTextAreaElement} */
  #area(selector) {
    const found = this.querySelector(selector);
    return found instanceof HTMLTextAreaElement ? found : document.createElement("textarea");
  }

  #listen() {
    this.#part("[data-undo]").addEventListener("click", () => this.#undo());
    this.#part("[data-redo]").addEventListener("click", () => this.#redo());
    this.addEventListener("keydown", (event) => {
      const typing = event.target instanceof Element && event.target.closest("input, textarea, [contenteditable=true]");
      if (typing || !(event.metaKey || event.ctrlKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      event.shiftKey ? this.#redo() : this.#undo();
    });
    this.#area("[data-code]").addEventListener("input", (event) =>
      this.#change("source", () => (this.#content.source = /** @type {HTMLTextAreaElement} */ (event.target).value)));
    this.#area("[data-plain]").addEventListener("input", (event) =>
      this.#change("text", () => (this.#content.text = /** @type {HTMLTextAreaElement} */ (event.target).value)));
    this.#part("[data-own]").addEventListener("click", () => this.#toHtml());
    this.#part("[data-blocks]").addEventListener("click", () => this.#change("", () => (this.#content.format = "blocks"), true));
    this.#part("[data-own-text]").addEventListener("click", () => this.#change("", () => (this.#content.text = this.#text), true));
    this.#part("[data-made-text]").addEventListener("click", () => this.#change("", () => (this.#content.text = null), true));
    this.#part("[data-nobody]").addEventListener("click", () => this.#as("nobody", "Someone unknown"));
    this.addEventListener("person-picked", (event) => {
      const { person, short } = /** @type {CustomEvent} */ (event).detail;
      if (person) this.#as(person, short);
    });
  }

  /** @param {string} person @param {string} name */
  #as(person, name) {
    if (!this.#preview) return;
    this.#preview.person = person;
    const field = this.querySelector(":scope > input[name=person]");
    if (field instanceof HTMLInputElement) field.value = person;
    this.#part("[data-as]").textContent = name;
    /** @type {any} */ (this.#part("#preview-as")).hidePopover?.();
    this.#preview.now();
  }

  /**
   * Do something to the content: one step of undo, one word to whoever listens.
   * @param {string} name what is being written, so that its letters are one step; "" for a step
   * @param {() => void} does
   * @param {boolean} [whole] draw all of it anew
   */
  #change(name, does, whole = false) {
    this.#remember(name);
    does();
    if (whole) this.#draw();
    else this.#drawList();
    this.#say();
  }

  /** @param {string} name */
  #remember(name) {
    const now = performance.now();
    if (name && name === this.#step.name && now - this.#step.at < ONE_STEP) {
      this.#step.at = now;
      return;
    }
    this.#step = { name, at: now };
    this.#before.push(JSON.stringify(this.#content));
    if (this.#before.length > MOST_UNDO) this.#before.shift();
    this.#after = [];
  }

  #undo() {
    this.#back(this.#before, this.#after);
  }

  #redo() {
    this.#back(this.#after, this.#before);
  }

  /** @param {string[]} from @param {string[]} to */
  #back(from, to) {
    const was = from.pop();
    if (was === undefined) return;
    to.push(JSON.stringify(this.#content));
    this.#content = JSON.parse(was);
    this.#place = Math.min(this.#place, this.#content.blocks.length - 1);
    this.#step = { name: "", at: 0 };
    this.#draw();
    this.#say();
  }

  #say() {
    const field = this.#field;
    if (field) field.value = JSON.stringify(this.#content);
    this.#drawUndo();
    this.#preview?.soon();
    this.dispatchEvent(new CustomEvent("mail-change", { bubbles: true, detail: { content: this.#content } }));
  }

  #draw() {
    this.#drawList();
    this.#drawFields();
    this.#drawSource();
    this.#drawUndo();
  }

  #drawUndo() {
    const undo = this.querySelector("[data-undo]"), redo = this.querySelector("[data-redo]");
    if (undo instanceof HTMLButtonElement) undo.disabled = !this.#before.length;
    if (redo instanceof HTMLButtonElement) redo.disabled = !this.#after.length;
  }

  #drawAdd() {
    const buttons = Object.entries(KINDS).map(([type, kind]) =>
      h("button", { class: "add-block", type: "button", "data-type": type, onclick: () => this.#add(type) }, icon(kind.icon), h("span", {}, kind.label)));
    this.#part("[data-add]").replaceChildren(...buttons);
  }

  #drawList() {
    const own = this.#content.format === "html";
    for (const part of this.querySelectorAll(".tpl-blocks [data-add], .blocks-hint, [data-add-title]")) {
      if (part instanceof HTMLElement) part.hidden = own;
    }
    drawList(this.#part("[data-list]"), own ? [] : this.#content.blocks, this.#place, this.#content.subject, {
      choose: (place) => this.#choose(place),
      move: (from, to) => this.#move(from, to),
      copy: (place) => this.#copy(place),
      remove: (place) => this.#remove(place),
    });
  }

  #drawFields() {
    const rich = this.querySelector("template[data-rich]");
    if (!(rich instanceof HTMLTemplateElement)) return;
    const block = this.#content.format === "blocks" ? this.#content.blocks[this.#place] : undefined;
    const around = {
      rich,
      images: this.dataset.images ?? "",
      changed: (/** @type {string} */ name) => this.#changed(name),
      again: () => this.#drawFields(),
    };
    const title = block ? nameOf(block) : "The mail";
    const fields = block ? fieldsOf(block, around) : fieldsOfMail(this.#content, around);
    this.#part("[data-fields]").replaceChildren(
      h("h2", { class: "section-title" }, title, h("span", { class: "spacer" }), block && this.#handles()),
      ...fields,
    );
  }

  /** What a field wrote is there already: the step before it is what the hidden field still holds. @param {string} name */
  #changed(name) {
    const now = this.#content;
    this.#content = JSON.parse(this.#field?.value ?? "{}");
    this.#remember(`${this.#place}.${name}`);
    this.#content = now;
    this.#drawList();
    this.#say();
  }

  #handles() {
    const place = this.#place, last = this.#content.blocks.length - 1;
    /** @param {string} label @param {string} symbol @param {() => void} onclick @param {boolean} [disabled] */
    const handle = (label, symbol, onclick, disabled = false) =>
      h("button", { class: "btn quiet s icon-only", type: "button", "aria-label": label, title: label, onclick, disabled }, icon(symbol));
    return h(
      "span", { class: "block-handles", role: "group", "aria-label": "This block" },
      handle("Move up", "arrow-up", () => this.#move(place, place - 1), place === 0),
      handle("Move down", "arrow-down", () => this.#move(place, place + 1), place === last),
      handle("Duplicate", "copy", () => this.#copy(place), last >= MOST_BLOCKS - 1),
      handle("Delete", "trash-2", () => this.#remove(place)),
    );
  }

  #drawSource() {
    const own = this.#content.format === "html";
    const code = this.#area("[data-code]");
    code.readOnly = !own;
    const source = own ? this.#content.source : this.#html;
    if (code.value !== source) code.value = source;
    this.#part("[data-code-note]").textContent = own ? "" : "Made from the blocks";
    this.#part("[data-own]").hidden = own;
    this.#part("[data-blocks]").hidden = !own || !this.#content.blocks.length;
    const mine = this.#content.text !== null;
    const plain = this.#area("[data-plain]");
    plain.readOnly = !mine;
    const text = this.#content.text ?? this.#text;
    if (plain.value !== text) plain.value = text;
    this.#part("[data-made]").hidden = mine;
    this.#part("[data-own-text]").hidden = mine;
    this.#part("[data-made-text]").hidden = !mine;
    this.#part("[data-plain-tags]").hidden = !mine;
  }

  #toHtml() {
    this.#change("", () => {
      this.#content.source ||= this.#html;
      this.#content.format = "html";
      this.#place = -1;
    }, true);
    this.#area("[data-code]").focus();
  }

  /** @param {number} place */
  #choose(place) {
    this.#place = place;
    this.#drawList();
    this.#drawFields();
    this.#preview?.soon();
  }

  /** @param {string} type */
  #add(type) {
    const { blocks } = this.#content;
    if (blocks.length >= MOST_BLOCKS) return;
    // Behind the chosen one, and never behind the footer.
    const foot = blocks.at(-1)?.type === "footer" ? blocks.length - 1 : blocks.length;
    const at = this.#place >= 0 ? Math.min(this.#place + 1, foot) : foot;
    this.#change("", () => {
      this.#content.format = "blocks";
      blocks.splice(at, 0, begun(blocks, type));
      this.#place = at;
    }, true);
    this.querySelector("[data-fields]")?.querySelector(".rich-edit, input, select")?.dispatchEvent(new Event("focusin"));
    const first = this.querySelector("[data-fields] :is(.rich-edit, input:not([type=file], .rich-link *), select)");
    if (first instanceof HTMLElement) first.focus();
  }

  /** @param {number} from @param {number} to */
  #move(from, to) {
    const { blocks } = this.#content;
    if (from === to || !blocks[from] || to < 0 || to >= blocks.length) return;
    this.#change("", () => {
      const [moved] = blocks.splice(from, 1);
      if (moved) blocks.splice(to, 0, moved);
      this.#place = to;
    }, true);
  }

  /** @param {number} place */
  #copy(place) {
    const { blocks } = this.#content;
    const block = blocks[place];
    if (!block || blocks.length >= MOST_BLOCKS) return;
    this.#change("", () => {
      blocks.splice(place + 1, 0, { ...structuredClone(block), id: freshId(blocks, block.type) });
      this.#place = place + 1;
    }, true);
  }

  /** @param {number} place */
  #remove(place) {
    const { blocks } = this.#content;
    const block = blocks[place];
    if (!block) return;
    this.#change("", () => {
      blocks.splice(place, 1);
      this.#place = Math.min(place, blocks.length - 1);
    }, true);
    document.dispatchEvent(new CustomEvent("regulars:say", { detail: `${nameOf(block)} is deleted. Undo brings it back.` }));
  }

  /** Lead to what a check is about. @param {string} where */
  #lead(where) {
    const [first = "", place = "", ...rest] = where.split(".");
    if (first === "source") {
      this.dispatchEvent(new CustomEvent("mail-view", { bubbles: true, detail: "code" }));
      return this.#area("[data-code]").focus();
    }
    if (first === "text") {
      this.dispatchEvent(new CustomEvent("mail-view", { bubbles: true, detail: "plain" }));
      return this.#area("[data-plain]").focus();
    }
    const block = first === "blocks" && place !== "";
    this.#choose(block ? Number(place) : -1);
    const name = block ? (rest.at(-1) ?? "") : first;
    const fields = [...this.querySelectorAll(`[data-fields] [data-field="${CSS.escape(name)}"]`)];
    const number = Number(rest.at(-2));
    const found = (rest.length > 1 && fields[number]) || fields[0];
    const into = found?.querySelector(".rich-edit") ?? found ?? this.querySelector("[data-add] button");
    if (into instanceof HTMLElement) into.focus();
  }

  /** @param {import("./preview.js").Said} said */
  #told(said) {
    if (said.subject !== undefined) this.#part("[data-subject]").textContent = said.subject || "No subject yet";
    if (said.preheader !== undefined) this.#part("[data-preheader]").textContent = said.preheader;
    if (said.text !== undefined) this.#text = said.text;
    if (said.html !== undefined) this.#html = said.html;
    this.#tags?.show(said.values);
    this.#drawSource();
    drawChecks(this.#part("[data-checks]"), said.findings, (where) => this.#lead(where));
    const wrong = said.findings.filter((one) => one.level !== "ok");
    const bad = wrong.some((one) => one.level === "error");
    const badge = this.#part("[data-check-count]");
    badge.className = `badge ${bad ? "bad" : wrong.length ? "warn" : "ok"}`;
    badge.textContent = wrong.length ? `${wrong.length} to look at` : "All well";
    const size = said.findings.find((one) => one.code === "size" || one.code === "too_large");
    const bar = this.querySelector("[data-size]");
    if (bar instanceof HTMLProgressElement && size) bar.value = Number(size.detail);
    if (!said.tags) return;
    this.#part("[data-tag-count]").textContent = String(said.tags.length);
    this.#part("[data-tags-used]").replaceChildren(...said.tags.map((one) => h(
      "li", {}, h("code", {}, one.name),
      h("span", { class: "muted" }, one.fallback ? `or “${one.fallback}”` : "or nothing"),
    )));
  }
}

customElements.define("mail-editor", MailEditor);

export {};
