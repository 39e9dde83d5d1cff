// <merge-tags data-for="id">: buttons that put a merge tag where the cursor is in that text.

// What is said of somebody of whom nothing is known yet: to be written over, so it comes selected.
const OTHERWISE = "there";

class MergeTags extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const field = document.getElementById(this.dataset.for ?? "");
      if (button && field instanceof HTMLTextAreaElement) put(field, button.dataset.tag ?? "");
    });
  }
}

/**
 * @param {HTMLTextAreaElement} field
 * @param {string} key
 */
function put(field, key) {
  const own = /^(agent|project)\./.test(key);
  const tag = own ? `{{ ${key} }}` : `{{ ${key} | default: "${OTHERWISE}" }}`;
  const at = field.selectionStart;
  field.setRangeText(tag, at, field.selectionEnd, "end");
  field.focus();
  if (!own) {
    const word = at + tag.lastIndexOf(OTHERWISE);
    field.setSelectionRange(word, word + OTHERWISE.length);
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

customElements.define("merge-tags", MergeTags);

export {};
