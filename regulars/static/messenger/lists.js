// @ts-check
// Conversations, tickets and notes: three lists.

import { h } from "./dom.js";
import { backer, bar, count, icon, portrait, preview, unheard } from "./parts.js";
import { settle } from "./settle.js";
import { noted } from "./text.js";

/** @typedef {import("./parts.js").Chat} Chat */
/** @typedef {import("./protocol.js").Conversation} Conversation */
/** @typedef {import("./settle.js").Row} Row */

/**
 * @param {Chat} chat
 * @param {string} title
 * @param {string} kind
 * @param {() => Row[]} rows
 * @param {...HTMLElement} below
 * @returns {import("./parts.js").View}
 */
function list(chat, title, kind, rows, ...below) {
  const items = h("ul", { class: `list ${kind}` });
  const head = bar(chat, title);
  const node = h("div.view", head, items, ...below);
  return {
    part: node,
    update: () => settle(items, rows()),
    focus(from) {
      const back = from?.id && node.querySelector(`[data-id="${CSS.escape(from.id)}"]`);
      /** @type {HTMLElement} */ (back || head.firstElementChild).focus();
    },
  };
}

/** What is shown of a list with nothing in it. @param {Chat} chat @param {"messages" | "tickets" | "notes"} view @returns {Row[]} */
const none = ({ t }, view) => [
  ["none", 0, () => h("li.nothing", icon(view), h("b", t(`empty_${view}`)), h("small", t(`empty_${view}_more`)))],
];

/** @param {string} text @param {() => void} onclick */
const begin = (text, onclick) => h("p.begin", h("button.main", { onclick }, icon("plus"), text));

/** What is begun here and waits to be sent, as rows. @param {Chat} chat @param {boolean} tickets @returns {Row[]} */
const waiting = (chat, tickets) =>
  unheard(chat)
    .filter(([, letter]) => (letter.t == "ticket") == tickets)
    .map(([open, letter]) => [
      open,
      letter,
      () =>
        h(
          "li",
          h(
            "button.conv",
            { onclick: () => chat.go({ view: "thread", open }) },
            portrait(chat, undefined),
            h("span", h("b", h("bdi", letter.subject || letter.text)), h("small", letter.failed ?? chat.t(chat.session().isUp() ? "sending" : "queued"))),
          ),
        ),
    ]);

/**
 * Conversations or tickets, and before them what is only begun.
 * @param {Chat} chat
 * @param {"messages" | "tickets"} view
 * @param {(one: Conversation, when: string) => (Node | false)[]} inside
 * @param {string} kind
 */
const rows = (chat, view, inside, kind) => () => {
  const isTickets = view == "tickets";
  const state = chat.session().known;
  const known = (isTickets ? state.tickets() : state.newest()).map((one) => {
    const when = chat.time.ago(one.at);
    const open = () => chat.go({ view: "thread", id: one.id });
    const make = () => h("li", h("button", { class: one.unread ? `${kind} unread` : kind, "data-id": one.id, onclick: open }, ...inside(one, when)));
    return /** @type {Row} */ ([one.id, [one, when], make]);
  });
  const all = [...waiting(chat, isTickets), ...known];
  return all.length ? all : none(chat, view);
};

/** @param {Chat} chat */
export function messages(chat) {
  const { t } = chat;
  /** @param {Conversation} one @param {string} when */
  const inside = (one, when) => [
    portrait(chat, one),
    h("span", h("b", one.ticket && `#${one.ticket.number} `, h("bdi", one.subject)), h("small", h("bdi", preview(chat, one)))),
    h("span.side", h("time", { datetime: one.at }, when), count(chat, one)),
  ];
  const begun = begin(t("newConversation"), () => chat.go({ view: "thread" }));
  return list(chat, t("messages"), "", rows(chat, "messages", inside, "conv"), begun);
}

/** @param {Chat} chat */
export function tickets(chat) {
  const { t, time } = chat;

  /** How far it is, as four steps. @param {"open" | "pending"} status */
  const steps = (status) => {
    const now = status == "open" ? 1 : 2;
    const item = (/** @type {string} */ name, /** @type {number} */ at) =>
      h("li", { class: at < now ? "done" : at == now && "now", "aria-current": at == now && "step" }, name);
    return h("ol", { class: `steps ${status}`, "aria-label": t("stepsLabel") }, ...t("steps").split("|").map(item));
  };

  /** @param {Conversation} one @param {string} when */
  const inside = (one, when) => {
    const { number, status, due_at: due } = /** @type {import("./protocol.js").Ticket} */ (one.ticket);
    return [
      h("span", { class: `status ${status}` }, t(`status_${status}`)),
      count(chat, one),
      h("b", `#${number} `, h("bdi", one.subject)),
      h("small.clip", h("bdi", preview(chat, one)), ` · ${when}`),
      status == "open" && due != null && Date.parse(due) > Date.now() && h("small", t("aim", { when: time.when(due) })),
      (status == "open" || status == "pending") && steps(status),
    ];
  };
  const begun = begin(t("openTicket"), () => chat.go({ view: "ticket" }));
  return list(chat, t("tickets"), "padded", rows(chat, "tickets", inside, "card"), begun);
}

/** @param {Chat} chat */
export function notes(chat) {
  const { t, time } = chat;
  const rows = () => {
    const known = chat.session().known.notes;
    if (!known.length) return none(chat, "notes");
    return known.map(
      (note) => /** @type {Row} */ ([note.id, note, () => h("li.note", { dir: "auto" }, noted(note.html), h("small", `${note.by}, ${time.date(note.at)}`))]),
    );
  };
  const tell = h("button.link", { onclick: () => chat.go({ view: "thread" }) }, t("tell"));
  return list(chat, t("sharedNotes"), "padded", rows, h("p.foot", t("wrong"), " ", tell));
}

/** The form that opens a ticket. @param {Chat} chat @returns {import("./parts.js").View} */
export function ticketForm(chat) {
  const { t } = chat;
  const subject = h("input", { name: "subject", required: true, maxlength: "200", autocomplete: "off" });
  const text = h("textarea", { name: "text", required: true, rows: "6", maxlength: chat.session().known.limits?.text ?? 4000 });
  const problem = h("p.problem", { role: "alert" });
  const kept = chat.session().draft("ticket");
  [subject.value, text.value] = Array.isArray(kept) ? kept : ["", ""];
  const form = h(
    "form.form",
    {
      oninput: () => chat.session().keepDraft("ticket", subject.value || text.value ? [subject.value, text.value] : null),
      onsubmit: (event) => {
        event.preventDefault();
        if (!subject.value.trim() || !text.value.trim()) return;
        const open = chat.session().post({ t: "ticket", subject: subject.value.trim(), text: text.value.trim() });
        if (!open) return void (problem.textContent = t("full"));
        chat.session().keepDraft("ticket", null);
        chat.go({ view: "thread", open });
      },
    },
    h("label", t("subject"), subject),
    h("label", t("describe"), text),
    problem,
    h("p.begin", h("button.main", { type: "submit" }, t("openTicket"))),
  );
  const head = bar(chat, t("openTicket"));
  head.prepend(backer(chat));
  return { part: h("div.view", head, form), update: () => {}, focus: () => subject.focus() };
}
