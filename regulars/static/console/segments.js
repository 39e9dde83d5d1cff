// <save-segment data-url="…">: the form that saves the list being looked at. It is asked for each
// time its dialog opens, by the address of the page, so that it speaks of the list as it is then;
// a name that was typed and not saved is still there.
//
// <segment-why data-url="…">: why somebody is in a segment, asked for when its <details> opens. The
// page swaps its parts as people move: what was open stays so.

const HTMX = { headers: { "HX-Request": "true" } };

/** @param {string | URL} url */
async function asked(url) {
  const answer = await fetch(url, HTMX);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

class SaveSegment extends HTMLElement {
  connectedCallback() {
    const id = this.closest("dialog")?.id ?? "";
    document.addEventListener("click", (event) => {
      const opener = event.target instanceof Element && event.target.closest(`[commandfor="${id}"]`);
      if (opener && opener.getAttribute("command") === "show-modal") void this.#fill();
    });
  }

  async #fill() {
    const typed = this.#name?.value ?? "";
    try {
      const html = await asked(`${this.dataset.url}${location.search}`);
      this.innerHTML = html;
    } catch {
      this.innerHTML =
        '<div class="body"><p class="callout bad" role="alert">The list can’t be saved right now. Close this and try again.</p></div>';
      return;
    }
    const htmx = /** @type {{htmx?: {process(part: Element): void}}} */ (globalThis).htmx;
    htmx?.process(this);
    if (this.#name) {
      this.#name.value ||= typed;
      this.#name.focus();
    }
  }

  get #name() {
    return /** @type {HTMLInputElement | null} */ (this.querySelector("input[name=name]"));
  }
}

/** @type {Map<string, string>} what was opened, and what stood there */
const opened = new Map();

class SegmentWhy extends HTMLElement {
  connectedCallback() {
    const details = this.querySelector("details");
    const url = this.dataset.url ?? "";
    if (!details) return;
    const kept = opened.get(url);
    if (kept !== undefined) {
      this.#put(kept);
      details.open = true;
      void this.#ask(url);
    }
    details.addEventListener("toggle", () => {
      if (!details.open) opened.delete(url);
      else if (!opened.has(url)) void this.#ask(url);
    });
  }

  /** @param {string} url */
  async #ask(url) {
    opened.set(url, opened.get(url) ?? "");
    try {
      const html = await asked(url);
      opened.set(url, html);
      this.#put(html);
    } catch {
      this.#put('<p class="muted">That can’t be said right now.</p>');
    }
  }

  /** @param {string} html */
  #put(html) {
    const place = this.querySelector(".why-answer");
    if (place) place.innerHTML = html;
  }
}

customElements.define("save-segment", SaveSegment);
customElements.define("segment-why", SegmentWhy);
