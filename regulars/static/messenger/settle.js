// @ts-check
// Lists that change under somebody's eyes and fingers.

/** @typedef {[key: string, sign: unknown, make: () => HTMLElement]} Row */

/** @type {WeakMap<Element, [string, string]>} key and sign of what was made */
const made = new WeakMap();

/**
 * Makes the children of a node these rows. A row whose key and sign are what they were keeps its
 * element: focus, selection and loaded pictures stay, and a screen reader hears only what is new.
 * @param {HTMLElement} parent
 * @param {(Row | false)[]} rows
 */
export function settle(parent, rows) {
  const old = new Map([...parent.children].map((node) => [made.get(node)?.[0], node]));
  const focused = /** @type {ShadowRoot} */ (parent.getRootNode()).activeElement;
  let next = parent.firstElementChild;
  for (const row of rows) {
    if (!row) continue;
    const [key, value, make] = row;
    const sign = JSON.stringify(value) ?? "";
    let node = old.get(key);
    old.delete(key);
    if (!node || made.get(node)?.[1] !== sign) {
      const fresh = make();
      made.set(fresh, [key, sign]);
      if (node) {
        if (next == node) next = fresh;
        const held = node.contains(focused);
        node.replaceWith(fresh);
        if (held) /** @type {HTMLElement} */ (fresh.matches("a, button") ? fresh : fresh.querySelector("a, button, input"))?.focus();
      }
      node = fresh;
    }
    if (node == next) next = node.nextElementSibling;
    else parent.insertBefore(node, next);
  }
  for (const node of old.values()) node.remove();
}
