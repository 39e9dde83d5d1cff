// <submit-on-change><form>…</form></submit-on-change>: sends the form as soon as a choice is made.
// The form's own button serves whoever has no script, and is hidden from the others.

class SubmitOnChange extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    if (!form) return;
    for (const button of form.querySelectorAll("button")) button.hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
  }
}

customElements.define("submit-on-change", SubmitOnChange);
