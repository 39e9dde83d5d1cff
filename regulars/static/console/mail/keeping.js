// <mail-keeping data-save>: a template being written: its name and the <mail-editor> inside it are
// kept by themselves (keeper.js).

import { Keeper } from "./keeper.js";
import { closesWhenTested, switchViews } from "./views.js";

class MailKeeping extends HTMLElement {
  connectedCallback() {
    const keeper = new Keeper(this, this.dataset.save ?? "", () => this.#written());
    this.addEventListener("mail-change", () => keeper.changed());
    this.querySelector("input[name=name]")?.addEventListener("input", () => keeper.changed());
    this.querySelector("[data-save-now]")?.addEventListener("click", () => keeper.now());
    switchViews(this);
    closesWhenTested();
  }

  #written() {
    const body = new FormData();
    for (const name of ["name", "content"]) {
      const field = this.querySelector(`input[name=${name}]`);
      if (field instanceof HTMLInputElement) body.set(name, field.value);
    }
    return body;
  }
}

customElements.define("mail-keeping", MailKeeping);

export {};
