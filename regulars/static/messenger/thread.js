// @ts-check
// One conversation. The newest is in view and stays there; whoever scrolls up keeps their place.

import { emailCard, ratingCard } from "./cards.js";
import { composer } from "./composer.js";
import { h } from "./dom.js";
import { shown } from "./files.js";
import { backer, closer, faces, icon, partner, portrait, presence } from "./parts.js";
import { settle } from "./settle.js";
import { linked } from "./text.js";

/** @typedef {import("./parts.js").Chat} Chat */
/** @typedef {import("./protocol.js").Message} Message */
/** @typedef {import("./protocol.js").Letter} Letter */
/** @typedef {import("./settle.js").Row} Row */
/** @typedef {{key: string, by: Message["by"], name: string, text: string, at: string | number, seq: number, files: Message["files"], unsent?: Letter}} Line */

// How far from the newest still counts as being there, in pixels.
const NEAR = 40;

/**
 * @param {Chat} chat
 * @param {import("./parts.js").Place} place
 * @returns {import("./parts.js").View}
 */
export function thread(chat, place) {
  const { t, time } = chat;
  let fresh = 0;
  let newest = 0;

  const conversation = () => chat.session().known.conversations.get(place.id ?? "");
  const face = h("span.face");
  const name = h("bdi");
  const dot = h("span.dot");
  const told = h("span");
  const rows = h("div.rows");
  const log = h("div.log", { role: "log", tabindex: "0" }, rows);
  const typing = h("p.vh", { role: "status" });
  const pill = h("button.main.pill", { hidden: true, onclick: () => toEnd() });
  const write = composer(
    chat,
    () => place.id ?? "new",
    (text, files) => {
      const { id, open = null } = place;
      const said = chat.session().post({ t: "say", conversation: id ?? null, open: id ? null : open, text, files });
      if (said) toEnd();
      return said != "";
    },
    () => place.id && chat.session().typing(place.id),
  );
  /** @type {HTMLElement} */
  const node = h(
    "div.view.thread",
    {
      ondragover: (event) => event.preventDefault(),
      ondragenter: () => node.classList.add("over"),
      ondragleave: (event) => node.contains(event.relatedTarget) || node.classList.remove("over"),
      ondrop: (event) => {
        event.preventDefault();
        node.classList.remove("over");
        write.take(event.dataTransfer);
      },
    },
    h("header.bar", backer(chat), face, h("div.who", h("h2", { tabindex: "-1" }, name), h("small", dot, told)), closer(chat)),
    h("div.middle", log, pill),
    typing,
    write.part,
  );

  const isAtEnd = () => log.scrollTop > -NEAR;
  const toEnd = () => {
    log.scrollTop = 0;
    fresh = 0;
    pill.hidden = true;
  };
  log.addEventListener("scroll", () => {
    if (isAtEnd() && fresh) update();
    if (place.id && log.scrollHeight + log.scrollTop - log.clientHeight < 120) chat.session().older(place.id);
  });

  // Rows

  /** @returns {Line[]} what was said, and after it what is about to be */
  const lines = () => {
    const { id, open } = place;
    const state = chat.session().known;
    const messages = (id ? chat.session().known.threads.get(id)?.messages : undefined) ?? [];
    // Heard, though the answer that says so is still on its way.
    const isHeard = (/** @type {Letter} */ letter) => messages.some((one) => one.by == "you" && one.text == letter.text && Date.parse(one.at) >= letter.at);
    const isHere = (/** @type {Letter} */ one) =>
      (one.t == "say" && (id ? one.conversation == id || state.opened.get(one.open ?? "") == id : one.open == open)) || (one.t == "ticket" && one.id == open);
    return [
      ...messages.map((one) => ({ ...one, key: one.client ?? one.id, name: one.name ?? "" })),
      ...chat
        .session()
        .letters()
        .filter((one) => isHere(one) && !isHeard(one))
        .map((one) => ({ key: one.id, by: /** @type {const} */ ("you"), name: "", text: one.text ?? "", at: one.at, seq: Infinity, files: one.files ?? [], unsent: one })),
    ];
  };

  /** @param {Line} line @returns {Row} */
  const bubble = (line) => {
    const { key, by, text, files, unsent } = line;
    const mine = by == "you";
    return [
      `m${key}`,
      [text, files.map((file) => file.id), mine, unsent?.failed],
      () => {
        const node = h("div", { class: `said${mine ? " me" : ""}${unsent?.failed ? " failed" : ""}` }, h("span.vh", mine ? `${t("you")}: ` : ""));
        if (text) node.append(h("p.bubble", { dir: "auto" }, ...linked(text)));
        node.append(...files.map((file) => shown(chat, file)));
        return node;
      },
    ];
  };

  /** What stands below a group: who, when, and what became of it. @param {Line} line @param {Line | undefined} lastSeen @returns {Row} */
  const foot = (line, lastSeen) => {
    const { key, by, name: author, at, unsent } = line;
    const mine = by == "you";
    const isUp = chat.session().isUp();
    const state = unsent ? t(isUp ? "sending" : "queued") : line == lastSeen ? t("seen") : "";
    const text = [mine ? "" : author, unsent ? "" : time.clock(at)].filter(Boolean).join(", ");
    if (unsent?.failed) return [`f${key}`, unsent.failed, () => failure(unsent)];
    return [
      `f${key}`,
      [text, state],
      () => h("p", { class: `meta${mine ? " me" : ""}${unsent && isUp ? " late" : ""}` }, [text, state].filter(Boolean).join(" · ")),
    ];
  };

  /** @param {Letter} letter */
  const failure = (letter) =>
    h(
      "p.meta.me.failed",
      h("span", { role: "alert" }, `${t("failed")}: ${letter.failed}`),
      h("button.link", { onclick: () => chat.session().retry(letter.id) }, t("retry")),
      h("button.link", { onclick: () => chat.session().discard(letter.id) }, t("discard")),
    );

  /** @returns {Row[]} */
  const said = () => {
    const all = lines();
    const agentsSeen = conversation()?.agents_seen ?? 0;
    const lastSeen = all.findLast((line) => line.by == "you" && line.seq <= agentsSeen);
    /** @type {Row[]} */
    const out = [];
    all.forEach((line, at) => {
      const { [at - 1]: before, [at + 1]: after } = all;
      if (!before || time.daysAgo(before.at) != time.daysAgo(line.at)) {
        const day = time.day(line.at);
        out.push([`d${day}`, 0, () => h("p.day", day)]);
      }
      if (line.by == "system") return void out.push([`m${line.key}`, line.text, () => h("p.system", { dir: "auto" }, ...linked(line.text))]);
      out.push(bubble(line));
      const isGroup =
        after &&
        after.by == line.by &&
        after.name == line.name &&
        time.minute(after.at) == time.minute(line.at) &&
        line != lastSeen &&
        !line.unsent == !after.unsent &&
        !line.unsent?.failed &&
        !after.unsent?.failed;
      if (!isGroup) out.push(foot(line, lastSeen));
    });
    return out;
  };

  /** What the thread asks for. @returns {Row[]} */
  const asking = () => {
    const { id } = place;
    const state = chat.session().known;
    const now = conversation();
    const letters = chat.session().letters();
    /** @type {Row[]} */
    const out = [];
    const left = letters.find((one) => one.t == "email");
    const hasSpoken = lines().some((line) => line.by == "you");
    if (left && !left.failed) out.push(["email", left.email, () => h("p.system", t("emailDone", { email: left.email ?? "" }))]);
    else if (left || (state.you && !state.you.email && hasSpoken && !presence(chat).isHere)) {
      out.push(["email", left?.failed, () => emailCard(chat, () => place.id ?? null, left)]);
    } else if (emailed) out.push(["email", 1, () => h("p.system", { role: "status" }, t("emailDone", { email: state.you?.email ?? "" }))]);
    emailed ||= Boolean(left);
    const rated = letters.some((one) => one.t == "rate" && one.conversation == id);
    if (id && now?.can_rate && !now.rating && !rated) out.push(["rate", 0, () => ratingCard(chat, id)]);
    else if (rated || (asked && now?.rating)) out.push(["rate", 1, () => h("p.system", { role: "status" }, t("thanks"))]);
    asked ||= Boolean(now?.can_rate);
    return out;
  };
  let emailed = false;
  let asked = false;

  const header = () => {
    const now = conversation();
    const { project } = chat.session().known;
    const here = presence(chat);
    const title = now?.ticket ? `#${now.ticket.number} ${now.subject}` : partner(chat, now);
    if (name.textContent != title) name.textContent = title;
    const team = project?.team.filter((agent) => agent.here || !here.isHere) ?? [];
    settle(face, [["face", [now?.agent, team], () => (now?.agent || !team.length ? portrait(chat, now) : faces(team))]]);
    const isHere = now?.agent ? now.agent.here : here.isHere;
    dot.hidden = !isHere || Boolean(now?.ticket);
    told.textContent = now?.ticket ? t(`status_${now.ticket.status}`) : isHere ? (now?.agent ? t("hereNow") : project?.reply || t("hereNow")) : project?.reply || t("away");
    log.setAttribute("aria-label", t("log", { name: partner(chat, now) }));
  };

  /** @returns {Row[]} */
  const welcome = () => {
    const told = presence(chat).text;
    return [["hello", told, () => h("div.welcome", faces(chat.session().known.project?.team ?? []), h("b", t("invite")), h("small", told))]];
  };

  const update = () => {
    const state = chat.session().known;
    const { id } = place;
    if (id) chat.session().read(id);
    const known = id ? state.threads.get(id) : undefined;
    const last = lines().findLast((line) => line.by == "agent");
    const types = id ? state.whoTypes(id) : "";
    const wasAtEnd = isAtEnd();
    if (last && newest && last.seq > newest && !wasAtEnd) fresh += lines().filter((line) => line.by == "agent" && line.seq > newest).length;
    newest = last?.seq ?? 0;
    if (wasAtEnd) fresh = 0;
    header();

    // What is being read stays where it is, whatever comes above or below.
    const top = log.getBoundingClientRect().top;
    const anchor = wasAtEnd ? undefined : [...rows.children].find((row) => row.getBoundingClientRect().bottom > top);
    const from = anchor?.getBoundingClientRect().top ?? 0;
    const spoken = said();
    const before = rows.firstElementChild;
    // Older messages are no news.
    log.setAttribute("aria-live", known?.asked || !before ? "off" : "polite");
    settle(rows, [
      ...(known?.more ? [/** @type {Row} */ (["more", 0, () => h("p.day", "…")])] : []),
      ...(!spoken.length && (!id || known?.isRead) ? welcome() : []),
      ...spoken,
      ...asking(),
      ...(types ? [/** @type {Row} */ (["typing", 0, () => h("div.typing", { "aria-hidden": "true" }, h("i"), h("i"), h("i"))])] : []),
    ]);
    if (anchor?.isConnected) log.scrollTop += anchor.getBoundingClientRect().top - from;
    const saying = types ? t("typing", { name: types }) : "";
    if (typing.textContent != saying) typing.textContent = saying;
    pill.hidden = !fresh;
    if (fresh) pill.replaceChildren(icon("down"), t("newMessages", { n: fresh }));
    write.update();
    if (id && chat.isShown() && !document.hidden && isAtEnd()) chat.session().seen(id);
  };

  return {
    part: node,
    update,
    focus() {
      // On a touch screen the keyboard would jump up and cover what is to be read.
      if (matchMedia("(pointer: coarse)").matches && place.id) name.parentElement?.focus();
      else write.focus();
      write.grow();
    },
    gone: () => write.stop(),
  };
}
