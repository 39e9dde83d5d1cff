// What the composer suggests while an agent types: "/word" at the start finds a saved reply, "@word"
// in a note a colleague. The caret stays in the text; arrows choose, Enter and Tab take.

const MOST = 8;

export class Suggestions {
  #list;
  #text;
  #isNote;
  #fetchReplies;
  #took;
  #chosen = -1;

  /**
   * @param {HTMLElement} list
   * @param {HTMLTextAreaElement} text
   * @param {() => boolean} isNote
   * @param {(words: string) => Promise<DocumentFragment>} fetchReplies
   * @param {(reply: string) => void} took the id of a saved reply, or nothing
   */
  constructor(list, text, isNote, fetchReplies, took) {
    this.#list = list;
    this.#text = text;
    this.#isNote = isNote;
    this.#fetchReplies = fetchReplies;
    this.#took = took;
  }

  async suggest() {
    const begun = this.#begun();
    if (!begun) return this.close();
    /** @type {HTMLElement[]} */
    let options = [];
    if (begun.kind === "@") options = mates(begun.word);
    else {
      const part = await this.#fetchReplies(begun.word);
      const now = this.#begun();
      if (!now || now.word !== begun.word) return;
      const found = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-reply]")]);
      options = found.map((one) => optionOf(one.dataset.text ?? "", one.childNodes, one.dataset.reply));
    }
    this.#list.replaceChildren(...options.slice(0, MOST));
    this.#list.hidden = !options.length;
    this.#text.setAttribute("aria-expanded", String(options.length > 0));
    if (options.length) this.#choose(0);
  }

  /** A key is for the list while it stands. @param {KeyboardEvent} event @returns {boolean} */
  key(event) {
    if (this.#list.hidden) return false;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) {
      event.preventDefault();
      this.#choose(this.#chosen + step);
      return true;
    }
    if ((event.key === "Enter" || event.key === "Tab") && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      this.take(/** @type {HTMLElement} */ (this.#list.children[Math.max(0, this.#chosen)]));
      return true;
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
      return true;
    }
    return false;
  }

  /** @param {HTMLElement | undefined} option */
  take(option) {
    const begun = this.#begun();
    if (!option || !begun) return this.close();
    const text = this.#text;
    text.setRangeText(option.dataset.text ?? "", begun.from, text.selectionStart, "end");
    this.close();
    this.#took(option.dataset.reply ?? "");
    text.focus();
  }

  close() {
    this.#list.hidden = true;
    this.#chosen = -1;
    this.#text.setAttribute("aria-expanded", "false");
    this.#text.removeAttribute("aria-activedescendant");
  }

  /** @param {number} place */
  #choose(place) {
    const all = [...this.#list.children];
    this.#chosen = (place + all.length) % all.length;
    all.forEach((one, n) => one.setAttribute("aria-selected", String(n === this.#chosen)));
    const chosen = all[this.#chosen];
    if (chosen) this.#text.setAttribute("aria-activedescendant", chosen.id);
  }

  /** What stands before the caret: "/word" at the start, or "@word" in a note. */
  #begun() {
    const before = this.#text.value.slice(0, this.#text.selectionStart);
    const slash = /^\/([\p{L}\p{N}_-]*)$/u.exec(before);
    if (slash) return { kind: "/", word: slash[1], from: 0 };
    const at = this.#isNote() ? /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(before) : null;
    if (at) return { kind: "@", word: at[1], from: before.length - at[1].length - 1 };
    return null;
  }
}

/** Colleagues whose names hold the word. @param {string} word */
function mates(word) {
  const kept = /** @type {HTMLTemplateElement | null} */ (document.getElementById("team"));
  const team = /** @type {HTMLElement[]} */ ([...(kept?.content.querySelectorAll("span") ?? [])]);
  return team
    .filter((one) => !one.hasAttribute("data-me"))
    .filter((one) => one.dataset.name?.toLowerCase().includes(word.toLowerCase()))
    .map((one) => optionOf(`@${one.dataset.name} `, [document.createTextNode(one.dataset.name ?? "")]));
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
