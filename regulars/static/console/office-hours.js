// <office-hours>: a week's hours. Each day has its intervals, a way to add one and to remove one.

class OfficeHours extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const day = button?.closest(".hours-day");
      if (!button) return;
      if (button.hasAttribute("data-copy")) this.#copy();
      else if (!day) return;
      else if (button.hasAttribute("data-add")) add(day).querySelector("input")?.focus();
      else if (button.hasAttribute("data-remove")) {
        button.closest(".hours-range")?.remove();
        /** @type {HTMLElement | null} */ (day.querySelector("[data-add]"))?.focus();
      }
    });
  }

  /** What Monday has, from Tuesday to Friday. */
  #copy() {
    const [monday, ...others] = this.querySelectorAll(".hours-day");
    const times = [...monday.querySelectorAll(".hours-range")].map((range) =>
      [...range.querySelectorAll("input")].map((input) => input.value),
    );
    for (const day of others.slice(0, 4)) {
      for (const range of day.querySelectorAll(".hours-range")) range.remove();
      for (const pair of times) {
        const inputs = add(day).querySelectorAll("input");
        pair.forEach((value, at) => (inputs[at].value = value));
      }
    }
    document.dispatchEvent(new CustomEvent("regulars:say", { detail: "Copied to all weekdays" }));
  }
}

/** @param {Element} day */
function add(day) {
  const template = /** @type {HTMLTemplateElement} */ (day.querySelector("template"));
  const range = /** @type {Element} */ (template.content.firstElementChild).cloneNode(true);
  day.querySelector(".hours-none")?.before(range);
  return /** @type {Element} */ (range);
}

customElements.define("office-hours", OfficeHours);

export {};
