// @ts-check
// The first view: who is here, what was left off, and the ways on.

import { h } from "./dom.js";
import { closer, count, faces, icon, portrait, presence, preview } from "./parts.js";
import { settle } from "./settle.js";

/** @param {import("./parts.js").Chat} chat @returns {import("./parts.js").View} */
export function home(chat) {
  const { t } = chat;
  const top = h("div.hero-top");
  const title = h("h2", { tabindex: "-1" });
  const dot = h("span.dot");
  const told = h("span");
  const cards = h("div.cards");
  const node = h(
    "div.view.home",
        h("div.hero", top, title, h("p.presence", dot, told)),
    cards,
  );

  /** @param {"tickets" | "notes"} view @param {import("./strings.js").Word} word @param {string | number} count */
  const way = (view, word, count) =>
    h("button", { "data-id": view, onclick: () => chat.go({ view }) }, icon(view), h("span", t(word)), h("em", count), icon("next"));

  const update = () => {
    const state = chat.session().known;
    const { project } = state;
    const here = project?.open ? project.team.filter((agent) => agent.here) : [];
    const shown = here.length ? here : (project?.team ?? []);
    settle(top, [
      ["brand", project?.name, () => h("span.brand", project?.name ?? chat.stage.hello.name)],
      ["team", shown, () => faces(shown)],
      ["close", 0, () => closer(chat)],
    ]);
    const greeting = [project?.greeting, project?.intro].filter(Boolean).join("\n") || t("invite");
    if (title.textContent != greeting) title.replaceChildren(h("bdi", greeting));
    const now = presence(chat);
    dot.hidden = !now.isHere;
    told.textContent = now.text;
    const newest = state.newest();
    const last = newest.find((one) => one.unread) ?? newest[0];
    const open = state.tickets().filter((one) => one.ticket?.status == "open" || one.ticket?.status == "pending").length;
    const counts = [state.tickets().length, open, state.notes.length];
    settle(cards, [
      last ? ["resume", [last, project?.team[0]], () => resume(last)] : false,
      ["ask", 0, ask],
      counts[0] || counts[2]
        ? [
            "ways",
            counts,
            () =>
              h(
                "div.card.ways",
                                way("tickets", "yourTickets", open ? t("open", { n: open }) : counts[0]),
                way("notes", "about", counts[2]),
              ),
          ]
        : false,
    ]);
  };

  const ask = () =>
    h(
      "button.card.ask",
      { onclick: () => chat.go({ view: "thread" }) },
      h("span", h("b", t("start")), h("small", t("startMore"))),
      icon("send"),
    );

  /** @param {import("./protocol.js").Conversation} last */
  const resume = (last) =>
    h(
      "button.card.resume",
      { "data-id": last.id, onclick: () => chat.go({ view: "thread", id: last.id }) },
      h("small", t("left")),
      h(
        "span.line",
                portrait(chat, last),
        h("span", h("b", h("bdi", last.subject)), h("small", h("bdi", preview(chat, last)))),
        count(chat, last),
      ),
    );

  return {
    part: node,
    update,
    focus(from) {
      const back = from && /** @type {HTMLElement | null} */ (node.querySelector(`[data-id="${CSS.escape(from.id ?? from.view)}"]`));
      (back ?? title).focus({ preventScroll: !back });
    },
  };
}
