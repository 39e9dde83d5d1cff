// <email-draft>: an email being written, the <mail-editor> beside who gets it. What is written is
// kept by the form `#email-form` (htmx), which hears "mail-change". Here is what is between the two:
// the views, that a mail of another kind looks and is checked otherwise, and that a test has left.

import { switchViews } from "./views.js";

class EmailDraft extends HTMLElement {
  connectedCallback() {
    switchViews(this);
    document.addEventListener("email-tested", () => {
      const dialog = document.getElementById("email-test");
      if (dialog instanceof HTMLDialogElement) dialog.close();
    });
    this.addEventListener("change", (event) => {
      const chosen = event.target;
      if (!(chosen instanceof HTMLInputElement) || chosen.name !== "kind") return;
      const editor = /** @type {any} */ (this.querySelector("mail-editor"));
      editor.dataset.marketing = chosen.value === "marketing" ? "yes" : "no";
      editor.refresh();
    });
  }
}

customElements.define("email-draft", EmailDraft);
