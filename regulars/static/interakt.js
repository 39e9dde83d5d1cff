// @ts-check
/*
 * For pages that still carry Interakt's snippet (served as /interakt/<app_id>.js,
 * with the tracker behind it): reads `window.mySettings` and identifies who it
 * names. `__WRITE_KEY__` is filled in by public/tracker.py.
 *
 * What a page claims is unverified: an email without a user_id makes a lead.
 */
(() => {
  const script = document.currentScript;
  const site = /** @type {any} */ (window);
  if (script) script.dataset.key = "__WRITE_KEY__";

  const claim = () => {
    const { app_id, user_id, ...settings } = site.mySettings || {};
    // A page whose visitor is not signed in prints empty strings.
    const traits = Object.fromEntries(Object.entries(settings).filter(([, value]) => value != null && value !== ""));
    const id = user_id ?? "";
    if (id === "" && !traits.email) return;
    const regulars = (site.regulars ||= []);
    (regulars.push ? regulars : (regulars.q ||= [])).push(["identify", id, traits]);
  };

  if (site.mySettings || document.readyState != "loading") claim();
  else document.addEventListener("DOMContentLoaded", claim);
})();
