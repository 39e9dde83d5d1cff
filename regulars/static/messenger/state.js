// @ts-check
// What is known of this person's conversations: the frames of the server, put together.

/** @typedef {import("./protocol.js").Conversation} Conversation */
/** @typedef {import("./protocol.js").Message} Message */

/** What was read of one conversation. `more`: there is older. */
/** @typedef {{messages: Message[], more: boolean, isRead: boolean, asked: boolean}} Thread */

const TYPING = 5e3;
// More than these the first page does not list.
const MOST_LISTED = 50;

export class State {
  /** @type {import("./protocol.js").Project | undefined} */
  project;
  /** @type {import("./protocol.js").You | undefined} */
  you;
  /** @type {import("./protocol.js").Limits | undefined} */
  limits;
  session = "";
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /** @type {Map<string, Thread>} */
  threads = new Map();
  /** @type {import("./protocol.js").Note[]} */
  notes = [];
  /** @type {Map<string, string>} what conversation became of what this browser opened */
  opened = new Map();
  /** @type {Map<string, {name: string, until: number}>} */
  typing = new Map();

  /** @param {Record<string, any>} news */
  home(news) {
    const { project, you, limits, session, conversations = [], tickets = [], notes = [] } = news;
    Object.assign(this, { project, you, limits, session, notes });
    const listed = [...conversations, ...tickets];
    // Where these are all, others that were known are theirs no more.
    if (listed.length < MOST_LISTED) {
      this.conversations.clear();
      for (const id of this.threads.keys()) if (!listed.some((one) => one.id == id)) this.threads.delete(id);
    }
    for (const one of listed) this.conversations.set(one.id, one);
  }

  /** All conversations, newest first. */
  newest() {
    return [...this.conversations.values()].sort((one, other) => (one.at < other.at ? 1 : -1));
  }

  tickets() {
    return this.newest().filter((one) => one.ticket);
  }

  unread() {
    return this.newest().reduce((sum, one) => sum + one.unread, 0);
  }

  /** @param {string} id @returns {Thread} */
  thread(id) {
    let found = this.threads.get(id);
    if (!found) this.threads.set(id, (found = { messages: [], more: false, isRead: false, asked: false }));
    return found;
  }

  /** Puts messages in their places, each once. @param {string} id @param {Message[]} messages @param {string} [client] */
  put(id, messages, client) {
    const thread = this.thread(id);
    const known = new Map(thread.messages.map((one) => [one.seq, one]));
    // Only the browser that said it knows under which name.
    for (const one of messages) known.set(one.seq, { ...one, client: client ?? known.get(one.seq)?.client });
    thread.messages = [...known.values()].sort((one, other) => one.seq - other.seq);
  }

  /** @param {Record<string, any>} news the answer to `messages` */
  answer(news) {
    const thread = this.thread(news.conversation);
    this.put(news.conversation, news.messages);
    thread.asked = false;
    if (news.after == null) {
      thread.more = news.more;
      thread.isRead = true;
    }
  }

  /** @param {string} id the last message that is known of it */
  last(id) {
    return this.threads.get(id)?.messages.at(-1)?.seq ?? 0;
  }

  /** @param {string} id @param {string} name */
  hearTyping(id, name) {
    this.typing.set(id, { name, until: Date.now() + TYPING });
  }

  /** Who is typing there now. @param {string} id */
  whoTypes(id) {
    const found = this.typing.get(id);
    return found && found.until > Date.now() ? found.name : "";
  }
}
