// <filter-field>: a filter builder, or one of events, in a form. What is built is the value of the hidden input, which
// says so by a change of its own.

class FilterField extends HTMLElement {
  connectedCallback() {
    const input = /** @type {HTMLInputElement | null} */ (this.querySelector("input[type=hidden]"));
    if (!input) return;
    this.addEventListener("filter-change", (event) => {
      input.value = /** @type {CustomEvent} */ (event).detail.filter;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // What is typed in the builder is its own until it says so.
    for (const kind of ["change", "input"]) {
      this.addEventListener(kind, (event) => {
        if (event.target instanceof Element && event.target.closest("filter-builder, event-builder")) event.stopPropagation();
      });
    }
    // What was typed a moment ago counts, however soon the form is sent.
    this.closest("form")?.addEventListener("submit", () => {
      const builder = /** @type {any} */ (this.querySelector("filter-builder, event-builder"));
      if (builder?.now) input.value = builder.now();
    });
  }
}

customElements.define("filter-field", FilterField);
