// <filter-field>: a filter builder in a form. What is built is the value of the hidden input.

class FilterField extends HTMLElement {
  connectedCallback() {
    const input = /** @type {HTMLInputElement | null} */ (this.querySelector("input[type=hidden]"));
    this.addEventListener("filter-change", (event) => {
      if (input) input.value = /** @type {CustomEvent} */ (event).detail.filter;
    });
    // What was typed a moment ago counts, however soon the form is sent.
    this.closest("form")?.addEventListener("submit", () => {
      const builder = /** @type {any} */ (this.querySelector("filter-builder"));
      if (input && builder?.now) input.value = builder.now();
    });
  }
}

customElements.define("filter-field", FilterField);
