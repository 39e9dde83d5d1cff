// <toast-region>: what just happened, one at a time. A toast comes as HTML from the server
// (components/toast.html), or as an event: document.dispatchEvent(new CustomEvent("toast",
// {detail: {text, bad}})), which an HX-Trigger header {"toast": {"text": "…"}} raises too.

const STAYS = 6000;

class ToastRegion extends HTMLElement {
  #timer = 0;
  #arrivals = new MutationObserver(() => this.#newest());

  connectedCallback() {
    this.#arrivals.observe(this, { childList: true });
    this.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest("button");
      if (button) button.closest(".toast")?.remove(); // an undo has been asked for, or it was closed
    });
    for (const wait of ["pointerenter", "focusin"]) {
      this.addEventListener(wait, () => clearTimeout(this.#timer));
    }
    for (const go of ["pointerleave", "focusout"]) this.addEventListener(go, () => this.#leave());
    document.addEventListener("toast", (event) => {
      if (event instanceof CustomEvent) this.show(event.detail);
    });
    document.addEventListener("regulars:say", (event) => {
      if (event instanceof CustomEvent) this.#say(event.detail);
    });
    this.#newest();
  }

  /** @param {{text: string, bad?: boolean}} toast */
  show({ text, bad = false }) {
    const element = document.createElement("div");
    element.className = bad ? "toast bad" : "toast";
    element.role = bad ? "alert" : "status";
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.className = "btn s";
    close.type = "button";
    close.textContent = "Close";
    element.append(words, close);
    this.append(element);
  }

  /** For a screen reader alone: what is shown elsewhere. @param {string} text */
  #say(text) {
    const words = document.createElement("span");
    words.className = "vh";
    words.textContent = text;
    this.append(words);
    setTimeout(() => words.remove(), STAYS);
  }

  #newest() {
    for (const older of [...this.querySelectorAll(".toast")].slice(0, -1)) older.remove();
    this.#leave();
  }

  #leave() {
    clearTimeout(this.#timer);
    const toast = this.querySelector(".toast:not(.bad)");
    if (toast && !this.matches(":hover, :focus-within")) {
      this.#timer = setTimeout(() => toast.remove(), STAYS);
    }
  }
}

customElements.define("toast-region", ToastRegion);

// A request that failed must not end in silence.
document.addEventListener("htmx:error", () =>
  document.dispatchEvent(
    new CustomEvent("toast", { detail: { text: "The server could not be reached", bad: true } }),
  ),
);

export {};
