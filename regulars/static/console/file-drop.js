// <file-drop data-most="bytes">: a form's file, chosen or dropped, is sent at once. The form's own
// button serves whoever has no script, and is hidden from the others.

class FileDrop extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const button = this.querySelector("button");
    if (!input || !button) return;
    button.hidden = true;
    input.addEventListener("change", () => this.#send(input));
    this.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.toggleAttribute("data-over", true);
    });
    for (const name of ["dragleave", "drop"])
      this.addEventListener(name, () => this.toggleAttribute("data-over", false));
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer?.files.length) return;
      input.files = event.dataTransfer.files;
      this.#send(input);
    });
  }

  /** @param {HTMLInputElement} input */
  #send(input) {
    const file = input.files?.[0];
    if (!file) return;
    const says = this.querySelector("[data-says]");
    const most = Number(this.dataset.most);
    if (file.size > most) {
      const words = `${file.name} is larger than ${Math.round(most / 1024 / 1024)} MB.`;
      if (says) says.textContent = words;
      this.toggleAttribute("data-bad", true);
      input.value = "";
      return;
    }
    this.toggleAttribute("data-bad", false);
    if (says) says.textContent = `Reading ${file.name} …`;
    input.form?.requestSubmit();
  }
}

customElements.define("file-drop", FileDrop);
