// @ts-check
// One person's session: the line, what is to be said over it, and what is known; and what the views
// can do with it. Ends with the identity, and with it all that was known.

import { outbox, shelf, uuid } from "./outbox.js";
import { State } from "./state.js";
import { wire } from "./wire.js";

/** @typedef {import("./protocol.js").Letter} Letter */
/** @typedef {import("./launcher.js").Site} Site */
/** @typedef {import("./launcher.js").Who} Who */

const SAID = 1e4;
const TYPED = 3e3;
const PAGE = 50;

/**
 * @param {Site} site
 * @param {Who} who
 * @param {{changed(): void, arrived(message: import("./protocol.js").Message, conversation: import("./protocol.js").Conversation): void, opened(open: string, id: string): void, over(code: string): void}} hears
 */
export function session(site, who, hears) {
  const prefix = `regulars.${site.key}:`;
  const scope = encodeURIComponent(who.u ? `u-${who.u}` : `a-${who.a}`);
  const kept = shelf(prefix);
  // A visitor who signs in goes on writing.
  const drafts = `${prefix}draft:${who.a}:`;
  const state = new State();
  const box = outbox(prefix, scope);
  if (who.u) box.adopt(encodeURIComponent(`a-${who.a}`));
  /** @type {Letter | undefined} what is on its way */
  let flying;
  let timer = 0;
  let ended = false;
  /** @type {Map<string, number>} when it was last said that one types there */
  const typed = new Map();

  const page = () => ({ url: location.href.split("#")[0].slice(0, 2e3), title: document.title.slice(0, 500) });

  const line = wire(
    site.origin.replace("http", "ws") + "/messenger/socket",
    () => ({ t: "hello", v: 1, key: site.key, anon: who.a, user: who.u, token: who.t, page: page() }),
    {
      told: (news) => {
        hear(news);
        hears.changed();
      },
      up() {
        flying = undefined;
        box.read();
        pump();
      },
      down() {
        flying = undefined;
        for (const thread of state.threads.values()) thread.asked = false;
        hears.changed();
      },
      over: hears.over,
    },
  );

  // What is to be said, in the order it was written, one at a time.

  const pump = () => {
    clearTimeout(timer);
    if (ended || flying || !line.isUp()) return;
    const next = box.next();
    if (typeof next == "number") timer = setTimeout(pump, next + 50);
    if (!next || typeof next == "number") return;
    flying = next;
    const { t, id, conversation, open, text, files, subject, email, rating, comment, page: from } = next;
    const known = conversation ?? (open && state.opened.get(open)) ?? null;
    const frames = {
      say: { conversation: known, open: known ? null : open, text, files: files?.map((file) => file.id), page: from },
      ticket: { subject, text },
      email: { email, conversation: known },
      rate: { conversation, rating, comment },
    };
    line.send({ t, id, ...frames[t] });
    timer = setTimeout(() => flying == next && line.broken(), SAID);
  };

  /** @param {string} id */
  const done = (id) => {
    if (flying?.id == id) flying = undefined;
    box.remove(id);
    pump();
  };

  const catchUp = () => {
    for (const [id, thread] of state.threads) {
      const last = state.last(id);
      if (last && (state.conversations.get(id)?.seq ?? Infinity) > last) ask(id, { after: last });
      else if (!last && thread.isRead === false) ask(id, {});
    }
  };

  /** @param {string} id @param {{before?: number, after?: number}} from */
  const ask = (id, from) => {
    const thread = state.thread(id);
    if (!thread.asked || from.after) thread.asked = line.send({ t: "messages", conversation: id, limit: PAGE, ...from });
  };

  // What the server says.

  /** @type {Record<string, (news: Record<string, any>) => void>} */
  const hearing = {
    home(news) {
      state.home(news);
      catchUp();
    },
    team: ({ t: _, ...news }) => Object.assign(state.project ?? {}, news),
    notes: (news) => (state.notes = news.notes),
    conversation: (news) => state.conversations.set(news.conversation.id, news.conversation),
    typing: (news) => {
      state.hearTyping(news.conversation, news.name ?? "");
      setTimeout(hears.changed, 5100);
    },
    messages: (news) => {
      state.answer(news);
      const last = news.messages.at(-1);
      if (news.after != null && news.more && last) ask(news.conversation, { after: last.seq });
    },
    message: ({ conversation, message }) => {
      const isNew = message.seq > Math.max(state.last(conversation.id), state.conversations.get(conversation.id)?.seq ?? 0);
      state.conversations.set(conversation.id, conversation);
      // A thread that was never read is asked for as a whole when it is opened.
      if (state.threads.get(conversation.id)?.isRead) state.put(conversation.id, [message]);
      state.typing.delete(conversation.id);
      if (isNew && message.by != "you") hears.arrived(message, conversation);
    },
    said: (news) => {
      const letter = box.all().find((one) => one.id == news.id);
      if (letter) settleLetter(letter, news);
      done(news.id);
    },
    refused({ id, code, message }) {
      // Overloaded is not refused: it is said again.
      if (code == "overloaded") return line.broken();
      const about = id || (code == "bad_frame" && flying?.id);
      if (!about) return;
      if (flying?.id == about) flying = undefined;
      box.mark(about, message || code);
      pump();
    },
  };

  /** What was said has a place now. @param {Letter} letter @param {Record<string, any>} news */
  const settleLetter = (letter, news) => {
    const { id, t, open } = letter;
    const conversation = news.conversation ?? letter.conversation;
    if (open && conversation) {
      state.opened.set(open, conversation);
      // All that is said there is known: it began with this.
      if (!state.conversations.has(conversation)) state.thread(conversation).isRead = true;
      hears.opened(open, conversation);
    }
    if (t == "ticket") hears.opened(id, conversation);
    if (t == "say" && conversation) {
      const { text = "", files = [] } = letter;
      const known = state.thread(conversation).messages.find((one) => one.seq == news.seq);
      const said = { conversation, id, seq: news.seq, by: /** @type {const} */ ("you"), name: null, hue: null, text, at: news.at, files, what: null };
      state.put(conversation, [known ?? said], id);
    }
    if (t == "email" && state.you) state.you = { ...state.you, email: letter.email ?? "" };
  };

  /** @param {Record<string, any>} news */
  const hear = (news) => {
    hearing[news.t]?.(news);
    // The button loads the app by itself where there is something to hear of.
    if (news.t == "home" || news.t == "said") remember();
  };

  const remember = () => {
    if (!state.conversations.size && !state.notes.length && !box.all().length) return;
    /** @type {string[]} */
    const known = kept.get(prefix + "known") ?? [];
    const mine = [who.u, who.a].filter((name) => name !== undefined && !known.includes(name));
    if (mine.length) kept.set(prefix + "known", [...known, ...mine].slice(-20));
  };

  const elsewhere = (/** @type {StorageEvent} */ event) => {
    // What another tab has sent stays in view here until there is a line to see it come by.
    if (!event.key?.startsWith(box.prefix) || !line.isUp()) return;
    box.read();
    pump();
    hears.changed();
  };
  const leave = () => box.release();
  addEventListener("storage", elsewhere);
  addEventListener("pagehide", leave);

  return {
    known: state,
    isUp: () => line.isUp(),
    letters: () => box.all(),
    connect: line.connect,

    /** @param {Omit<Letter, "id" | "at">} letter @param {string} [id] @returns {string} its id, empty where too much waits already */
    post(letter, id = uuid()) {
      if (!box.add({ ...letter, id, at: Date.now(), ...(letter.t == "say" && { page: page() }) })) return "";
      remember();
      pump();
      hears.changed();
      return id;
    },
    /** @param {string} id */
    retry(id) {
      box.mark(id);
      pump();
      hears.changed();
    },
    /** @param {string} id */
    discard(id) {
      box.remove(id);
      hears.changed();
    },
    /** @param {string} id */
    read(id) {
      if (!state.thread(id).isRead) ask(id, {});
    },
    /** @param {string} id */
    older(id) {
      const first = state.thread(id).messages[0];
      if (first && state.thread(id).more) ask(id, { before: first.seq });
    },
    /** @param {string} id */
    seen(id) {
      const conversation = state.conversations.get(id);
      const seq = Math.max(conversation?.seq ?? 0, state.last(id));
      if (!conversation || !conversation.unread || !line.send({ t: "seen", conversation: id, seq })) return;
      state.conversations.set(id, { ...conversation, unread: 0, seen: seq });
      hears.changed();
    },
    /** @param {string} id */
    typing(id) {
      if (Date.now() - (typed.get(id) ?? 0) < TYPED) return;
      if (line.send({ t: "typing", conversation: id })) typed.set(id, Date.now());
    },

    /** @param {string} thread @returns {any} */
    draft: (thread) => kept.get(drafts + thread),
    /** @param {string} thread @param {unknown} draft */
    keepDraft(thread, draft) {
      if (draft) kept.set(drafts + thread, draft);
      else kept.drop(drafts + thread);
    },

    /** @param {boolean} [forever] somebody else is here: what was begun is not for them to read */
    end(forever) {
      ended = true;
      clearTimeout(timer);
      line.end();
      box.release();
      if (forever) for (const name of shelf(drafts).names()) kept.drop(name);
      removeEventListener("storage", elsewhere);
      removeEventListener("pagehide", leave);
    },
  };
}

/** @typedef {ReturnType<typeof session>} Session */
