// @ts-check
/*
 * The messenger itself (served as /messenger/app.js, loaded by the launcher): a panel with a few
 * views over one person's session. With the identity everything it showed goes.
 *
 * Served without its comments and joined with what it imports: see launcher.js.
 */
import { h } from "./dom.js";
import { home } from "./home.js";
import { messages, notes, ticketForm, tickets } from "./lists.js";
import { uuid } from "./outbox.js";
import { avatar, icon } from "./parts.js";
import { session } from "./session.js";
import { settle } from "./settle.js";
import { speaker } from "./strings.js";
import { thread } from "./thread.js";
import { times } from "./time.js";

/** @typedef {import("./launcher.js").Stage} Stage */
/** @typedef {import("./parts.js").Place} Place */
/** @typedef {import("./parts.js").View} View */

const STYLE = "__APP_CSS__";
const TABS = /** @type {const} */ (["home", "messages", "tickets", "notes"]);
const NARROW = matchMedia("(width < 480px)");
// How long a lost line may take to come back before it is spoken of.
const PATIENCE = 1500;

/** @param {Stage} stage @param {Record<string, string | string[]>} words */
export default function messenger(stage, words) {
  const { site, frame, lang } = stage;
  const at = `regulars.${site.key}:at`;
  const t = speaker(lang, words);
  // As it is written where the reader is: of en, en-GB.
  const time = times(navigator.languages.find((tag) => tag.startsWith(lang)) ?? lang);
  let who = site.who();
  let isOpen = false;
  let isAwake = false;
  let isEnded = false;
  /** @type {string} why there will be no line */
  let over = "";
  let downSince = 0;
  /** @type {Place} */
  let place = { view: "home" };
  /** @type {Place[]} */
  let trail = [];
  /** @type {View} */
  let view;
  /** @type {Element | null} */
  let before = null;

  // The session, and what it says

  const begin = () =>
    session(site, who ?? { a: "" }, {
      changed,
      arrived(message, conversation) {
        if (!isOpen) peek(message, conversation);
      },
      opened(open, id) {
        if (place.open != open) return;
        place.id = id;
        remember();
      },
      over(code) {
        over = code;
        if (code == "off" || code == "unknown_key") stage.gone();
        changed();
      },
    });

  let due = false;
  const changed = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      if (!isEnded) show();
    });
  };

  const show = () => {
    const state = talk.known;
    stage.badge(state.unread());
    if (state.project) stage.paint(state.project.color);
    if (!isOpen) return;
    brand.replaceChildren(...by());
    brand.hidden = state.project?.powered === false;
    showNotice();
    showTabs();
    view.update();
  };

  const by = () => t("by", { name: "{name}" }).split(/(\{name\})/).map((part) => (part == "{name}" ? h("b", "Regulars") : part));

  const showNotice = () => {
    const isUp = talk.isUp();
    downSince = isUp ? 0 : downSince || Date.now();
    const isLate = !isUp && Date.now() - downSince >= PATIENCE;
    if (!isUp && !isLate) setTimeout(changed, PATIENCE);
    const text = over == "bad_claim" ? t("claim") : isLate ? t(navigator.onLine ? "connecting" : "alone") : "";
    if (notice.textContent != text) notice.textContent = text;
    notice.hidden = !text;
  };

  const showTabs = () => {
    const unread = talk.known.unread();
    const isTab = TABS.some((one) => one == place.view);
    tabs.hidden = !isTab;
    settle(
      tabs,
      TABS.map((one) => {
        const isHere = one == place.view;
        const pip = one == "messages" && unread > 0;
        return [
          one,
          [isHere, pip],
          () =>
            h(
              "button",
              { "aria-current": isHere && "page", onclick: () => go({ view: one }) },
              icon(one),
              t(one),
              pip && h("i.pip", h("span.vh", t("unread", { n: unread }))),
            ),
        ];
      }),
    );
  };

  // Moving about

  /** @param {Place} to @returns {View} */
  const build = (to) => {
    if (to.view == "thread") return thread(chat, to);
    return { home, messages, tickets, notes, ticket: ticketForm }[to.view](chat);
  };

  /** @param {Place} to @param {Place} [from] */
  const enter = (to, from) => {
    view?.gone?.();
    place = to;
    view = build(to);
    body.replaceChildren(view.part);
    remember();
    if (!isOpen) return;
    show();
    view.focus(from);
  };

  /** @param {Place} to */
  const go = (to) => {
    const isTab = TABS.some((one) => one == to.view);
    trail = isTab ? [] : [...trail, place];
    enter(to.view == "thread" && !to.id && !to.open ? { ...to, open: uuid() } : to);
  };

  const back = () => {
    const from = place;
    // The form was left for the ticket that it opened.
    const to = trail.findLast((one) => one.view != "ticket") ?? { view: "home" };
    trail = trail.slice(0, Math.max(0, trail.indexOf(to)));
    enter(to, from);
  };

  const remember = () => {
    try {
      if (isOpen) sessionStorage[at] = JSON.stringify({ ...place, who: who?.u ?? who?.a });
      else sessionStorage.removeItem(at);
    } catch {}
  };

  // Open and closed

  const wake = () => {
    if (isAwake || !who) return;
    isAwake = true;
    talk.connect();
  };

  /** @param {boolean} [quietly] as the page before was left: without taking the focus */
  const open = (quietly) => {
    if (isOpen || isEnded) return;
    isOpen = true;
    before = document.activeElement;
    wake();
    unpeek();
    fit();
    panel.hidden = false;
    stage.expanded(true);
    remember();
    show();
    if (!quietly) view.focus();
  };

  const close = () => {
    if (!isOpen) return;
    const held = panel.contains(stage.root.activeElement);
    isOpen = false;
    panel.hidden = true;
    stage.expanded(false);
    remember();
    if (!held) return;
    if (!stage.button.hidden) stage.button.focus();
    else if (before instanceof HTMLElement) before.focus();
  };

  /** Full screen follows what the keyboard leaves of it. */
  const fit = () => {
    const { visualViewport: seen } = window;
    panel.setAttribute("aria-modal", String(NARROW.matches));
    if (!seen || seen.scale > 1.01) return;
    panel.style.setProperty("--height", `${seen.height}px`);
    panel.style.setProperty("--top", `${seen.offsetTop}px`);
  };

  /** @param {KeyboardEvent} event */
  const keys = (event) => {
    if (event.key == "Escape" && isOpen) {
      event.preventDefault();
      return close();
    }
    if (event.key != "Tab" || !NARROW.matches || !isOpen) return;
    // Nothing else can be seen: Tab stays inside.
    const stops = [...panel.querySelectorAll("button, a[href], input, textarea, [tabindex='0']")].filter(
      (one) => one instanceof HTMLElement && one.tabIndex >= 0 && one.checkVisibility(),
    );
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (stage.root.activeElement != edge) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
  };

  // A message that comes while nobody looks

  /** @param {import("./protocol.js").Message} message @param {import("./protocol.js").Conversation} conversation */
  const peek = (message, conversation) => {
    const who = conversation.agent ?? { initials: (message.name ?? "").slice(0, 1), hue: message.hue };
    const show = () => {
      trail = [];
      enter({ view: "thread", id: conversation.id });
      trail = [{ view: "home" }];
      open();
    };
    const text = message.text || message.files[0]?.name || "";
    peeked.replaceChildren(
      h("button.card", { onclick: show }, avatar(who), h("span", h("b", message.name), h("small", h("bdi", text)))),
      h("button.tool", { "aria-label": t("close"), onclick: unpeek }, icon("cross")),
    );
  };
  const unpeek = () => peeked.replaceChildren();

  // The frame

  const notice = h("p.notice", { role: "status", hidden: true });
  const body = h("div.body");
  const tabs = h("nav.tabs", { "aria-label": stage.hello.name });
  const brand = h("p.by");
  const peeked = h("div.peek", { role: "status" });
  const panel = h("section.panel", { role: "dialog", hidden: true, "aria-label": stage.hello.name }, notice, body, tabs, brand);
  let talk = begin();

  /** @type {import("./parts.js").Chat} */
  const chat = { stage, session: () => talk, t, time, lang, go, back, close, isShown: () => isOpen };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  stage.root.adoptedStyleSheets = [...stage.root.adoptedStyleSheets, sheet];
  frame.append(peeked, panel);
  frame.addEventListener("keydown", keys);
  const seen = () => document.hidden || changed();
  document.addEventListener("visibilitychange", seen);
  visualViewport?.addEventListener("resize", fit);
  visualViewport?.addEventListener("scroll", fit);
  const minute = setInterval(() => isOpen && changed(), 6e4);
  // As it was on the page before, where it does not cover this one.
  /** @type {any} */
  let left;
  try {
    left = JSON.parse(sessionStorage[at]);
  } catch {}
  if (left && left.who == (who?.u ?? who?.a) && !NARROW.matches && !stage.button.hidden) {
    if (!TABS.includes(left.view)) trail = [{ view: "home" }];
    enter(left);
    open(true);
  } else enter(place);

  return {
    open: () => open(),
    close,
    toggle: () => (isOpen ? close() : open()),
    wake,
    /** Somebody else may be here now. */
    identity() {
      const [old, now] = [who, site.who()];
      const isSame = old?.a == now?.a && (!old?.u || old.u == now?.u);
      const kept = isSame ? place : undefined;
      talk.end(!isSame);
      who = now;
      over = "";
      trail = kept ? trail : [];
      unpeek();
      talk = begin();
      stage.badge(0);
      enter(kept ?? { view: "home" });
      if (!isAwake) return;
      isAwake = false;
      wake();
    },
    end() {
      isEnded = true;
      talk.end();
      clearInterval(minute);
      document.removeEventListener("visibilitychange", seen);
      visualViewport?.removeEventListener("resize", fit);
      visualViewport?.removeEventListener("scroll", fit);
    },
  };
}
