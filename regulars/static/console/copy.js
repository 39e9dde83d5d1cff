// <copy-button data-text="…"><button>…</button></copy-button>: copies, and says so for two seconds.

const SAID_FOR = 2000;

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain http on another machine than this one has no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser refused");
}

class CopyButton extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("button")) void this.#copy();
    });
  }

  async #copy() {
    const button = this.querySelector("button");
    if (!button) return;
    let said = "Copied";
    try {
      await copy(this.dataset.text ?? "");
    } catch {
      said = "Not copied";
    }
    this.#say(button, said);
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {string} said
   */
  #say(button, said) {
    const words = button.querySelector("span");
    const use = button.querySelector("use");
    const icon = said === "Copied" ? "i-check" : "i-x";
    button.dataset.label ??= button.getAttribute("aria-label") ?? "";
    button.dataset.words ??= words?.textContent ?? "";
    button.setAttribute("aria-label", said);
    if (words) words.textContent = said;
    use?.setAttribute("href", use.getAttribute("href")?.replace(/#.*/, `#${icon}`) ?? "");
    document.dispatchEvent(new CustomEvent("regulars:say", { detail: said }));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      button.setAttribute("aria-label", button.dataset.label ?? "");
      if (words) words.textContent = button.dataset.words ?? "";
      use?.setAttribute("href", use.getAttribute("href")?.replace(/#.*/, "#i-copy") ?? "");
    }, SAID_FOR);
  }
}

customElements.define("copy-button", CopyButton);

export {};
