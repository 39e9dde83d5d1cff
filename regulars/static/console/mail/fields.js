// The fields of one block, in the panel beside the preview. Each writes into the block and says so.

import { h, icon, select } from "../filters/dom.js";
import { KINDS, column } from "./kinds.js";

/**
 * @typedef {import("./kinds.js").Block} Block
 * @typedef {{rich: HTMLTemplateElement, images: string,
 *   changed: (name: string) => void, again: () => void}} Around
 */

const ALIGN = /** @type {[string, string][]} */ ([["start", "Start"], ["center", "Centre"], ["end", "End"]]);
const SPACE = /** @type {[string, string][]} */ ([["less", "Less"], ["normal", "Normal"], ["more", "More"]]);
const LOOKS = /** @type {[string, string][]} */ ([
  ["normal", "As it is"], ["quote", "A quote"], ["small", "Small print"],
]);
const LEVELS = /** @type {[string, string][]} */ ([["1", "Large"], ["2", "Small"]]);

let number = 0;

/** All fields of a block. @param {Block} block @param {Around} around @returns {HTMLElement[]} */
export function fieldsOf(block, around) {
  const put = writer(block, around);
  /** @param {string} name @param {string} label @param {Record<string, any>} [given] */
  const line = (name, label, given) => text(block, name, label, put, given);
  /** @param {string} name @param {string} label @param {[string, string][]} options */
  const choice = (name, label, options) => chosen(block, name, label, options, put);
  const space = choice("space", "Space below", SPACE);
  const link = () => line("href", "Leads to", { placeholder: "https://", inputmode: "url" });
  switch (block.type) {
    case "text":
      return [
        rich(block, "html", "Text", put, around),
        pair(choice("align", "Align", ALIGN), choice("look", "Looks like", LOOKS)), space,
      ];
    case "heading":
      return [
        line("text", "Heading", { tags: true }),
        pair(chosen(block, "level", "Size", LEVELS, (name, value) => put(name, Number(value))), choice("align", "Align", ALIGN)),
        space,
      ];
    case "image":
      return [
        ...picture(block, put, around), link(),
        pair(
          line("width", "Width in pixels", { type: "number", min: 0, max: 600, placeholder: "All" }),
          choice("align", "Align", ALIGN),
        ),
        check(block, "edge", "To the paper’s edges", put), space,
      ];
    case "button":
      return [line("label", "Says", { tags: true }), link(), pair(choice("align", "Align", ALIGN), space)];
    case "columns":
      return [...columns(block, put, around), space];
    case "rows":
      return [...rows(block, put, around), check(block, "total", "The last line is a total", put), space];
    case "scale":
      return [
        line("href", "Each leads to this, and its number", { placeholder: "https://…?score=", inputmode: "url" }),
        pair(line("low", "Beside 0"), line("high", "Beside 10")), space,
      ];
    case "spacer":
      return [line("height", "Height in pixels", { type: "number", min: 4, max: 120 })];
    case "footer":
      return [
        rich(block, "html", "Why they get this", put, around),
        h("p", { class: "hint" }, "The company’s name and address, and the ways out, follow by themselves."),
      ];
    default:
      return [space];
  }
}

/** The fields of the mail itself. @param {Record<string, any>} content @param {Around} around */
export function fieldsOfMail(content, around) {
  const put = writer(content, around);
  const layouts = /** @type {[string, string][]} */ ([
    ["letter", "On paper, under your name"], ["plain", "Plain, like from a person"],
  ]);
  return [
    text(content, "subject", "Subject", put, { maxlength: 250, tags: true }),
    text(content, "preheader", "Shown behind it in mailboxes", put, { maxlength: 250, tags: true }),
    ...(content.format === "blocks" ? [chosen(content, "layout", "Layout", layouts, put)] : []),
  ];
}

/** @param {Record<string, any>} into @param {Around} around */
function writer(into, around) {
  return (/** @type {string} */ name, /** @type {any} */ value) => {
    into[name] = value;
    around.changed(name);
  };
}

/**
 * @param {Record<string, any>} from @param {string} name @param {string} label
 * @param {(name: string, value: any) => void} put @param {Record<string, any>} [given]
 */
function text(from, name, label, put, given = {}) {
  const id = `mail-field-${(number += 1)}`;
  const { tags = false, ...rest } = given;
  const whole = given.type === "number";
  const value = whole && !from[name] ? "" : String(from[name] ?? "");
  const input = h("input", {
    class: "input s", id, value, "data-field": name, autocomplete: "off", maxlength: 500, ...rest,
    oninput: (/** @type {Event} */ event) => {
      const typed = /** @type {HTMLInputElement} */ (event.target).value;
      put(name, whole ? Math.round(Number(typed) || 0) : typed);
    },
  });
  if (!tags) return h("div", { class: "field" }, h("label", { for: id }, label), input);
  const insert = h("button", {
    class: "btn quiet s icon-only", type: "button", popovertarget: "mail-tags",
    "aria-label": "Insert a merge tag", title: "Insert a merge tag", onclick: () => input.focus(),
  }, icon("braces", "s"));
  return h("div", { class: "field" }, h("span", { class: "field-head" }, h("label", { for: id }, label), insert), input);
}

/**
 * @param {Record<string, any>} from @param {string} name @param {string} label
 * @param {[string, string][]} options @param {(name: string, value: any) => void} put
 */
function chosen(from, name, label, options, put) {
  const id = `mail-field-${(number += 1)}`;
  const given = {
    id, "data-field": name,
    onchange: (/** @type {Event} */ event) => put(name, /** @type {HTMLSelectElement} */ (event.target).value),
  };
  return h("div", { class: "field" }, h("label", { for: id }, label), select(given, [["", options]], String(from[name])));
}

/**
 * @param {Record<string, any>} from @param {string} name @param {string} label
 * @param {(name: string, value: any) => void} put
 */
function check(from, name, label, put) {
  return h("label", { class: "check" }, h("input", {
    type: "checkbox", checked: Boolean(from[name]), "data-field": name,
    onchange: (/** @type {Event} */ event) => put(name, /** @type {HTMLInputElement} */ (event.target).checked),
  }), label);
}

/** @param {...HTMLElement} fields */
function pair(...fields) {
  return h("div", { class: "field-row two-up" }, ...fields);
}

/**
 * Rich text, in the console's own editor.
 * @param {Record<string, any>} from @param {string} name @param {string} label
 * @param {(name: string, value: any) => void} put @param {Around} around
 */
function rich(from, name, label, put, around) {
  const id = `mail-field-${(number += 1)}`;
  const made = /** @type {HTMLElement} */ (around.rich.content.firstElementChild?.cloneNode(true));
  made.dataset.labelledby = id;
  made.dataset.field = name;
  const begun = document.createElement("template");
  begun.innerHTML = from[name] ?? "";
  made.prepend(begun);
  made.addEventListener("input", (event) => {
    if (event.target instanceof HTMLInputElement) return; // a link's address, being typed
    queueMicrotask(() => read(made, (value) => put(name, value)));
  });
  made.addEventListener("click", () => setTimeout(() => read(made, (value) => value !== from[name] && put(name, value))));
  return h("div", { class: "field" }, h("span", { class: "label", id }, label), made);
}

/** @param {HTMLElement} made @param {(value: string) => void} say */
function read(made, say) {
  const field = made.querySelector(":scope > input[type=hidden]");
  if (field instanceof HTMLInputElement) say(field.value);
}

/**
 * A picture: uploaded, one of those there are, or an address.
 * @param {Record<string, any>} from @param {(name: string, value: any) => void} put
 * @param {Around} around
 */
function picture(from, put, around) {
  const problem = h("span", { class: "error", role: "alert", hidden: true });
  const shelf = h("div", { class: "picture-shelf", role: "group", "aria-label": "Your pictures" });
  /** @param {string} src */
  const take = (src) => {
    put("src", src);
    around.again();
  };
  const file = h("input", {
    type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", class: "vh", "data-file": true,
    onchange: async (/** @type {Event} */ event) => {
      const [one] = /** @type {HTMLInputElement} */ (event.target).files ?? [];
      if (!one) return;
      const body = new FormData();
      body.set("file", one);
      const answer = await fetch(around.images, { method: "POST", body, headers: token() }).catch(() => null);
      const said = answer ? await answer.json().catch(() => null) : null;
      if (answer?.ok && said) return take(said.src);
      problem.textContent = said?.message ?? "The picture did not arrive. Try again.";
      problem.hidden = false;
    },
  });
  void newest(around.images).then((found) =>
    shelf.replaceChildren(...found.map((one) => h(
      "button",
      { type: "button", title: one.name, "aria-pressed": String(one.src === from.src), onclick: () => take(one.src) },
      h("img", { src: one.src, alt: one.name, loading: "lazy" }),
    ))),
  );
  return [
    h("div", { class: "field" }, h("label", { class: "btn s upload" }, icon("upload"), "Upload a picture", file), problem, shelf),
    text(from, "src", "Or its address", put, { placeholder: "https://", inputmode: "url", maxlength: 2000 }),
    text(from, "alt", "What it shows, for those who don’t see it", put),
  ];
}

/** @param {string} url @returns {Promise<{src: string, name: string}[]>} */
async function newest(url) {
  const answer = await fetch(url).catch(() => null);
  const said = answer?.ok ? await answer.json().catch(() => null) : null;
  return said?.items.slice(0, 12) ?? [];
}

/**
 * @param {Block} block @param {(name: string, value: any) => void} put @param {Around} around
 */
function columns(block, put, around) {
  const each = block.columns.map((/** @type {Record<string, any>} */ one, /** @type {number} */ place) => {
    const into = writer(one, around);
    return h(
      "fieldset", { class: "column-fields" }, h("legend", {}, `Column ${place + 1}`),
      text(one, "title", "Title", into), rich(one, "html", "Text", into, around),
      ...picture(one, into, around), text(one, "href", "Leads to", into, { placeholder: "https://" }),
      block.columns.length > 2 &&
        h("button", { class: "btn quiet s", type: "button", onclick: () => set(block.columns.filter((/** @type {any} */ other) => other !== one)) }, icon("trash-2"), "Remove this column"),
    );
  });
  /** @param {any[]} to */
  const set = (to) => {
    put("columns", to);
    around.again();
  };
  const more = h("button", { class: "btn s", type: "button", onclick: () => set([...block.columns, column()]) }, icon("plus"), "Add a column");
  return block.columns.length < 3 ? [...each, more] : each;
}

/**
 * @param {Block} block @param {(name: string, value: any) => void} put @param {Around} around
 */
function rows(block, put, around) {
  /** @param {any[]} to */
  const set = (to) => {
    put("rows", to);
    around.again();
  };
  const each = block.rows.map((/** @type {Record<string, any>} */ one, /** @type {number} */ place) => {
    const into = writer(one, around);
    /** @param {string} name @param {string} label */
    const box = (name, label) => h("input", {
      class: "input s", value: one[name], "aria-label": `${label}, line ${place + 1}`, placeholder: label,
      "data-field": name, maxlength: 500,
      oninput: (/** @type {Event} */ event) => into(name, /** @type {HTMLInputElement} */ (event.target).value),
    });
    return h("div", { class: "row-fields" }, box("label", "What"), box("value", "How much"), h("button", {
      class: "btn quiet s icon-only", type: "button", "aria-label": `Remove line ${place + 1}`,
      disabled: block.rows.length < 2,
      onclick: () => set(block.rows.filter((/** @type {any} */ other) => other !== one)),
    }, icon("x", "s")));
  });
  const more = h("button", {
    class: "btn s", type: "button", disabled: block.rows.length >= 30,
    onclick: () => set([...block.rows, { label: "", value: "" }]),
  }, icon("plus"), "Add a line");
  return [...each, more];
}

/** What a request that changes something must carry. @returns {Record<string, string>} */
export function token() {
  try {
    return JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}");
  } catch {
    return {};
  }
}

/** What a block is called. @param {Block} block */
export function nameOf(block) {
  return KINDS[block.type]?.label ?? block.type;
}
