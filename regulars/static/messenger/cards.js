// @ts-check
// What a thread asks of its reader: an address when nobody is here, a rating when it is over.

import { drawing, h } from "./dom.js";
import { FACES } from "./icons.js";

/** @typedef {import("./parts.js").Chat} Chat */
/** @typedef {import("./protocol.js").Letter} Letter */

/**
 * @param {Chat} chat
 * @param {() => string | null} conversation
 * @param {Letter} [before] what was left before, and why it was refused
 */
export function emailCard(chat, conversation, before) {
  const { t } = chat;
  const field = h("input", { type: "email", required: true, maxlength: "254", autocomplete: "email", "aria-label": t("email"), placeholder: t("email") });
  const problem = h("p.problem", { role: "alert" }, before?.failed);
  field.value = before?.email ?? "";
  return h(
    "form.card.asking",
    {
      onsubmit: (event) => {
        event.preventDefault();
        if (before) chat.session().discard(before.id);
        chat.session().post({ t: "email", email: field.value.trim(), conversation: conversation() });
      },
    },
    h("b", t("emailAsk")),
    h("div.line", field, h("button.main", { type: "submit" }, t("save"))),
    problem,
  );
}

/** @param {Chat} chat @param {string} conversation */
export function ratingCard(chat, conversation) {
  const { t } = chat;
  let chosen = 0;
  const more = h("div.line", { hidden: true });
  const comment = h("textarea", { rows: "2", maxlength: "2000", "aria-label": t("comment"), placeholder: t("comment") });
  more.append(comment, h("button.main", { type: "submit" }, t("send")));
  const names = t("faces").split("|");
  const faces = FACES.map((face, at) => {
    const button = h(
      "button",
      {
        role: "radio",
        "aria-checked": "false",
        "aria-label": names[at],
        title: names[at],
        tabindex: at ? "-1" : "0",
        onclick: () => choose(at),
        onkeydown: (event) => {
          const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[/** @type {string} */ (event.key)] ?? 0;
          if (!step) return;
          event.preventDefault();
          const sideways = event.key.length > 9 && getComputedStyle(button).direction == "rtl" ? -1 : 1;
          const next = faces[(at + step * sideways + 5) % 5];
          next.click();
          next.focus();
        },
      },
      drawing(face),
    );
    return button;
  });
  /** @param {number} at */
  const choose = (at) => {
    chosen = at + 1;
    more.hidden = false;
    faces.forEach((face, other) => {
      face.setAttribute("aria-checked", String(other == at));
      face.tabIndex = other == at ? 0 : -1;
    });
  };
  return h(
    "form.card.asking.rating",
    {
      onsubmit: (event) => {
        event.preventDefault();
        if (chosen) chat.session().post({ t: "rate", conversation, rating: chosen, comment: comment.value.trim() });
      },
    },
    h("b", t("rate")),
    h("div.faces", { role: "radiogroup", "aria-label": t("rate") }, ...faces),
    more,
  );
}
