// The kinds of blocks: what each is called, how it begins, and what the list says of it.

/**
 * @typedef {Record<string, any> & {id: string, type: string}} Block
 * @typedef {{format: string, subject: string, preheader: string, layout: string, blocks: Block[],
 *   source: string, text: string | null}} Content
 * @typedef {{label: string, icon: string, begin: Record<string, any>,
 *   says: (block: Block) => string}} Kind
 */

/** @type {Record<string, Kind>} */
export const KINDS = {
  text: {
    label: "Text", icon: "type", begin: { html: "", align: "start", look: "normal" },
    says: (block) => words(block.html),
  },
  heading: {
    label: "Heading", icon: "heading", begin: { text: "", level: 1, align: "start" },
    says: (block) => block.text,
  },
  image: {
    label: "Picture", icon: "image",
    begin: { src: "", alt: "", href: "", width: 0, align: "start", edge: false },
    says: (block) => block.alt || last(block.src),
  },
  button: {
    label: "Button", icon: "square-mouse-pointer", begin: { label: "", href: "", align: "start" },
    says: (block) => block.label,
  },
  columns: {
    label: "Columns", icon: "columns-2", begin: { columns: [column(), column()] },
    says: (block) => block.columns.map((/** @type {any} */ one) => one.title).filter(Boolean).join(", "),
  },
  rows: {
    label: "Table", icon: "list", begin: { rows: [{ label: "", value: "" }], total: false },
    says: (block) => block.rows.map((/** @type {any} */ one) => one.label).filter(Boolean).join(", "),
  },
  scale: {
    label: "0 to 10", icon: "hash", begin: { href: "", low: "", high: "" },
    says: (block) => block.href,
  },
  divider: { label: "Divider", icon: "minus", begin: {}, says: () => "A line" },
  spacer: {
    label: "Space", icon: "arrow-down-up", begin: { height: 24 },
    says: (block) => `${block.height} pixels`,
  },
  footer: {
    label: "Footer", icon: "panel-bottom", begin: { html: "" },
    says: (block) => words(block.html) || "Address, unsubscribe",
  },
};

/** A column with nothing in it. */
export function column() {
  return { title: "", html: "", src: "", alt: "", href: "" };
}

/** An id that no block has. @param {Block[]} blocks @param {string} type */
export function freshId(blocks, type) {
  const taken = new Set(blocks.map((one) => one.id));
  let number = blocks.length;
  while (taken.has(`${type}-${number}`)) number += 1;
  return `${type}-${number}`;
}

/** @param {Block[]} blocks @param {string} type @returns {Block} */
export function begun(blocks, type) {
  const begin = structuredClone(KINDS[type]?.begin ?? {});
  return { type, id: freshId(blocks, type), space: "normal", ...begin };
}

/** The words of rich text. @param {string} html */
function words(html) {
  const apart = html.replaceAll(/<(\/p|\/li|br)>/g, " $&");
  const page = new DOMParser().parseFromString(apart, "text/html"); // inert: nothing in it runs
  return (page.body.textContent ?? "").trim();
}

/** @param {string} path */
function last(path) {
  return path.split("/").at(-1) ?? "";
}
