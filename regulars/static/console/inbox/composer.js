// <inbox-composer data-url="…" data-conversation="…">: where agents write.
//
// What is sent stands in the thread at once, and in the browser's storage until the server has
// answered: it is sent again after a lost connection or a reload, and counts once, by its own id.
// A draft is kept for each conversation. "/" finds a saved reply, "@" in a note a colleague.

import { say } from "./line.js";
import { post } from "./thread.js";

const TYPING = 3000; // ms between two signs that the agent writes
const AGAIN = [1000, 2000, 5000, 10_000, 20_000]; // ms until what failed is sent again
const KEPT = 20; // messages that wait, of a conversation

/**
 * A message on its way.
 * @typedef {{client: string, text: string, as: string, channel: string, files: {id: string, name: string}[], saved: string[], then: string}} Waiting
 */

class InboxComposer extends HTMLElement {
  /** @type {{id: string, name: string}[]} */
  #files = [];
  /** @type {string[]} */
  #saved = [];
  #typed = 0;
  #sending = false;
  #tries = 0;
  #timer = 0;
  #chosen = -1;
  #stop = new AbortController();

  connectedCallback() {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const { form, text } = this.#parts;
    this.#recall();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send("");
    });
    form.addEventListener("change", () => this.#dress());
    text.addEventListener("input", () => this.#input());
    text.addEventListener("keydown", (event) => this.#key(event));
    text.addEventListener("blur", () => setTimeout(() => this.#close(), 150));
    text.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      void this.#attach(files);
    });
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.#attach([...(event.dataTransfer?.files ?? [])]);
    });
    this.addEventListener("click", (event) => this.#click(event));
    const picker = /** @type {HTMLInputElement | null} */ (this.querySelector("input[type=file]"));
    picker?.addEventListener("change", () => {
      void this.#attach([...(picker.files ?? [])]);
      picker.value = "";
    });
    const canned = this.#canned;
    canned?.addEventListener("beforetoggle", (event) => {
      if (event instanceof ToggleEvent && event.newState === "open") void this.#replies("");
    });
    canned?.querySelector("input")?.addEventListener("input", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      void this.#replies(input.value);
    });
    addEventListener("online", () => this.#flush(), { signal });
    document.addEventListener("inbox", (event) => {
      if (event instanceof CustomEvent && event.detail.t === "lost") this.#flush();
    }, { signal });
    for (const one of this.#waiting()) this.#show(one);
    this.#dress();
    this.#flush();
  }

  disconnectedCallback() {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  get #parts() {
    const form = /** @type {HTMLFormElement} */ (this.querySelector("form"));
    const text = /** @type {HTMLTextAreaElement} */ (this.querySelector("textarea"));
    const as = /** @type {RadioNodeList} */ (form.elements.namedItem("as"));
    const channel = /** @type {HTMLSelectElement | null} */ (form.elements.namedItem("channel"));
    return { form, text, as, channel };
  }

  get #canned() {
    return /** @type {HTMLElement | null} */ (this.querySelector("#canned"));
  }

  get #options() {
    return /** @type {HTMLElement} */ (this.querySelector(".composer-options"));
  }

  get #isNote() {
    return this.#parts.as.value === "note";
  }

  /** Reply or note, chat or email: the words follow. */
  #dress() {
    const { text, channel } = this.#parts;
    text.dataset.reply ??= text.placeholder;
    text.placeholder = (this.#isNote ? text.dataset.note : text.dataset.reply) ?? "";
    this.dataset.way = this.#isNote ? "note" : (channel?.value ?? "chat");
    const via = /** @type {HTMLElement | null} */ (this.querySelector(".via"));
    if (via) via.hidden = this.#isNote;
    const verb = this.querySelector("[data-verb]");
    if (verb) verb.textContent = this.#isNote ? "Add note" : "Send";
    this.#keep();
  }

  // Drafts.

  get #draft() {
    return `regulars.draft.${this.dataset.conversation}`;
  }

  #recall() {
    const { text, as } = this.#parts;
    try {
      const draft = JSON.parse(localStorage.getItem(this.#draft) ?? "null");
      if (!draft) return;
      text.value = draft.text;
      as.value = draft.as;
    } catch {
      // No draft, then.
    }
  }

  #keep() {
    const { text, as } = this.#parts;
    try {
      if (text.value) {
        localStorage.setItem(this.#draft, JSON.stringify({ text: text.value, as: as.value }));
      } else localStorage.removeItem(this.#draft);
    } catch {
      // Storage is full or forbidden: it lasts as long as the page.
    }
  }

  // Writing.

  #input() {
    this.#keep();
    this.#error("");
    if (Date.now() - this.#typed > TYPING) {
      this.#typed = Date.now();
      say({ t: "typing", conversation: this.dataset.conversation, private: this.#isNote });
    }
    void this.#suggest();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const list = this.#options;
    if (!list.hidden) {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (step) {
        event.preventDefault();
        this.#choose(this.#chosen + step);
        return;
      }
      if ((event.key === "Enter" || event.key === "Tab") && !event.metaKey && !event.ctrlKey) {
        event.preventDefault();
        this.#take(/** @type {HTMLElement} */ (list.children[Math.max(0, this.#chosen)]));
        return;
      }
      if (event.key === "Escape") {
        event.stopPropagation();
        this.#close();
        return;
      }
    }
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      this.#send(event.shiftKey ? "close" : "");
    }
  }

  /** What stands before the caret: "/word" at the start, or "@word" in a note. */
  #begun() {
    const { text } = this.#parts;
    const before = text.value.slice(0, text.selectionStart);
    const slash = /^\/([\p{L}\p{N}_-]*)$/u.exec(before);
    if (slash) return { kind: "/", word: slash[1], from: 0 };
    const at = this.#isNote ? /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(before) : null;
    if (at) return { kind: "@", word: at[1], from: before.length - at[1].length - 1 };
    return null;
  }

  async #suggest() {
    const begun = this.#begun();
    if (!begun) return this.#close();
    /** @type {HTMLElement[]} */
    let options = [];
    if (begun.kind === "@") options = this.#mates(begun.word);
    else {
      const part = await this.#fetchReplies(begun.word);
      const now = this.#begun();
      if (!now || now.word !== begun.word) return;
      const found = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-reply]")]);
      options = found.map((one) => optionOf(one.dataset.text ?? "", one.childNodes, one.dataset.reply));
    }
    const list = this.#options;
    list.replaceChildren(...options.slice(0, 8));
    list.hidden = !options.length;
    this.#parts.text.setAttribute("aria-expanded", String(options.length > 0));
    if (options.length) this.#choose(0);
  }

  /** @param {string} word */
  #mates(word) {
    const kept = /** @type {HTMLTemplateElement | null} */ (document.getElementById("team"));
    const team = /** @type {HTMLElement[]} */ ([...(kept?.content.querySelectorAll("span") ?? [])]);
    return team
      .filter((one) => !one.hasAttribute("data-me"))
      .filter((one) => one.dataset.name?.toLowerCase().includes(word.toLowerCase()))
      .map((one) => optionOf(`@${one.dataset.name} `, [document.createTextNode(one.dataset.name ?? "")]));
  }

  /** @param {number} place */
  #choose(place) {
    const all = [...this.#options.children];
    this.#chosen = (place + all.length) % all.length;
    all.forEach((one, n) => one.setAttribute("aria-selected", String(n === this.#chosen)));
    const chosen = all[this.#chosen];
    if (chosen) this.#parts.text.setAttribute("aria-activedescendant", chosen.id);
  }

  /** @param {HTMLElement | undefined} option */
  #take(option) {
    const begun = this.#begun();
    if (!option || !begun) return this.#close();
    const { text } = this.#parts;
    text.setRangeText(option.dataset.text ?? "", begun.from, text.selectionStart, "end");
    if (option.dataset.reply) this.#saved.push(option.dataset.reply);
    this.#close();
    this.#keep();
    text.focus();
  }

  #close() {
    this.#options.hidden = true;
    this.#chosen = -1;
    this.#parts.text.setAttribute("aria-expanded", "false");
    this.#parts.text.removeAttribute("aria-activedescendant");
  }

  /** @param {string} words */
  async #fetchReplies(words) {
    const template = document.createElement("template");
    try {
      const address = `${this.dataset.url}replies?q=${encodeURIComponent(words)}`;
      const answer = await fetch(address, { headers: { "HX-Request": "true" } });
      if (answer.ok) template.innerHTML = await answer.text();
    } catch {
      // None are found, then.
    }
    return template.content;
  }

  /** @param {string} words */
  async #replies(words) {
    const part = await this.#fetchReplies(words);
    this.#canned?.querySelector(".canned-list")?.replaceChildren(part);
  }

  /** @param {string} words */
  #insert(words) {
    const { text } = this.#parts;
    text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    this.#input();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = event.target instanceof Element ? event.target : null;
    const button = /** @type {HTMLElement | null} */ (target?.closest("button, [role=option]"));
    if (!button) return;
    if (button.matches("[data-attach]")) {
      /** @type {HTMLInputElement | null} */ (this.querySelector("input[type=file]"))?.click();
    } else if (button.matches(".composer-options > *")) this.#take(button);
    else if (button.dataset.insert !== undefined) {
      button.closest("[popover]")?.matches("#insert") && hide(button);
      this.#insert(button.dataset.insert);
    } else if (button.dataset.reply) {
      hide(button);
      this.#saved.push(button.dataset.reply);
      this.#insert(button.dataset.text ?? "");
    } else if (button.dataset.then) {
      hide(button);
      this.#send(button.dataset.then);
    } else if (button.dataset.remove) {
      this.#files = this.#files.filter((one) => one.id !== button.dataset.remove);
      this.#showFiles();
    } else if (button.dataset.key === "r" || button.dataset.key === "n") {
      this.#parts.as.value = button.dataset.key === "n" ? "note" : "reply";
      this.#dress();
      this.#parts.text.focus();
    }
  }

  // Files.

  /** @param {File[]} files */
  async #attach(files) {
    for (const file of files) {
      if (file.size > Number(this.dataset.most)) {
        this.#error(`${file.name} is too large: a file has at most 10 MB.`);
        continue;
      }
      const body = new FormData();
      body.set("file", file, file.name);
      this.setAttribute("aria-busy", "true");
      try {
        const answer = await post(this.dataset.files ?? "", body);
        const said = await answer.json();
        if (answer.ok) this.#files.push({ id: said.id, name: said.name });
        else this.#error(said.message);
      } catch {
        this.#error(`${file.name} was not sent: try again.`);
      }
      this.removeAttribute("aria-busy");
      this.#showFiles();
    }
  }

  #showFiles() {
    const list = /** @type {HTMLElement} */ (this.querySelector(".composer-files"));
    list.replaceChildren(
      ...this.#files.map((file) => {
        const row = document.createElement("li");
        const name = document.createElement("span");
        name.className = "truncate";
        name.textContent = file.name;
        const remove = document.createElement("button");
        remove.type = "button";
        remove.dataset.remove = file.id;
        remove.setAttribute("aria-label", `Remove ${file.name}`);
        remove.textContent = "×";
        row.append(name, remove);
        return row;
      }),
    );
    list.hidden = !this.#files.length;
  }

  // Sending.

  /** @param {string} then */
  #send(then) {
    const { text, channel } = this.#parts;
    if (!text.value.trim() && !this.#files.length) {
      this.#error("Write something first.");
      text.focus();
      return;
    }
    /** @type {Waiting} */
    const one = {
      client: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
      text: text.value,
      as: this.#isNote ? "note" : "reply",
      channel: channel?.value ?? "",
      files: this.#files,
      saved: this.#saved,
      then,
    };
    this.#store([...this.#waiting(), one].slice(-KEPT));
    this.#show(one);
    text.value = "";
    this.#files = [];
    this.#saved = [];
    this.#typed = 0; // what is written next is something new
    this.#showFiles();
    this.#error("");
    this.#keep();
    text.focus();
    this.#flush();
  }

  get #outbox() {
    return `regulars.outbox.${this.dataset.conversation}`;
  }

  /** @type {Waiting[]} */
  #memory = [];

  /** @returns {Waiting[]} */
  #waiting() {
    try {
      return JSON.parse(localStorage.getItem(this.#outbox) ?? "[]");
    } catch {
      return this.#memory;
    }
  }

  /** @param {Waiting[]} waiting */
  #store(waiting) {
    this.#memory = waiting;
    try {
      if (waiting.length) localStorage.setItem(this.#outbox, JSON.stringify(waiting));
      else localStorage.removeItem(this.#outbox);
    } catch {
      // It lasts as long as the page.
    }
  }

  /** Send what waits, one after the other, so that it stays in its order. */
  #flush() {
    clearTimeout(this.#timer);
    if (this.#sending || !this.isConnected) return;
    const one = this.#waiting()[0];
    if (!one) return;
    this.#sending = true;
    void this.#deliver(one).then((done) => {
      this.#sending = false;
      if (done) {
        this.#tries = 0;
        this.#store(this.#waiting().filter((each) => each.client !== one.client));
        this.#flush();
      } else {
        const wait = AGAIN[Math.min(this.#tries++, AGAIN.length - 1)];
        this.#timer = setTimeout(() => this.#flush(), wait);
      }
    });
  }

  /** @param {Waiting} one @returns {Promise<boolean>} whether it need not be sent again */
  async #deliver(one) {
    const body = new FormData();
    for (const key of /** @type {const} */ (["client", "text", "as", "channel", "then"])) {
      if (one[key]) body.set(key, one[key]);
    }
    for (const file of one.files) body.append("file", file.id);
    for (const saved of one.saved) body.append("saved", saved);
    const bubble = document.querySelector(`[data-waiting="${CSS.escape(one.client)}"]`);
    const meta = bubble?.querySelector(".meta");
    try {
      const answer = await post(`${this.dataset.url}say`, body);
      if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
      if (!answer.ok) {
        const said = await answer.json().catch(() => ({ message: "It was refused." }));
        this.#refused(one, said.message);
        bubble?.remove();
        return true;
      }
      const said = await answer.json();
      bubble?.setAttribute("data-said", said.id);
      await this.#arrived(said.id);
      bubble?.remove();
      return true;
    } catch {
      if (meta) meta.textContent = "Not sent yet: trying again";
      return false;
    }
  }

  /** Wait until the thread shows it: no gap between the one and the other. @param {string} id */
  async #arrived(id) {
    this.dispatchEvent(new CustomEvent("inbox-said", { bubbles: true }));
    for (let tries = 0; tries < 40 && !document.getElementById(`m-${id}`); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** It comes back to where it was written. @param {Waiting} one @param {string} why */
  #refused(one, why) {
    const { text, as } = this.#parts;
    if (!text.value) {
      text.value = one.text;
      as.value = one.as;
      this.#files = one.files;
      this.#showFiles();
      this.#dress();
    }
    this.#error(why);
  }

  /** @param {Waiting} one */
  #show(one) {
    const end = document.querySelector("#thread .typing-line");
    if (!end || document.querySelector(`[data-waiting="${CSS.escape(one.client)}"]`)) return;
    const row = document.createElement("div");
    row.className = one.as === "note" ? "private" : "msg me";
    row.dataset.waiting = one.client;
    const bubble = document.createElement("p");
    bubble.className = one.as === "note" ? "text" : "bubble text";
    bubble.textContent = one.text.trim() || one.files.map((file) => file.name).join(", ");
    const meta = document.createElement("p");
    meta.className = "meta";
    meta.textContent = "Sending…";
    row.append(bubble, meta);
    end.before(row);
    const scroll = document.querySelector("#thread .thread-scroll");
    if (scroll) scroll.scrollTop = 0;
  }

  /** @param {string} words */
  #error(words) {
    const place = /** @type {HTMLElement | null} */ (this.querySelector(".composer-error"));
    if (!place) return;
    place.textContent = words;
    place.hidden = !words;
  }
}

/** @param {Element} inside */
function hide(inside) {
  const menu = inside.closest("[popover]");
  if (menu instanceof HTMLElement) menu.hidePopover();
}

let options = 0;

/** @param {string} text @param {Iterable<Node>} shown @param {string} [reply] */
function optionOf(text, shown, reply) {
  const option = document.createElement("li");
  option.setAttribute("role", "option");
  option.id = `composer-option-${(options += 1)}`;
  option.dataset.text = text;
  if (reply) option.dataset.reply = reply;
  option.append(...shown);
  return option;
}

customElements.define("inbox-composer", InboxComposer);
