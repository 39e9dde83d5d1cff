// The list of a mail's blocks: chosen, moved, duplicated, deleted, by mouse and by keyboard.

import { h, icon } from "../filters/dom.js";
import { KINDS } from "./kinds.js";

/**
 * @typedef {import("./kinds.js").Block} Block
 * @typedef {{choose: (place: number) => void, move: (from: number, to: number) => void,
 *   copy: (place: number) => void, remove: (place: number) => void}} Does
 */

/**
 * Draw it. Place -1 is the mail itself: subject and layout.
 * @param {Element} list @param {Block[]} blocks @param {number} chosen @param {string} subject
 * @param {Does} does
 */
export function drawList(list, blocks, chosen, subject, does) {
  const held = list.contains(document.activeElement);
  const mail = entry("mail", "Subject", subject || "Nothing yet", chosen === -1, () => does.choose(-1));
  const items = blocks.map((block, place) => {
    const kind = KINDS[block.type];
    const says = kind?.says(block) || "Nothing yet";
    const button = entry(kind?.icon ?? "type", kind?.label ?? block.type, says, place === chosen, () => does.choose(place));
    button.addEventListener("keydown", (event) => key(event, place, blocks.length, does));
    const item = h("li", { draggable: "true", "data-place": place }, button);
    drag(item, place, does);
    return item;
  });
  list.replaceChildren(h("li", {}, mail), ...items);
  if (held) list.querySelector("[aria-current]")?.closest("button")?.focus();
}

/**
 * @param {string} symbol @param {string} label @param {string} says @param {boolean} current
 * @param {() => void} onclick
 */
function entry(symbol, label, says, current, onclick) {
  return h(
    "button", { class: "block", type: "button", "aria-current": current && "true", onclick },
    h("span", { class: "grip", "aria-hidden": "true" }, symbol !== "mail" && icon("grip-vertical")),
    icon(symbol),
    h("span", {}, h("b", {}, label), h("small", {}, says)),
  );
}

/** @param {KeyboardEvent} event @param {number} place @param {number} count @param {Does} does */
function key(event, place, count, does) {
  const up = event.key === "ArrowUp", down = event.key === "ArrowDown";
  if (event.altKey && (up || down)) {
    const to = place + (up ? -1 : 1);
    if (to >= 0 && to < count) does.move(place, to);
  } else if (up || down) {
    does.choose(Math.min(place + (up ? -1 : 1), count - 1));
  } else if (event.key === "Delete" || event.key === "Backspace") {
    does.remove(place);
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
    does.copy(place);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {HTMLElement} item @param {number} place @param {Does} does */
function drag(item, place, does) {
  item.addEventListener("dragstart", (event) => {
    event.dataTransfer?.setData("application/x-regulars-block", String(place));
    if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
  });
  item.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("application/x-regulars-block")) return;
    event.preventDefault();
    item.classList.add("is-over");
  });
  item.addEventListener("dragleave", () => item.classList.remove("is-over"));
  item.addEventListener("drop", (event) => {
    item.classList.remove("is-over");
    const from = event.dataTransfer?.getData("application/x-regulars-block") ?? "";
    if (from === "") return;
    event.preventDefault();
    does.move(Number(from), place);
  });
}
