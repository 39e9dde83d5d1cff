// <rich-text data-name="html">: a textarea becomes an editor for bold, italic, lists and links. The
// form then sends `html` in place of the textarea's `text`; the server takes out whatever is not
// allowed, so this file only has to make it pleasant. Without it, the textarea stays.
//   <template>, if there is one, holds the rich text to begin with
//   .rich-bar button[data-do="bold|italic|insertUnorderedList|insertOrderedList|link"]
//   .rich-link, the row in which a link's address is typed
// While something was written that was not there at first, the element has data-dirty.

const KEPT = new Set(["P", "BR", "B", "STRONG", "I", "EM", "U", "S", "UL", "OL", "LI", "CODE", "A"]);
const BLOCKS = /^(DIV|H[1-6]|BLOCKQUOTE|PRE|SECTION|ARTICLE|HEADER|FOOTER|TR|DT|DD)$/;
const DROPPED = "script, style, template, noscript, iframe, object, svg, math, head, title, meta, link";
const ALLOWED = new Set(["formatBold", "formatItalic", "formatUnderline"]);
const EMPTY = "<p><br></p>"; // so that the first line is a paragraph like the others
// In mails an address may be a merge tag, or begin with one.
const ADDRESS = /^((https?:\/\/|mailto:)\S+|\{\{[^{}]+\}\}\S*)$/i;

// A tag, whatever its quoted attributes hold, and what begins a style or a handler in one.
const TAG = /<[a-z](?:"[^"]*"|'[^']*'|[^'"<>])*>/gi;
const BARRED = /(["'\s/])(style|on[a-z]+)(?=\s*=)/gi;

/**
 * What an editor may hold: known elements without attributes, links with their address.
 * A template is inert: nothing in it runs or loads. Styles and handlers go before it is read, since the
 * page's policy is held against them even there, and the browser would complain of each.
 * @param {string} html
 */
export function tidied(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html.replaceAll(TAG, (tag) => tag.replaceAll(BARRED, "$1data-$2"));
  const { content } = holder;
  for (const element of content.querySelectorAll(DROPPED)) element.remove();
  for (const element of [...content.querySelectorAll("*")]) tidy(element);
  const comments = document.createNodeIterator(content, NodeFilter.SHOW_COMMENT);
  for (let one = comments.nextNode(); one; one = comments.nextNode()) one.parentNode?.removeChild(one);
  return holder.innerHTML;
}

/** @param {Element} element */
function tidy(element) {
  const href = element.getAttribute("href") ?? "";
  for (const { name } of [...element.attributes]) element.removeAttribute(name);
  if (element.tagName === "A" && ADDRESS.test(href)) element.setAttribute("href", href);
  else if (BLOCKS.test(element.tagName)) {
    const paragraph = element.ownerDocument.createElement("p");
    paragraph.append(...element.childNodes);
    element.replaceWith(paragraph);
  } else if (element.tagName === "A" || !KEPT.has(element.tagName)) {
    element.replaceWith(...element.childNodes);
  }
}

/** What was typed as a link's address, made whole; empty where it is none. @param {string} typed */
export function address(typed) {
  const text = typed.trim();
  if (ADDRESS.test(text)) return text;
  if (/^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/.test(text)) return `mailto:${text}`;
  return /^[^\s/:]+\.[^\s/:]+(:\d+)?(\/\S*)?$/.test(text) ? `https://${text}` : "";
}

class RichText extends HTMLElement {
  /** @type {HTMLDivElement | null} */
  #editor = null;
  #first = "";
  /** @type {Range | null} where the link goes */
  #place = null;

  connectedCallback() {
    const area = this.querySelector("textarea");
    if (!area || this.#editor) return;
    const editor = document.createElement("div");
    editor.className = "rich-edit";
    editor.contentEditable = "true";
    editor.role = "textbox";
    editor.ariaMultiLine = "true";
    const label = this.dataset.labelledby ?? "";
    editor.setAttribute("aria-labelledby", label);
    document.getElementById(label)?.addEventListener("click", () => editor.focus());
    editor.ariaInvalid = area.getAttribute("aria-invalid");
    editor.dataset.placeholder = area.placeholder;
    editor.autofocus = area.autofocus;
    const begun = this.querySelector("template")?.innerHTML ?? "";
    if (begun) editor.innerHTML = tidied(begun);
    else if (area.value) editor.innerText = area.value;
    else editor.innerHTML = EMPTY;
    area.replaceWith(editor);
    this.#editor = editor;
    this.#first = editor.innerHTML;
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = this.dataset.name ?? "html";
    this.append(field);
    this.#write();
    for (const hidden of this.querySelectorAll(".rich-bar")) hidden.removeAttribute("hidden");
    this.#listen(editor);
    document.execCommand("defaultParagraphSeparator", false, "p");
    document.execCommand("styleWithCSS", false, "false");
  }

  /** @param {HTMLDivElement} editor */
  #listen(editor) {
    editor.addEventListener("input", () => this.#write());
    editor.addEventListener("beforeinput", (event) => {
      if (event.inputType.startsWith("format") && !ALLOWED.has(event.inputType)) {
        event.preventDefault();
      }
    });
    editor.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    editor.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
    editor.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey) && !event.isComposing) {
        event.preventDefault();
        this.closest("form")?.requestSubmit();
      }
    });
    for (const name of ["keyup", "pointerup", "focus", "blur"]) {
      editor.addEventListener(name, () => this.#press());
    }
    const bar = this.querySelector(".rich-bar");
    bar?.addEventListener("pointerdown", (event) => event.preventDefault()); // the selection stays
    bar?.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button[data-do]");
      if (button instanceof HTMLButtonElement) this.#do(button.dataset.do ?? "");
    });
    const row = this.querySelector(".rich-link");
    row?.addEventListener("keydown", (event) => {
      if (!(event instanceof KeyboardEvent)) return;
      if (event.key === "Enter") {
        event.preventDefault();
        this.#link();
      } else if (event.key === "Escape") {
        event.preventDefault();
        this.#unask();
      }
    });
    row?.querySelector("button[data-link]")?.addEventListener("click", () => this.#link());
    row?.querySelector("button[data-no-link]")?.addEventListener("click", () => this.#noLink());
  }

  /** @param {string} what */
  #do(what) {
    this.#editor?.focus();
    if (what === "link") return this.#ask();
    document.execCommand(what);
    this.#press();
  }

  /** The form's field, as the editor is. */
  #write() {
    const editor = this.#editor;
    const field = this.querySelector(":scope > input[type=hidden]");
    if (!editor || !(field instanceof HTMLInputElement)) return;
    const empty = !editor.textContent?.trim();
    editor.classList.toggle("is-empty", empty && !editor.querySelector("li"));
    // What an editor writes for a space at the end of a line is no space that must stay.
    field.value = empty ? "" : tidied(editor.innerHTML).replaceAll("&nbsp;", " ");
    this.toggleAttribute("data-dirty", !empty && editor.innerHTML !== this.#first);
    this.#press();
  }

  /** Which buttons are on where the caret stands. */
  #press() {
    const here = this.#editor?.contains(getSelection()?.anchorNode ?? null) ?? false;
    for (const button of this.querySelectorAll("button[data-do]")) {
      const what = button instanceof HTMLElement ? (button.dataset.do ?? "") : "";
      const on = here && (what === "link" ? Boolean(this.#anchor()) : document.queryCommandState(what));
      button.setAttribute("aria-pressed", String(on));
    }
  }

  /**
   * Pasted or dropped: words with what little markup is allowed, never pictures or files.
   * @param {Event} event
   * @param {DataTransfer | null} data
   */
  #take(event, data) {
    event.preventDefault();
    const html = data?.getData("text/html") ?? "";
    const text = data?.getData("text/plain") ?? "";
    if (html) document.execCommand("insertHTML", false, tidied(html));
    else if (ADDRESS.test(text) && !getSelection()?.isCollapsed) {
      document.execCommand("createLink", false, text);
    } else document.execCommand("insertText", false, text);
    this.#write();
  }

  #anchor() {
    const node = getSelection()?.anchorNode;
    const element = node instanceof Element ? node : node?.parentElement;
    const link = element?.closest("a");
    return link && this.contains(link) ? link : null;
  }

  /** Ask for the address of a link, in a row of the editor's own. */
  #ask() {
    const row = this.querySelector(".rich-link");
    const input = row?.querySelector("input");
    const selection = getSelection();
    if (!(row instanceof HTMLElement) || !input || !selection?.rangeCount) return;
    if (!row.hidden) return this.#unask();
    const link = this.#anchor();
    if (link) selection.selectAllChildren(link);
    this.#place = selection.getRangeAt(0).cloneRange();
    const remove = row.querySelector("button[data-no-link]");
    if (remove instanceof HTMLElement) remove.hidden = !link;
    input.value = link?.getAttribute("href") ?? "";
    input.setCustomValidity("");
    row.hidden = false;
    input.focus();
    input.select();
  }

  #unask() {
    const row = this.querySelector(".rich-link");
    if (row instanceof HTMLElement) row.hidden = true;
    this.#back();
  }

  /** The selection as it was before the address was typed. */
  #back() {
    this.#editor?.focus();
    const selection = getSelection();
    if (!this.#place || !selection) return;
    selection.removeAllRanges();
    selection.addRange(this.#place);
  }

  #link() {
    const input = this.querySelector(".rich-link input");
    if (!(input instanceof HTMLInputElement)) return;
    const to = address(input.value);
    if (!to) {
      input.setCustomValidity("Type a web or email address.");
      input.reportValidity();
      return;
    }
    input.value = "";
    this.#unask();
    if (getSelection()?.isCollapsed) {
      const link = document.createElement("a");
      link.href = to;
      link.textContent = to.replace(/^mailto:/, "");
      document.execCommand("insertHTML", false, link.outerHTML);
    } else document.execCommand("createLink", false, to);
    this.#write();
  }

  #noLink() {
    this.#unask();
    document.execCommand("unlink");
    this.#write();
  }
}

customElements.define("rich-text", RichText);
