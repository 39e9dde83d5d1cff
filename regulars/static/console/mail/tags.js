// Choosing a merge tag: a fact, and what is said where it is unknown. It goes where the caret was.

export class TagPicker {
  /** @type {HTMLElement | null} where the tag goes */
  #into = null;
  /** @type {Range | null} */
  #place = null;
  #path = "";
  #sure = false;

  /** @param {HTMLElement} editor */
  constructor(editor) {
    this.editor = editor;
    const picker = editor.querySelector("[data-picker]");
    this.picker = picker instanceof HTMLElement ? picker : document.createElement("div");
    // The caret's place, before the picker takes the focus.
    editor.addEventListener("focusin", (event) => this.#remember(event.target));
    document.addEventListener("selectionchange", () => this.#note());
    this.picker.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button");
      if (!(button instanceof HTMLButtonElement)) return;
      if (button.hasAttribute("data-insert")) this.#insert();
      else if (button.dataset.path) this.#choose(button);
    });
    const find = this.#box("data-find");
    find?.addEventListener("input", () => this.#find());
    find?.addEventListener("keydown", (event) => {
      if (!(event instanceof KeyboardEvent) || event.key !== "Enter") return;
      event.preventDefault();
      const first = this.picker.querySelector("button[data-path]:not([hidden])");
      if (!(first instanceof HTMLButtonElement)) return;
      this.#choose(first);
      this.#sure ? this.#insert() : this.#box("data-otherwise")?.select();
    });
    this.picker.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== "open" || !find) return;
      find.value = "";
      this.#find();
      find.focus();
    });
    this.#box("data-otherwise")?.addEventListener("keydown", (event) => {
      if (event instanceof KeyboardEvent && event.key === "Enter") {
        event.preventDefault();
        this.#insert();
      }
    });
  }

  /** What each fact says of the person. @param {Record<string, string>} values */
  show(values) {
    for (const button of this.picker.querySelectorAll("button[data-path]")) {
      const said = button.querySelector(".n");
      if (button instanceof HTMLElement && said) said.textContent = values[button.dataset.path ?? ""] ?? "";
    }
  }

  /** @param {string} name */
  #box(name) {
    const box = this.picker.querySelector(`[${name}]`);
    return box instanceof HTMLInputElement ? box : null;
  }

  /** @param {EventTarget | null} target */
  #remember(target) {
    if (!(target instanceof HTMLElement) || this.picker.contains(target)) return;
    const takes =
      target instanceof HTMLTextAreaElement || target.isContentEditable ||
      (target instanceof HTMLInputElement && target.type === "text" && target.dataset.field);
    if (takes) this.#into = target;
  }

  #note() {
    const selection = getSelection();
    if (!selection?.rangeCount || !this.#into?.isContentEditable) return;
    if (this.#into.contains(selection.anchorNode)) this.#place = selection.getRangeAt(0).cloneRange();
  }

  #find() {
    const typed = (this.#box("data-find")?.value ?? "").trim().toLowerCase();
    for (const button of this.picker.querySelectorAll("button[data-path]")) {
      if (!(button instanceof HTMLElement)) continue;
      const said = `${button.textContent} ${button.dataset.path}`.toLowerCase();
      button.hidden = Boolean(typed) && !said.includes(typed);
    }
  }

  /** @param {HTMLButtonElement} button */
  #choose(button) {
    for (const other of this.picker.querySelectorAll("[aria-selected]")) {
      other.removeAttribute("aria-selected");
      other.removeAttribute("aria-current");
    }
    button.setAttribute("aria-selected", "true");
    button.setAttribute("aria-current", "true");
    this.#path = button.dataset.path ?? "";
    this.#sure = button.hasAttribute("data-sure");
    const otherwise = this.#box("data-otherwise");
    if (otherwise) otherwise.disabled = this.#sure;
    const insert = this.picker.querySelector("[data-insert]");
    if (insert instanceof HTMLButtonElement) insert.disabled = false;
  }

  #insert() {
    if (!this.#path) return;
    // A quote would end the words that it stands in.
    const otherwise = (this.#box("data-otherwise")?.value ?? "").replaceAll('"', "”");
    const tag = this.#sure ? `{{ ${this.#path} }}` : `{{ ${this.#path} | default: "${otherwise}" }}`;
    this.picker.hidePopover?.();
    const into = this.#into?.isConnected ? this.#into : this.#first();
    if (!into) return;
    into.focus();
    if (into instanceof HTMLTextAreaElement || into instanceof HTMLInputElement) {
      if (into.readOnly) return;
      into.setRangeText(tag, into.selectionStart ?? 0, into.selectionEnd ?? 0, "end");
      into.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    const selection = getSelection();
    let place = this.#place;
    if (!place || !into.contains(place.startContainer)) {
      place = document.createRange(); // the caret was nowhere in it yet: at its end
      place.selectNodeContents(into.lastElementChild ?? into);
      place.collapse(false);
    }
    selection?.removeAllRanges();
    selection?.addRange(place);
    document.execCommand("insertText", false, tag);
  }

  /** A place for the tag, where the caret was nowhere yet. */
  #first() {
    const found = this.editor.querySelector("[data-fields] :is(.rich-edit, input[data-field]:not([type]))");
    return found instanceof HTMLElement ? found : null;
  }
}
