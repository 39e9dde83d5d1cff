// What stands right of an operator: one editor for each shape of value.

import { flag, h, icon, select } from "./dom.js";
import { suggesting } from "./suggest.js";

/**
 * @typedef {{
 *   value: any, operand: string, field: string, label: string, flags: Record<string, string>,
 *   kinds: string[], suggest: (field: string, typed: string) => Promise<any[]>,
 *   changed: (value: any, settled?: boolean) => void, redraw: (value: any) => void,
 * }} Editing
 */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

/** The editor of a value; nothing where there is nothing to say. @param {Editing} on */
export function editor(on) {
  switch (on.operand) {
    case "nothing":
      return [];
    case "text":
      return [h("div", { class: "rule-row" }, text(on))];
    case "texts":
      return [texts(on)];
    case "number":
      return [row(number(on.value, "Value", on.changed))];
    case "numbers":
      return [row(...pair(on, number))];
    case "moment":
      return [row(moment(on.value, "Date", on.changed))];
    case "moments":
      return [row(...pair(on, moment))];
    case "days":
      return [row(whole(on.value, "Days", on.changed), " days")];
    case "boolean":
      return [row(truth(on))];
    case "kind":
      return [row(kind(on))];
    case "kinds":
      return [kinds(on)];
    default:
      return [row(plain(on))];
  }
}

/** @param {...(Node | string)} children */
const row = (...children) => h("div", { class: "rule-row" }, ...children);

/** @param {Editing} on */
function text(on) {
  const input = box({ value: on.value ?? "", "aria-label": `Value of ${on.label}`, maxlength: 1000 });
  input.addEventListener("input", () => on.changed(input.value));
  return suggesting(
    input,
    (typed) => on.suggest(on.field, typed),
    (value) => {
      input.value = value;
      on.changed(value, true);
    },
    (value) => flagOf(on, value),
  );
}

/** @param {Editing} on */
function plain(on) {
  const hint = on.operand === "network" ? "10.0.0.0/8" : on.operand === "address" ? "203.0.113.7" : "";
  const input = box({
    value: on.value ?? "",
    placeholder: hint,
    "aria-label": `Value of ${on.label}`,
    spellcheck: "false",
  });
  input.addEventListener("input", () => on.changed(input.value));
  return input;
}

/** Several values as chips, and a box for one more. @param {Editing} on */
function texts(on) {
  const values = /** @type {string[]} */ (Array.isArray(on.value) ? on.value : []);
  const add = (/** @type {string} */ value) => {
    const typed = value.trim();
    if (typed && !values.includes(typed)) on.redraw([...values, typed]);
  };
  const input = box({ placeholder: "Add", "aria-label": `Add a value of ${on.label}`, maxlength: 1000 });
  input.dataset.focus = "add";
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || (event.key === "," && input.value.trim())) {
      event.preventDefault();
      add(input.value);
    } else if (event.key === "Backspace" && !input.value && values.length) {
      on.redraw(values.slice(0, -1));
    }
  });
  input.addEventListener("change", () => add(input.value));
  const chips = values.map((value) =>
    h(
      "span",
      { class: "chip" },
      flag(flagOf(on, value)),
      h("span", { class: "truncate", title: value }, value),
      h(
        "button",
        {
          type: "button",
          "aria-label": `Remove ${value}`,
          onclick: () => on.redraw(values.filter((one) => one !== value)),
        },
        icon("x", "s"),
      ),
    ),
  );
  const ask = async (/** @type {string} */ typed) =>
    (await on.suggest(on.field, typed)).filter((one) => !values.includes(one.value));
  const one = suggesting(input, ask, add, (value) => flagOf(on, value));
  return h("div", { class: "values" }, ...chips, one);
}

/** @param {any} value @param {string} label @param {(value: any) => void} changed */
function number(value, label, changed) {
  const input = box({ value: value ?? "", inputmode: "decimal", "aria-label": label });
  input.addEventListener("input", () => {
    const typed = input.value.trim().replace(",", ".");
    const read = Number(typed);
    const fits = typed !== "" && Number.isFinite(read);
    mark(input, typed === "" || fits, "That is not a number.");
    changed(fits ? read : "");
  });
  return input;
}

/** A whole number of days. @param {any} value @param {string} label @param {(v: any) => void} changed */
export function whole(value, label, changed, least = 1) {
  const input = box({ value: value ?? "", inputmode: "numeric", "aria-label": label }, "n");
  input.addEventListener("input", () => {
    const typed = input.value.trim();
    const fits = /^\d{1,5}$/.test(typed) && Number(typed) >= least;
    mark(input, typed === "" || fits, "That is not a whole number.");
    changed(fits ? Number(typed) : "");
  });
  return input;
}

/** A day; a time that came in an address is kept as it was written.
 * @param {any} value @param {string} label @param {(value: any) => void} changed
 */
function moment(value, label, changed) {
  const type = !value || DAY.test(value) ? "date" : MOMENT.test(value) ? "datetime-local" : "text";
  const input = box({ type, value: value ?? "", "aria-label": label });
  input.addEventListener("input", () => changed(input.value));
  return input;
}

/** @param {Editing} on @param {typeof number} one */
function pair(on, one) {
  const both = Array.isArray(on.value) ? [...on.value] : ["", ""];
  const say = (/** @type {number} */ place) => (/** @type {any} */ value) => {
    both[place] = value;
    on.changed([...both]);
  };
  return [one(both[0], "From", say(0)), " and ", one(both[1], "To", say(1))];
}

/** @param {Editing} on */
function truth(on) {
  const given = { "aria-label": `Value of ${on.label}` };
  const made = select(given, [["", [["true", "true"], ["false", "false"]]]], String(on.value));
  made.addEventListener("change", () =>
    on.changed(/** @type {HTMLSelectElement} */ (made).value === "true", true),
  );
  return made;
}

/** @param {Editing} on */
function kind(on) {
  /** @type {[string, string][]} */
  const all = on.kinds.map((one) => [one, one]);
  const made = select({ "aria-label": "Kind of person" }, [["", all]], on.value);
  made.addEventListener("change", () =>
    on.changed(/** @type {HTMLSelectElement} */ (made).value, true),
  );
  return made;
}

/** @param {Editing} on */
function kinds(on) {
  const chosen = new Set(Array.isArray(on.value) ? on.value : []);
  const boxes = on.kinds.map((one) => {
    const tick = h("input", { type: "checkbox", checked: chosen.has(one) });
    tick.addEventListener("change", () => {
      if (/** @type {HTMLInputElement} */ (tick).checked) chosen.add(one);
      else chosen.delete(one);
      on.changed(on.kinds.filter((each) => chosen.has(each)), true);
    });
    return h("label", { class: "check inline" }, tick, h("span", {}, one));
  });
  return h("div", { class: "values" }, ...boxes);
}

/** @param {Record<string, any>} given @param {string} [css] @returns {HTMLInputElement} */
function box(given, css = "") {
  return /** @type {HTMLInputElement} */ (
    h("input", { class: `input s ${css}`.trim(), "data-focus": "value", ...given })
  );
}

/** @param {HTMLInputElement} input @param {boolean} fits @param {string} why */
function mark(input, fits, why) {
  if (fits) input.removeAttribute("aria-invalid");
  else input.setAttribute("aria-invalid", "true");
  input.title = fits ? "" : why;
}

/** @param {Editing} on @param {string} value */
const flagOf = (on, value) => (on.field === "country" ? on.flags[value] : undefined);
