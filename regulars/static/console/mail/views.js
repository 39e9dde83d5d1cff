// The switch between the views of a <mail-editor>: buttons with `data-show` around it, and the
// editor's own wish ("mail-view"), as when a check leads to the code.

/** @param {HTMLElement} around what holds the editor and the buttons */
export function switchViews(around) {
  const buttons = [...around.querySelectorAll("button[data-show]")].filter((one) => one instanceof HTMLButtonElement);
  /** @param {string} view */
  const show = (view) => {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.show === view));
    /** @type {any} */ (around.querySelector("mail-editor"))?.show(view);
  };
  for (const one of buttons) one.addEventListener("click", () => show(one.dataset.show ?? ""));
  around.addEventListener("mail-view", (event) => show(/** @type {CustomEvent} */ (event).detail));
}

/** The dialog in which a test was asked for closes when it is on its way. */
export function closesWhenTested() {
  document.addEventListener("email-tested", () => {
    const dialog = document.getElementById("email-test");
    if (dialog instanceof HTMLDialogElement) dialog.close();
  });
}
