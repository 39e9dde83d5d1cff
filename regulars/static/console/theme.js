// The reader's own choice of theme, applied before the first paint: loaded in <head> without
// defer. Nothing is stored until they choose; until then the theme follows their system.
{
  const KEY = "regulars-theme";
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem(KEY) ?? "";
    } catch {
      return ""; // storage is switched off: follow the system
    }
  };

  /** @param {string} theme "light", "dark" or "" for the system's */
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };

  apply(stored());
  addEventListener("storage", (event) => event.key === KEY && apply(event.newValue ?? ""));

  /** Buttons whose value is a theme; the chosen one is pressed. */
  class ThemeSwitch extends HTMLElement {
    connectedCallback() {
      this.addEventListener("click", (event) => {
        const button = event.target instanceof Element && event.target.closest("button");
        if (button) this.choose(button.value);
      });
      this.show();
    }

    /** @param {string} theme */
    choose(theme) {
      try {
        if (theme) localStorage.setItem(KEY, theme);
        else localStorage.removeItem(KEY);
      } catch {
        // it holds for this page, then
      }
      apply(theme);
      this.show();
    }

    show() {
      const chosen = root.dataset.theme ?? "";
      for (const button of this.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.value === chosen));
      }
    }
  }

  document.addEventListener("DOMContentLoaded", () =>
    customElements.define("theme-switch", ThemeSwitch),
  );
}
