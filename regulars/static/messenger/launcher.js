// @ts-check
/*
 * The messenger's button (served as /messenger/launcher.js, loaded by the tracker once the page is
 * at rest). It asks whether there is a messenger, draws the button, and loads the app when somebody
 * wants it, or when this browser has a conversation that may hold something unread.
 *
 * Everything is drawn inside a closed shadow root, with constructed style sheets and no HTML:
 * nothing of the page's CSS comes in, nothing gets out, and no Content-Security-Policy that lets
 * the script itself run stops it.
 *
 * Served without its comments and joined with what it imports (see public/messenger/scripts.py):
 * one import a line, no two modules with the same top-level name, strings and templates on one line.
 */
import { palette } from "./color.js";
import { drawing, h } from "./dom.js";
import { BUBBLE, CROSS } from "./marks.js";

/**
 * @typedef {object} Site
 * @property {string} origin where Regulars is
 * @property {string} key the project's write key
 * @property {() => Who | undefined} who whose browser this is; nobody's while consent is missing
 *
 * @typedef {{a: string, u?: string, t?: string}} Who anonymousId, userId, signed claim
 * @typedef {{on: boolean, color?: string | null, side?: string, name?: string}} Hello
 *
 * What the launcher hands on to the app.
 * @typedef {object} Stage
 * @property {Site} site
 * @property {Hello} hello
 * @property {string} lang
 * @property {ShadowRoot} root
 * @property {HTMLElement} frame
 * @property {HTMLElement} button
 * @property {(number: number) => void} badge
 * @property {(is: boolean) => void} expanded
 * @property {(color: string | null) => void} paint
 * @property {() => void} gone there is no messenger after all
 *
 * @typedef {{open(): void, close(): void, toggle(): void, wake(): void, identity(): void, end(): void}} App
 */

const STYLE = "__LAUNCHER_CSS__";
const VERSION = "__VERSION__";
const LANGUAGES = "__LANGUAGES__";

/**
 * Starts the messenger; what comes back takes the page's wishes: open, close, show, hide, and the
 * tracker's news: who (it may be somebody else now), gone (forget everything).
 * @param {{source: URL, writeKey: string, mode?: string, who: () => any}} tracker
 */
export default function start({ source, writeKey, mode, who }) {
  /** @type {Site} */
  const site = { origin: source.origin, key: writeKey, who: () => who() || undefined };
  const kept = `regulars.${site.key}:`;
  const asked = [document.documentElement.lang, ...navigator.languages].map((tag) => tag.toLowerCase().split("-")[0]);
  const lang = asked.find((tag) => LANGUAGES.split(" ").includes(tag)) ?? "en";
  /** @type {import("./strings.js").English} */
  let words;
  /** @type {Promise<App> | undefined} */
  let app;
  /** @type {Stage | undefined} */
  let stage;
  let hidden = mode == "off";
  let unread = 0;
  let ended = false;
  let tries = 0;

  /** @param {string} name @param {boolean} [ofTab] */
  const recall = (name, ofTab) => {
    try {
      return JSON.parse((ofTab ? sessionStorage : localStorage)[kept + name]);
    } catch {}
  };

  const label = () => {
    if (!stage) return;
    const open = stage.button.getAttribute("aria-expanded") == "true";
    const name = words.chat.replace("{name}", stage.hello.name ?? "");
    const told = words.unread[unread > 1 ? 1 : 0].replace("{n}", String(unread));
    stage.button.setAttribute("aria-label", open ? words.closeChat : unread ? `${name}, ${told}` : name);
    stage.button.querySelector(".count")?.remove();
    if (unread && !open) stage.button.append(h("span.count", { "aria-hidden": "true" }, unread > 99 ? "99+" : unread));
    stage.button.hidden = hidden;
    stage.frame.classList.toggle("bare", hidden);
  };

  /** @param {Hello} hello */
  const draw = (hello) => {
    const host = document.createElement("regulars-messenger");
    const root = host.attachShadow({ mode: "closed" });
    const button = h(
      "button.launcher",
      { "aria-haspopup": "dialog", "aria-expanded": "false" },
      drawing(BUBBLE),
      drawing(CROSS),
    );
    button.addEventListener("click", () => want((it) => it.toggle()));
    // The app is on its way before the click.
    for (const near of ["pointerenter", "focus"]) button.addEventListener(near, () => void load(), { once: true });
    const frame = h("div", { class: hello.side == "left" ? "frame left" : "frame", lang }, button);
    frame.dir = getComputedStyle(document.body ?? document.documentElement).direction;
    // What is typed here is not for the page's shortcuts, focus traps and drop zones.
    for (const name of ["keydown", "keypress", "keyup", "focusin", "focusout", "input", "paste", "dragenter", "dragover", "drop"]) {
      frame.addEventListener(name, (event) => event.stopPropagation());
    }
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(frame);
    stage = {
      site,
      hello,
      lang,
      root,
      frame,
      button,
      gone: () => tell("gone"),
      badge(number) {
        unread = number;
        label();
      },
      expanded(is) {
        button.setAttribute("aria-expanded", String(is));
        label();
      },
      paint(color) {
        for (const [name, value] of Object.entries(palette(color))) frame.style.setProperty(name, value);
      },
    };
    stage.paint(hello.color ?? null);
    label();
    // Beside the body: a page may move, hide or replace that.
    document.documentElement.append(host);
  };

  /** A part of this version. @param {string} name @returns {Promise<any>} */
  const part = async (name) => (await import(`${site.origin}/messenger/${name}.js?v=${VERSION}&try=${tries}`)).default;

  const load = () => {
    if (stage && !app) {
      const here = stage;
      here.button.setAttribute("aria-busy", "true");
      app = part("app").then((start) => start(here, words));
      // A module that failed to load may be remembered as failed: it has another address next time.
      app.catch(() => ((app = undefined), tries++)).then(() => here.button.removeAttribute("aria-busy"));
    }
    return app;
  };

  /** @param {(it: App) => void} what */
  const want = (what) => void load()?.then((it) => ended || what(it), () => {});

  /** Whether something may be unread, unsent, or was open on the page before. */
  const isWorthIt = () => {
    const who = site.who();
    if (!who) return false;
    const known = recall("known") ?? [];
    return known.includes(who.u) || known.includes(who.a) || recall("at", true);
  };

  const wake = () => {
    if (isWorthIt()) want((it) => it.wake());
  };

  /** @returns {Promise<Hello>} */
  const ask = async () => {
    try {
      const answer = await fetch(`${site.origin}/messenger/hello?k=${encodeURIComponent(site.key)}`, { credentials: "omit" });
      if (answer.status > 499) throw answer;
      const hello = answer.ok ? await answer.json() : { on: false };
      try {
        if (hello.on) localStorage[kept + "hello"] = JSON.stringify(hello);
      } catch {}
      return hello;
    } catch {
      // Regulars is away for a moment: as it was before. What is written waits.
      return recall("hello") ?? { on: false };
    }
  };

  /** @type {Promise<unknown>} */
  const idle = new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, /** @type {any} */ ({ timeout: 2e3 })));
  const ready = idle.then(ask).then(async (hello) => {
    if (!hello.on) return;
    words = await part(`words-${lang}`);
    if (ended) return;
    draw(hello);
    wake();
  });
  ready.catch(() => {});

  let was = JSON.stringify(site.who());
  const look = () => {
    const now = site.who();
    if (!now) return tell("gone");
    if (was == (was = JSON.stringify(now))) return;
    if (app) want((it) => it.identity());
    else wake();
  };
  // Somebody signed in or out in another tab.
  const elsewhere = (/** @type {StorageEvent} */ event) => event.key == `regulars.${site.key}` && look();
  addEventListener("storage", elsewhere);

  /** @param {string} wish */
  const tell = (wish) => {
    if (ended) return;
    if (wish == "who") look();
    if (wish == "open" || wish == "close") {
      if (wish == "open" || app) void ready.then(() => want((it) => it[wish]()), () => {});
    }
    if (wish == "show" || wish == "hide") {
      hidden = wish == "hide";
      label();
      if (hidden && app) want((it) => it.close());
    }
    if (wish == "gone") {
      void app?.then((it) => it.end(), () => {});
      ended = true;
      removeEventListener("storage", elsewhere);
      /** @type {ShadowRoot | undefined} */ (stage?.root)?.host.remove();
      stage = undefined;
      try {
        delete sessionStorage[kept + "at"];
      } catch {}
    }
  };
  return tell;
}
