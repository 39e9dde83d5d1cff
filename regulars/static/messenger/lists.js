// @ts-check
// Conversations, tickets and notes: three lists.

import { h } from "./dom.js";
import { bar, icon, nothing, portrait, preview, unheard } from "./parts.js";
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
    node,
    update: () => settle(items, rows()),
    focus(from) {
      const back = from?.id && node.querySelector(`[data-id="${CSS.escape(from.id)}"]`);
      /** @type {HTMLElement} */ (back || head.firstElementChild).focus();
    },
  };
}

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
            h("span", h("b", { dir: "auto" }, letter.subject || letter.text), h("small", letter.failed ?? chat.t(chat.session().isUp() ? "sending" : "queued"))),
          ),
        ),
    ]);

/** @param {Chat} chat */
export function messages(chat) {
  const { t, time } = chat;
  const rows = () => {
    /** @type {Row[]} */
    const known = chat
      .session()
      .state.newest()
      .map((one) => {
        const when = time.ago(one.at);
        return [one.id, [one, when], () => conversation(one, when)];
      });
    const all = [...waiting(chat, false), ...known];
    return all.length ? all : [/** @type {Row} */ (["none", 0, () => nothing("messages", t("emptyMessages"), t("emptyMessagesMore"))])];
  };

  /** @param {Conversation} one @param {string} when */
  const conversation = (one, when) =>
    h(
      "li",
      h(
        "button",
        { class: one.unread ? "conv unread" : "conv", "data-id": one.id, onclick: () => chat.go({ view: "thread", id: one.id }) },
        portrait(chat, one),
        h("span", h("b", { dir: "auto" }, one.ticket && `#${one.ticket.number} `, one.subject), h("small", { dir: "auto" }, preview(chat, one))),
        h("span.side", h("time", { datetime: one.at }, when), one.unread > 0 && h("span.count", { "aria-label": t("unread", { n: one.unread }) }, one.unread)),
      ),
    );

  return list(chat, t("messages"), "", rows, begin(t("newConversation"), () => chat.go({ view: "thread" })));
}

/** @param {Chat} chat */
export function tickets(chat) {
  const { t, time } = chat;
  const rows = () => {
    /** @type {Row[]} */
    const known = chat
      .session()
      .state.tickets()
      .map((one) => {
        const when = time.ago(one.at);
        return [one.id, [one, when], () => ticket(one, when)];
      });
    const all = [...waiting(chat, true), ...known];
    return all.length ? all : [/** @type {Row} */ (["none", 0, () => nothing("tickets", t("emptyTickets"), t("emptyTicketsMore"))])];
  };

  /** How far it is, as four steps. @param {"open" | "pending"} status */
  const steps = (status) => {
    const now = status == "open" ? 1 : 2;
    const names = t("steps").split("|");
    const item = (/** @type {string} */ name, /** @type {number} */ at) =>
      h("li", { class: at < now ? "done" : at == now && "now", "aria-current": at == now && "step" }, name);
    return h("ol", { class: `steps ${status}`, "aria-label": t("stepsLabel") }, ...names.map(item));
  };

  /** @param {Conversation} one @param {string} when */
  const ticket = (one, when) => {
    const { number, status, due_at: due } = /** @type {import("./protocol.js").Ticket} */ (one.ticket);
    const isOpen = status == "open" || status == "pending";
    return h(
      "li",
      h(
        "button",
        { class: one.unread ? "card unread" : "card", "data-id": one.id, onclick: () => chat.go({ view: "thread", id: one.id }) },
        h("span", { class: `status ${status}` }, t(`status_${status}`)),
        one.unread > 0 && h("span.count", { "aria-label": t("unread", { n: one.unread }) }, one.unread),
        h("b", { dir: "auto" }, `#${number} ${one.subject}`),
        h("small.clip", { dir: "auto" }, `${preview(chat, one)} · ${when}`),
        status == "open" && due && Date.parse(due) > Date.now() && h("small", t("aim", { when: time.when(due) })),
        isOpen && steps(status),
      ),
    );
  };

  return list(chat, t("tickets"), "padded", rows, begin(t("openTicket"), () => chat.go({ view: "ticket" })));
}

/** @param {Chat} chat */
export function notes(chat) {
  const { t, time } = chat;
  const rows = () => {
    const known = chat.session().state.notes;
    if (!known.length) return [/** @type {Row} */ (["none", 0, () => nothing("notes", t("emptyNotes"), t("emptyNotesMore"))])];
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
  const text = h("textarea", { name: "text", required: true, rows: "6", maxlength: chat.session().state.limits?.text ?? 4000 });
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
  const back = h("button.tool.back", { "aria-label": t("back"), onclick: () => chat.back() }, icon("back"));
  head.prepend(back);
  return { node: h("div.view", head, form), update: () => {}, focus: () => subject.focus() };
}
