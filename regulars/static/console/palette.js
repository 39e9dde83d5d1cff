// <search-palette data-url="…">: finds anything as one types, and opens it by keyboard. Its markup is
// console/components/palette.html, its options console/search/options.html. It opens when the search
// box of the top bar is taken hold of, which is also what ⌘K does.

const PAUSE = 120; // ms after the last letter

class SearchPalette extends HTMLElement {
  #timer = 0;
  #closing = false;
  /** @type {AbortController | null} */
  #asking = null;
  #shown = "";

  connectedCallback() {
    const dialog = this.#dialog;
    const box = this.#box;
    if (!dialog || !box) return;
    const bar = document.querySelector(".global-search input");
    if (bar instanceof HTMLInputElement) {
      bar.setAttribute("aria-haspopup", "dialog");
      bar.addEventListener("focus", () => this.#open(bar));
    }
    box.addEventListener("input", () => this.#soon());
    box.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) this.#close();
      else if (event.target instanceof Element && event.target.closest("[role=option]")) this.#close();
    });
    dialog.addEventListener("close", () => this.#closed(bar));
  }

  get #dialog() {
    return this.querySelector("dialog");
  }

  get #box() {
    return this.querySelector("input");
  }

  get #list() {
    return this.querySelector("[role=listbox]");
  }

  get #options() {
    return /** @type {HTMLAnchorElement[]} */ ([...this.querySelectorAll("a[role=option]")]);
  }

  get #active() {
    return this.#options.find((option) => option.getAttribute("aria-selected") === "true");
  }

  /** @param {HTMLInputElement} bar */
  #open(bar) {
    const [dialog, box] = [this.#dialog, this.#box];
    if (this.#closing || !dialog || !box || dialog.open || document.querySelector("dialog[open]")) return;
    box.value = bar.value;
    dialog.showModal();
    box.focus();
    box.select();
    void this.#ask();
  }

  #close() {
    // What gets the focus back is the box of the top bar, which must not open this again.
    this.#closing = true;
    this.#dialog?.close();
  }

  /** @param {Element | null} bar */
  #closed(bar) {
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#asking?.abort();
    setTimeout(() => {
      if (bar instanceof HTMLElement && document.activeElement === bar) bar.blur();
      this.#closing = false;
    });
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), PAUSE);
  }

  async #ask() {
    const [box, list] = [this.#box, this.#list];
    if (!box || !list) return;
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const typed = box.value.trim();
    try {
      const url = `${this.dataset.url}?q=${encodeURIComponent(typed)}`;
      const answer = await fetch(url, { signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (signal.aborted) return;
      list.innerHTML = html;
      this.#shown = typed;
    } catch {
      if (signal.aborted) return;
      list.innerHTML = '<p class="picker-none">Nothing can be looked up right now.</p>';
    }
    this.#options.forEach((option, at) => {
      option.id = `pal-${at}`;
    });
    list.scrollTop = 0;
    this.#mark(this.#options[0]);
    const status = this.querySelector("[data-count]");
    if (status) status.textContent = `${this.#options.length} found`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.#step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      void this.#enter(event.metaKey || event.ctrlKey);
    }
  }

  /** @param {boolean} apart in a tab of its own */
  async #enter(apart) {
    const typed = this.#box?.value.trim();
    // What is marked may answer what was typed before.
    if (this.#shown !== typed) {
      clearTimeout(this.#timer);
      await this.#ask();
    }
    const option = this.#active;
    if (!option) this.querySelector("form")?.submit();
    else if (apart) open(option.href, "_blank", "noopener");
    else option.click();
  }

  /** @param {number} by */
  #step(by) {
    const options = this.#options;
    if (!options.length) return;
    const at = options.findIndex((option) => option === this.#active);
    this.#mark(options[(at + by + options.length) % options.length]);
  }

  /** @param {HTMLElement | undefined} option */
  #mark(option) {
    this.#active?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#box?.setAttribute("aria-activedescendant", option.id);
    else this.#box?.removeAttribute("aria-activedescendant");
  }
}

customElements.define("search-palette", SearchPalette);
