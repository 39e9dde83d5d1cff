// <email-draft data-save>: an email being written, the <mail-editor> beside the form `#email-form`
// that says who gets it. Both are kept by themselves (keeper.js). Here is what is between the two:
// the views, that a mail of another kind looks and is checked otherwise, that a test has left.

import { Keeper } from "./keeper.js";
import { closesWhenTested, switchViews } from "./views.js";

class EmailDraft extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("#email-form");
    if (!(form instanceof HTMLFormElement)) return;
    const keeper = new Keeper(this, this.dataset.save ?? "", () => this.#written(form), (said) => {
      if (said.gathers) document.body.dispatchEvent(new CustomEvent("audience-changed"));
    });
    for (const name of ["input", "change"]) form.addEventListener(name, () => keeper.changed());
    form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field
    this.addEventListener("mail-change", () => keeper.changed());
    // A template takes the place of what is written: a save must not come behind it.
    document.querySelector("#email-template form")?.addEventListener("submit", () => keeper.leave());
    switchViews(this);
    closesWhenTested();
    this.addEventListener("change", (event) => {
      const chosen = event.target;
      if (!(chosen instanceof HTMLInputElement) || chosen.name !== "kind") return;
      const editor = /** @type {any} */ (this.querySelector("mail-editor"));
      editor.dataset.marketing = chosen.value === "marketing" ? "yes" : "no";
      editor.refresh();
    });
    // What was chosen while this was still on its way.
    for (const field of touched(form)) field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {HTMLFormElement} form */
  #written(form) {
    const body = new FormData(form);
    const content = this.querySelector("mail-editor > input[name=content]");
    if (content instanceof HTMLInputElement) body.set("content", content.value);
    return body;
  }
}

/** The fields that differ from what the page came with. @param {HTMLFormElement} form */
function touched(form) {
  return [...form.elements].filter((field) => {
    if (field instanceof HTMLSelectElement) {
      const before = [...field.options].find((one) => one.defaultSelected) ?? field.options[0];
      return field.value !== before?.value;
    }
    if (!(field instanceof HTMLInputElement) || field.type === "hidden") return false;
    if (field.type === "radio") return field.checked && !field.defaultChecked; // as its own change has it
    return field.checked !== field.defaultChecked || field.value !== field.defaultValue;
  });
}

customElements.define("email-draft", EmailDraft);
