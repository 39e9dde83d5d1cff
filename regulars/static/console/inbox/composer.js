// <inbox-composer data-url="…" data-conversation="…">: where agents write.
//
// A draft is kept for each conversation. What is sent goes through `outbox.js`; "/" finds a saved
// reply, "@" in a note a colleague (`suggestions.js`).

import { say } from "./line.js";
import { Outbox } from "./outbox.js";
import { Suggestions } from "./suggestions.js";
import { post } from "./thread.js";

const TYPING = 3000; // ms between two signs that the agent writes

class InboxComposer extends HTMLElement {
  /** @type {{id: string, name: string}[]} */
  #files = [];
  /** @type {string[]} */
  #saved = [];
  #typed = 0;
  #stop = new AbortController();
  /** @type {Outbox | undefined} */
  #outbox;
  /** @type {Suggestions | undefined} */
  #suggestions;

  connectedCallback() {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const { form, text } = this.#parts;
    const outbox = new Outbox(
      this.dataset.conversation ?? "",
      `${this.dataset.url}say`,
      () => this.dispatchEvent(new CustomEvent("inbox-said", { bubbles: true })),
      (one, why) => this.#refused(one, why),
    );
    const suggestions = new Suggestions(
      /** @type {HTMLElement} */ (this.querySelector(".composer-options")),
      text,
      () => this.#isNote,
      (words) => this.#fetchReplies(words),
      (reply) => {
        if (reply) this.#saved.push(reply);
        this.#keep();
      },
    );
    this.#outbox = outbox;
    this.#suggestions = suggestions;
    this.#recall();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send("");
    });
    form.addEventListener("change", () => this.#dress());
    text.addEventListener("input", () => this.#input());
    text.addEventListener("keydown", (event) => this.#key(event));
    text.addEventListener("blur", () => setTimeout(() => suggestions.close(), 150));
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
    addEventListener("online", () => outbox.flush(), { signal });
    document.addEventListener("inbox", (event) => {
      if (event instanceof CustomEvent && event.detail.t === "lost") outbox.flush();
    }, { signal });
    this.#dress();
    outbox.begin();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#outbox?.stop();
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
    void this.#suggestions?.suggest();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.#suggestions?.key(event)) return;
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      this.#send(event.shiftKey ? "close" : "");
    }
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
    } else if (button.matches(".composer-options > *")) this.#suggestions?.take(button);
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
    const one = {
      client: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
      text: text.value,
      as: this.#isNote ? "note" : "reply",
      channel: channel?.value ?? "",
      files: this.#files,
      saved: this.#saved,
      then,
    };
    text.value = "";
    this.#files = [];
    this.#saved = [];
    this.#typed = 0; // what is written next is something new
    this.#showFiles();
    this.#error("");
    this.#keep();
    text.focus();
    this.#outbox?.send(one);
  }

  /**
   * It comes back to where it was written.
   * @param {import("./outbox.js").Waiting} one
   * @param {string} why
   */
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

customElements.define("inbox-composer", InboxComposer);
