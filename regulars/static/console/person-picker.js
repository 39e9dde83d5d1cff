// <person-picker data-url="…/people/pick">: finds a person as one types and keeps who was chosen,
// for any form that is about somebody. Its markup is console/picker/picker.html, which says what the
// form sends; its options are console/picker/options.html.
//
// Raises "person-picked" (bubbles; detail {person, email, short}), and writes what the chosen one is
// called into every [data-short] of the form.

const PAUSE = 120; // ms after the last letter

/** @template {Element} T @param {Element} within @param {string} selector @param {new () => T} kind */
function part(within, selector, kind) {
  const found = within.querySelector(selector);
  return found instanceof kind ? found : null;
}

class PersonPicker extends HTMLElement {
  #timer = 0;
  /** @type {AbortController | null} */
  #asking = null;
  /** What the list answers; null before the first answer. @type {string | null} */
  #answered = null;
  /** Whether Enter waits for the answer to what stands in the box. */
  #entered = false;
  /** Whether arrows have marked somebody since the last letter. */
  #moved = false;

  connectedCallback() {
    const box = this.#box;
    if (!box || this.#email) return; // moved, not new
    const email = document.createElement("input");
    email.type = "hidden";
    email.name = "email";
    email.dataset.address = "";
    email.value = box.value;
    this.prepend(email);
    box.removeAttribute("name");
    box.value = "";
    box.required = !this.#chosen;
    box.addEventListener("input", () => this.#soon());
    box.addEventListener("focus", () => this.#list?.hidden && this.#soon(0));
    box.addEventListener("blur", () => this.#close());
    box.addEventListener("keydown", (event) => this.#key(event));
    // Taking hold of an option must not take the focus from the box.
    this.#list?.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list?.addEventListener("click", (event) => {
      const option = event.target instanceof Element && event.target.closest("[role=option]");
      if (option instanceof HTMLElement) this.#choose(option);
    });
    this.querySelector("[data-change]")?.addEventListener("click", () => this.#change());
  }

  get #box() {
    return part(this, "[role=combobox]", HTMLInputElement);
  }

  get #list() {
    return part(this, "[role=listbox]", HTMLElement);
  }

  get #person() {
    return part(this, "input[name=person]", HTMLInputElement);
  }

  get #email() {
    return part(this, "input[data-address]", HTMLInputElement);
  }

  get #chosen() {
    return Boolean(this.#person?.value || this.#email?.value);
  }

  get #options() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[role=option]")]);
  }

  get #active() {
    return this.#options.find((option) => option.getAttribute("aria-selected") === "true");
  }

  /** @param {number} [wait] */
  #soon(wait = PAUSE) {
    this.#box?.setCustomValidity("");
    this.#entered = this.#moved = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), wait);
  }

  async #ask() {
    const box = this.#box;
    const list = this.#list;
    if (!box || !list) return;
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const query = box.value.trim();
    const url = `${this.dataset.url}?q=${encodeURIComponent(query)}`;
    try {
      const answer = await fetch(url, { signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (document.activeElement !== box || signal.aborted) return;
      const marked = this.#moved ? this.#active?.dataset.person : undefined;
      list.innerHTML = html;
      this.#answered = query;
      this.#open(this.#options.find((one) => marked && one.dataset.person === marked));
    } catch {
      if (signal.aborted) return;
      list.innerHTML = '<p class="picker-none">People can’t be looked up right now.</p>';
      this.#open();
    }
    if (this.#entered && this.#active && this.#answered === query) this.#choose(this.#active);
  }

  /** @param {HTMLElement} [marked] whoever stays marked; else the first */
  #open(marked) {
    const [box, list] = [this.#box, this.#list];
    if (!box || !list) return;
    this.#options.forEach((option, at) => {
      option.id = `${list.id}-${at}`;
    });
    list.hidden = false;
    list.scrollTop = 0;
    box.setAttribute("aria-expanded", "true");
    this.#mark(marked ?? this.#options[0]);
    const found = this.querySelectorAll("[role=option][data-person]").length;
    const status = this.querySelector("[data-count]");
    if (status) status.textContent = `${found} ${found === 1 ? "person" : "people"} found`;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#entered = false;
    this.#asking?.abort();
    const [box, list] = [this.#box, this.#list];
    if (!box || !list) return;
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    if (box.value && !this.#chosen) box.setCustomValidity("Choose somebody from the list.");
  }

  /** @param {HTMLElement | undefined} option */
  #mark(option) {
    for (const one of this.#options) one.setAttribute("aria-selected", String(one === option));
    if (option) this.#box?.setAttribute("aria-activedescendant", option.id);
    else this.#box?.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const list = this.#list;
    if (!list || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return this.#soon(0);
      const options = this.#options;
      const at = options.findIndex((option) => option === this.#active);
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#mark(options[(at + step + options.length) % options.length]);
      this.#moved = true;
    } else if (event.key === "Enter") {
      event.preventDefault(); // the form is not sent from here
      const fits = this.#answered === this.#box?.value.trim();
      if (fits && !list.hidden && this.#active) return this.#choose(this.#active);
      this.#soon(0);
      this.#entered = !fits; // what is listed answers fewer letters than were typed
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault(); // the dialog stays
      this.#close();
    }
  }

  /** @param {HTMLElement} option */
  #choose(option) {
    const { person = "", email = "", short = "" } = option.dataset;
    this.#answered = null;
    if (this.#person) this.#person.value = person;
    if (this.#email) this.#email.value = email;
    this.#show(option, email);
    this.#close();
    const box = this.#box;
    if (box) {
      box.value = "";
      box.required = false;
      box.removeAttribute("aria-invalid");
      box.setCustomValidity("");
    }
    this.querySelector(".error")?.remove();
    this.#turn(true);
    const form = this.closest("form");
    for (const place of form?.querySelectorAll("[data-short]") ?? []) {
      if (!this.contains(place)) place.textContent = short;
    }
    this.dispatchEvent(
      new CustomEvent("person-picked", { bubbles: true, detail: { person, email, short } }),
    );
    this.#goOn();
  }

  /**
   * Who was chosen, as the list showed them.
   * @param {HTMLElement} option
   * @param {string} email
   */
  #show(option, email) {
    const [picture, , state] = option.children;
    const place = this.querySelector(".picked");
    const change = this.querySelector("[data-change]");
    if (!place || !change || !picture) return;
    const words = document.createElement("span");
    const name = document.createElement("b");
    const detail = document.createElement("small");
    name.textContent = email || (option.querySelector("b")?.textContent ?? "");
    detail.textContent = email ? "A new lead" : (option.querySelector("small")?.textContent ?? "");
    words.append(name, detail);
    const here = state?.matches(".online-text") ? [state.cloneNode(true)] : [];
    place.replaceChildren(picture.cloneNode(true), words, ...here, change);
  }

  #change() {
    if (this.#person) this.#person.value = "";
    if (this.#email) this.#email.value = "";
    this.#turn(false);
    const box = this.#box;
    if (!box) return;
    box.required = true;
    box.focus();
  }

  /** @param {boolean} chosen */
  #turn(chosen) {
    const [shown, search] = [this.querySelector("[data-chosen]"), this.querySelector("[data-search]")];
    if (shown instanceof HTMLElement) shown.hidden = !chosen;
    if (search instanceof HTMLElement) search.hidden = chosen;
  }

  /** On to the form's next field. */
  #goOn() {
    const fields = this.closest("form")?.querySelectorAll(
      "input:not([type=hidden]), textarea, select, [contenteditable=true]",
    );
    const next = [...(fields ?? [])].find(
      (field) =>
        this.compareDocumentPosition(field) === Node.DOCUMENT_POSITION_FOLLOWING &&
        field.checkVisibility(),
    );
    if (next instanceof HTMLElement) next.focus();
  }
}

customElements.define("person-picker", PersonPicker);

export {};
