// @ts-check
// A few emoji in a grid: arrows move, Enter chooses, Escape closes.

import { h } from "./dom.js";

const COLUMNS = 8;
const EMOJI = "😀 😂 🙂 😉 😊 😍 😎 🤔 😐 😅 🙃 😕 😢 😭 😡 😮 🥳 🙈 👍 👎 👌 👏 🙏 💪 👋 🤝 ❤️ 🎉 🔥 ✅ 💡 🎁".split(" ");

/**
 * @param {string} label
 * @param {(emoji: string) => void} chosen
 * @param {() => void} closed
 */
export function emojiPicker(label, chosen, closed) {
  const buttons = EMOJI.map((emoji, at) => h("button", { tabindex: at ? "-1" : "0", onclick: () => chosen(emoji) }, emoji));
  /** @type {Record<string, number>} */
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };
  const node = h(
    "div.emoji",
    {
      role: "group",
      "aria-label": label,
      onkeydown: (event) => {
        if (event.key == "Escape") {
          event.stopPropagation();
          return closed();
        }
        const at = buttons.indexOf(event.target);
        const step = moves[event.key] ?? 0;
        const sideways = Math.abs(step) == 1 && getComputedStyle(node).direction == "rtl" ? -1 : 1;
        const next = buttons[at + step * sideways];
        if (!step || !next) return;
        event.preventDefault();
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      },
    },
    ...buttons,
  );
  return { part: node, focus: () => node.querySelector("button")?.focus() };
}
