// @ts-check
// What several views are made of.

import { drawing, h } from "./dom.js";
import { ICONS } from "./icons.js";

/**
 * Where somebody is in the messenger. `open` stands for a conversation that has no id yet.
 * @typedef {{view: "home" | "messages" | "tickets" | "notes" | "thread" | "ticket", id?: string, open?: string}} Place
 *
 * @typedef {object} View
 * @property {HTMLElement} part
 * @property {() => void} update
 * @property {(from?: Place) => void} focus
 * @property {() => void} [gone]
 *
 * What every view is given.
 * @typedef {object} Chat
 * @property {import("./launcher.js").Stage} stage
 * @property {() => import("./session.js").Session} session
 * @property {ReturnType<typeof import("./strings.js").speaker>} t
 * @property {ReturnType<typeof import("./time.js").times>} time
 * @property {string} lang
 * @property {(place: Place) => void} go
 * @property {() => void} back
 * @property {() => void} close
 * @property {() => boolean} isShown
 */

/** @param {keyof typeof ICONS} name */
export const icon = (name) => drawing(ICONS[name]);

/** @param {{initials: string, hue: number | null}} who */
export const avatar = ({ initials, hue }) => h("span", { class: `avatar h${hue ?? 0}`, "aria-hidden": "true" }, initials);

/** @param {keyof typeof ICONS} name @param {string} label @param {(event: MouseEvent) => void} onclick */
export const iconButton = (name, label, onclick) =>
  h("button.tool", { "aria-label": label, title: label, onclick }, icon(name));

/** Closes on narrow screens, and where there is no button to do it. @param {Chat} chat */
export const closer = (chat) => {
  const button = iconButton("cross", chat.t("close"), () => chat.close());
  button.classList.add("closer");
  return button;
};

/** @param {Chat} chat */
export const backer = (chat) => {
  const button = iconButton("back", chat.t("back"), () => chat.back());
  button.classList.add("back");
  return button;
};

/** How many of a conversation's messages are new. @param {Chat} chat @param {import("./protocol.js").Conversation} conversation */
export const count = ({ t }, { unread }) => unread > 0 && h("span.count", { "aria-label": t("unread", { n: unread }) }, unread);

/** @param {Chat} chat @param {string} title */
export const bar = (chat, title) => h("header.bar", h("h2", { tabindex: "-1" }, title), closer(chat));

/** @param {import("./protocol.js").Agent[]} team */
export const faces = (team) => h("span.team", { "aria-hidden": "true" }, ...team.slice(0, 3).map(avatar));

/** Who is here, and when an answer comes; or that nobody is. @param {Chat} chat @returns {{isHere: boolean, text: string}} */
export function presence({ session, t, time, lang }) {
  const project = session().known.project;
  if (!project) return { isHere: false, text: "" };
  const here = project.open ? project.team.filter((agent) => agent.here).slice(0, 3) : [];
  const who = new Intl.ListFormat(lang, { type: "conjunction" }).format(here.map((agent) => agent.name));
  const isHere = here.length > 0;
  const said = isHere
    ? [t("here", { who, n: here.length }), project.reply]
    : [project.away || project.reply || t("nobodyYet"), project.back_at && !project.open && t("backAt", { when: time.when(project.back_at) })];
  return { isHere, text: said.filter(Boolean).join(" ").replace(/([^.!?。؟…])$/, "$1.") };
}

/** Whom a conversation is with. @param {Chat} chat @param {import("./protocol.js").Conversation | undefined} conversation */
export const partner = ({ stage, session }, conversation) => conversation?.agent?.name ?? session().known.project?.name ?? stage.hello.name ?? "";

/** An avatar for a conversation: the agent's, else the team's. @param {Chat} chat @param {import("./protocol.js").Conversation | undefined} conversation */
export function portrait(chat, conversation) {
  const name = partner(chat, conversation);
  return avatar(conversation?.agent ?? chat.session().known.project?.team[0] ?? { initials: name.slice(0, 1), hue: 0 });
}

/** The line below a conversation's name. @param {Chat} chat @param {import("./protocol.js").Conversation} conversation */
export function preview({ t }, conversation) {
  const { by, agent, preview: text } = conversation;
  const name = by == "you" ? t("you") : by == "agent" ? agent?.name : "";
  return name ? `${name}: ${text}` : text;
}

/** Conversations begun here that the server has not heard of. @param {Chat} chat */
export function unheard({ session }) {
  const state = session().known;
  const begun = session().letters().filter((letter) => (letter.open && !state.opened.has(letter.open)) || letter.t == "ticket");
  return [...new Map(begun.map((letter) => [letter.open ?? letter.id, letter])).entries()];
}
