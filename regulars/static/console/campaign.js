// <filter-field><input type="hidden"><filter-builder></filter-field>: keeps the input at what the
// builder says, and lets the form know.
class FilterField extends HTMLElement {
  connectedCallback() {
    this.addEventListener("filter-change", (event) => {
      const input = this.querySelector("input[type=hidden]");
      if (!(event instanceof CustomEvent) || !(input instanceof HTMLInputElement)) return;
      input.value = event.detail.filter;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // What is typed in the builder is its own until it says so.
    for (const kind of ["change", "input"]) {
      this.addEventListener(kind, (event) => {
        if (event.target instanceof Element && event.target.closest("filter-builder")) event.stopPropagation();
      });
    }
  }
}

customElements.define("filter-field", FilterField);
