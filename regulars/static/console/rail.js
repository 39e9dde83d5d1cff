// <segment-rail data-url="…">: the saved segments in the nav, drawn anew when some are made, renamed
// or deleted. Their numbers are live.js's.

const GAP = 300; // ms that several changes have to come together

class SegmentRail extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    document.addEventListener("segments", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#renew(), GAP);
    });
  }

  async #renew() {
    try {
      const answer = await fetch(this.dataset.url ?? "", { headers: { "HX-Request": "true" } });
      if (answer.ok) this.#put(await answer.text());
    } catch {
      // The stream says that the server is away, and what it missed when it is back.
    }
  }

  /** @param {string} html */
  #put(html) {
    const held = document.activeElement;
    const href = held instanceof HTMLAnchorElement && this.contains(held) ? held.href : "";
    this.innerHTML = html;
    if (!href) return;
    const again = [...this.querySelectorAll("a")].find((link) => link.href === href);
    again?.focus({ preventScroll: true });
  }
}

customElements.define("segment-rail", SegmentRail);

export {};
