// One card of the filter builder: a condition on a field, an event or a segment.

import { carried, fieldOf, operatorOf } from "./catalog.js";
import { h, icon, select } from "./dom.js";
import { suggesting } from "./suggest.js";
import * as tree from "./tree.js";
import { editor, whole } from "./values.js";

/** @typedef {import("./tree.js").Node} Node */
/** @typedef {import("./tree.js").FieldNode} FieldNode */
/** @typedef {import("./tree.js").EventNode} EventNode */
/** @typedef {import("./tree.js").SegmentNode} SegmentNode */
/** @typedef {import("./tree.js").CheckpointNode} CheckpointNode */
/** @typedef {import("./tree.js").CampaignNode} CampaignNode */
/** @typedef {import("./tree.js").RawNode} RawNode */
/** @typedef {import("./menu.js").Choice} Choice */

/**
 * What a card asks of its builder.
 * @typedef {{
 *   catalog: import("./catalog.js").Catalog,
 *   suggest: (field: string, typed: string) => Promise<any[]>,
 *   properties: (event: string) => Promise<string[]>,
 *   changed: (settled?: boolean) => void,
 *   redraw: (id: number, part: string) => void,
 *   remover: (node: Node, label: string) => HTMLElement,
 *   openMenu: (button: HTMLElement, then: (choice: Choice) => void) => void,
 *   become: (node: Node, choice: Choice) => void,
 * }} On
 */

/** @param {On} on @param {FieldNode | EventNode | SegmentNode | CheckpointNode | CampaignNode | RawNode} node */
export function drawCard(on, node) {
  if (node.kind === "raw") {
    const label = Object.keys(node.json)[0] ?? "condition";
    const name = h("span", { class: "mono truncate", title: JSON.stringify(node.json) }, label);
    const top = h("div", { class: "rule-top" }, icon("braces", "s"), name, on.remover(node, `Remove ${label}`));
    const said = h("p", { class: "muted xs" }, "Kept as it is: it can’t be changed here.");
    return h("li", { class: "rule", "data-node": node.id }, top, said);
  }
  const rows =
    node.kind === "field"
      ? fieldRows(on, node, node)
      : node.kind === "event"
        ? eventRows(on, node)
        : node.kind === "segment"
          ? segmentRows(on, node)
          : node.kind === "campaign"
            ? campaignRows(on, node)
            : checkpointRows(on, node);
  const open = h("p", { class: "muted xs", "data-open": true }, "Not applied yet: it needs a value.");
  open.hidden = tree.isWhole(node);
  return h("li", { class: "rule", "data-node": node.id }, cardTop(on, node), ...rows, open);
}

/** @param {On} on @param {FieldNode | EventNode | SegmentNode | CheckpointNode | CampaignNode} node */
function cardTop(on, node) {
  const catalog = on.catalog;
  const field = node.kind === "field" ? fieldOf(catalog, node.field) : null;
  const pictures = { event: "zap", segment: "chart-pie", checkpoint: "flag", campaign: "megaphone", field: field?.icon ?? "braces" };
  const picture = pictures[node.kind];
  const isNamed = node.kind === "segment" || node.kind === "checkpoint" || node.kind === "campaign";
  const label =
    node.kind === "event" ? node.event : isNamed ? node.kind : field?.type === "custom" ? field.label : (field?.key ?? "");
  const name = h(
    "button",
    {
      type: "button",
      class: "rule-name",
      "aria-haspopup": "true",
      title: label,
      onclick: () => on.openMenu(name, (choice) => on.become(node, choice)),
    },
    h("span", { class: isNamed ? "truncate" : "mono truncate" }, label),
    icon("chevron-down", "s"),
  );
  return h("div", { class: "rule-top" }, icon(picture, "s"), name, on.remover(node, `Remove ${label}`));
}

/** @param {On} on @param {FieldNode} node @param {Node} of the node whose card this stands in */
function fieldRows(on, node, of) {
  const catalog = on.catalog;
  const isProperty = node.field.startsWith("properties.");
  const field = isProperty
    ? { key: node.field, label: node.field.slice(11), type: "property", icon: "braces" }
    : fieldOf(catalog, node.field);
  const all = catalog.types[field.type] ?? [];
  const now = operatorOf(catalog, field, node.op, node.type, node.value) ?? all[0];
  if (!now) return [];
  node.op = now.op;
  node.type = now.type;
  if (now.operand === "nothing") node.value = undefined;
  const op = select(
    { "aria-label": `Condition on ${field.label}`, "data-focus": "op" },
    groupsOf(all, field.type === "custom" || isProperty),
    `${now.type}:${now.op}`,
  );
  op.addEventListener("change", () => {
    const [type, key] = /** @type {HTMLSelectElement} */ (op).value.split(":");
    const next = all.find((one) => one.type === type && one.op === key);
    if (!next) return;
    node.value = carried(node.value, now.operand, next.operand);
    node.op = next.op;
    node.type = next.type;
    on.redraw(of.id, "op");
  });
  const values = editor({
    value: node.value,
    operand: now.operand,
    field: node.field,
    label: field.label,
    flags: catalog.flags,
    kinds: catalog.kinds,
    suggest: on.suggest,
    changed: (value, settled) => {
      node.value = value;
      on.changed(settled);
    },
    redraw: (value) => {
      node.value = value;
      on.redraw(of.id, "add");
    },
  });
  return [h("div", { class: "rule-row" }, op), ...values];
}

/** @param {On} on @param {EventNode} node */
function eventRows(on, node) {
  const catalog = on.catalog;
  const never = node.op === "exactly" && node.count === 0;
  const op = select(
    { "aria-label": `How often ${node.event}`, "data-focus": "op" },
    [["", [...catalog.event_operators.map((one) => /** @type {[string, string]} */ ([one.op, one.label])), ["never", "never"]]]],
    never ? "never" : node.op,
  );
  op.addEventListener("change", () => {
    const chosen = /** @type {HTMLSelectElement} */ (op).value;
    if (chosen === "never") [node.op, node.count] = ["exactly", 0];
    else [node.op, node.count] = [chosen, never ? 1 : node.count];
    on.redraw(node.id, "op");
  });
  const often = never
    ? [op]
    : [op, whole(node.count, "Times", (value) => ((node.count = value), on.changed()), 0), " times"];
  const when = select(
    { "aria-label": "When", "data-focus": "when" },
    [["", [["ever", never ? "at any time" : "ever"], ["within", "in the last"]]]],
    node.days === null ? "ever" : "within",
  );
  when.addEventListener("change", () => {
    node.days = /** @type {HTMLSelectElement} */ (when).value === "ever" ? null : 28;
    on.redraw(node.id, "when");
  });
  const days =
    node.days === null
      ? [when]
      : [when, whole(node.days, "Days", (value) => ((node.days = value), on.changed())), " days"];
  return [
    h("div", { class: "rule-row" }, ...often),
    h("div", { class: "rule-row" }, ...days),
    ...propertyConditions(on, node),
  ];
}

/** What the event's properties must be, and the way to say more of them. @param {On} on @param {EventNode} node */
export function propertyConditions(on, node) {
  return [...node.where.map((one) => propertyRows(on, node, one)), whereAdder(on, node)];
}

/** @param {On} on @param {EventNode} event @param {FieldNode} node */
function propertyRows(on, event, node) {
  const label = node.field.slice("properties.".length);
  const remove = h(
    "button",
    {
      type: "button",
      class: "btn quiet s icon-only",
      "aria-label": `Remove ${label}`,
      onclick: () => {
        event.where.splice(event.where.indexOf(node), 1);
        on.redraw(event.id, "where");
      },
    },
    icon("x"),
  );
  const top = h("div", { class: "rule-top" }, icon("braces", "s"), h("span", { class: "mono truncate", title: label }, label), remove);
  return h("div", { class: "where", "data-node": node.id }, top, ...fieldRows(on, node, node));
}

/** @param {On} on @param {EventNode} event */
function whereAdder(on, event) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      class: "input s",
      placeholder: "Only with property…",
      "aria-label": `Property of ${event.event}`,
      "data-focus": "where",
      maxlength: 400,
    })
  );
  const add = (/** @type {string} */ name) => {
    const key = name.trim();
    if (!key) return;
    const made = /** @type {FieldNode} */ ({
      kind: "field",
      id: tree.nextId(),
      field: `properties.${key}`,
      type: "text",
      op: "is",
      value: "",
    });
    event.where.push(made);
    on.redraw(made.id, "op");
  };
  input.addEventListener("keydown", (pressed) => {
    if (pressed.key === "Enter") {
      pressed.preventDefault();
      add(input.value);
    }
  });
  const ask = async (/** @type {string} */ typed) =>
    (await on.properties(event.event))
      .filter((one) => one.toLowerCase().includes(typed.toLowerCase()))
      .map((value) => ({ value }));
  return h("div", { class: "rule-row" }, suggesting(input, ask, add));
}

/** @param {On} on @param {SegmentNode} node */
function segmentRows(on, node) {
  const catalog = on.catalog;
  const op = select(
    { "aria-label": "In or not in", "data-focus": "op" },
    [["", catalog.segment_operators.map((one) => [one.op, one.label])]],
    node.op,
  );
  op.addEventListener("change", () => {
    node.op = /** @type {HTMLSelectElement} */ (op).value;
    on.changed(true);
  });
  const which = select(
    { "aria-label": "Segment", "data-focus": "value" },
    [["", catalog.segments.map((one) => [one.id, one.name])]],
    node.segment,
  );
  which.addEventListener("change", () => {
    node.segment = /** @type {HTMLSelectElement} */ (which).value;
    on.changed(true);
  });
  return [h("div", { class: "rule-row" }, op), h("div", { class: "rule-row" }, which)];
}

/** @param {On} on @param {CheckpointNode} node */
function checkpointRows(on, node) {
  const catalog = on.catalog;
  const op = select(
    { "aria-label": "Reached or not", "data-focus": "op" },
    [["", catalog.checkpoint_operators.map((one) => [one.op, one.label])]],
    node.op,
  );
  op.addEventListener("change", () => {
    node.op = /** @type {HTMLSelectElement} */ (op).value;
    node.days = catalog.checkpoint_operators.find((one) => one.op === node.op)?.windowed ? 28 : null;
    on.redraw(node.id, "op");
  });
  const which = select(
    { "aria-label": "Checkpoint", "data-focus": "value" },
    [["", catalog.checkpoints.map((one) => [String(one.number), one.name])]],
    String(node.checkpoint),
  );
  which.addEventListener("change", () => {
    node.checkpoint = Number(/** @type {HTMLSelectElement} */ (which).value);
    node.after = node.after.length ? before(catalog, node.checkpoint) : [];
    on.redraw(node.id, "value");
  });
  const days =
    node.days === null
      ? []
      : [whole(node.days, "Days", (value) => ((node.days = value), on.changed())), " days"];
  return [
    h("div", { class: "rule-row" }, op, ...days),
    h("div", { class: "rule-row" }, which),
    ...orderRow(on, node),
  ];
}

/** The checkpoints of the funnel that stand before one.
 * @param {import("./catalog.js").Catalog} catalog @param {number} number */
function before(catalog, number) {
  const numbers = catalog.checkpoints.map((one) => one.number);
  return numbers.slice(0, Math.max(0, numbers.indexOf(number)));
}

/** Whether it counts only behind others, as it does in the funnel. @param {On} on @param {CheckpointNode} node */
function orderRow(on, node) {
  const { catalog } = on;
  const all = before(catalog, node.checkpoint);
  const chosen = node.after.length ? node.after : all;
  if (!chosen.length) return [];
  const names = chosen.map((n) => catalog.checkpoints.find((one) => one.number === n)?.name ?? String(n));
  const order = select(
    { "aria-label": "Order", "data-focus": "order" },
    [["", [["", "in whatever order"], ["after", `after ${names.join(", then ")}`]]]],
    node.after.length ? "after" : "",
  );
  order.addEventListener("change", () => {
    node.after = /** @type {HTMLSelectElement} */ (order).value ? chosen : [];
    on.changed(true);
  });
  return [h("div", { class: "rule-row" }, order)];
}

/** @param {On} on @param {CampaignNode} node */
function campaignRows(on, node) {
  const catalog = on.catalog;
  const op = select(
    { "aria-label": "What came of it", "data-focus": "op" },
    [["", catalog.campaign_operators.map((one) => [one.op, one.label])]],
    node.op,
  );
  op.addEventListener("change", () => {
    node.op = /** @type {HTMLSelectElement} */ (op).value;
    on.redraw(node.id, "op");
  });
  const which = select(
    { "aria-label": "Campaign", "data-focus": "value" },
    [["", catalog.campaigns.map((one) => [one.id, one.name])]],
    node.campaign,
  );
  which.addEventListener("change", () => {
    node.campaign = /** @type {HTMLSelectElement} */ (which).value;
    node.step = node.variant = null;
    on.redraw(node.id, "value");
  });
  return [h("div", { class: "rule-row" }, op), h("div", { class: "rule-row" }, which), ...stepRows(on, node)];
}

/** Which of the campaign's steps, and which of its messages. @param {On} on @param {CampaignNode} node */
function stepRows(on, node) {
  const catalog = on.catalog;
  const operator = catalog.campaign_operators.find((one) => one.op === node.op);
  const of = operator?.of_step ?? "never";
  if (of === "never") {
    node.step = node.variant = null;
    return [];
  }
  const all = catalog.campaigns.find((one) => one.id === node.campaign)?.steps ?? [];
  const steps = operator?.of_email && of === "may" ? all.filter((one) => one.variants.length) : all;
  // A step that was taken out since is kept as it was said.
  if (of === "must" && !node.step) node.step = steps[0]?.id ?? null;
  /** @type {[string, string][]} */
  const options = steps.map((one) => [one.id, one.name]);
  if (node.step && !steps.some((one) => one.id === node.step)) options.push([node.step, node.step]);
  if (of === "may") options.unshift(["", "the whole campaign"]);
  if (options.length < (of === "may" ? 2 : 1)) return [];
  const step = select({ "aria-label": "Step", "data-focus": "step" }, [["", options]], node.step ?? "");
  step.addEventListener("change", () => {
    node.step = /** @type {HTMLSelectElement} */ (step).value || null;
    node.variant = null;
    on.redraw(node.id, "step");
  });
  const variants = steps.find((one) => one.id === node.step)?.variants ?? [];
  const rows = [h("div", { class: "rule-row" }, step)];
  if (!operator?.of_email || variants.length < 2) return rows;
  /** @type {[string, string][]} */
  const messages = [["", "any message"], ...variants.map((one) => /** @type {[string, string]} */ ([one, `message ${one.toUpperCase()}`]))];
  const message = select({ "aria-label": "Message", "data-focus": "variant" }, [["", messages]], node.variant ?? "");
  message.addEventListener("change", () => {
    node.variant = /** @type {HTMLSelectElement} */ (message).value || null;
    on.changed(true);
  });
  return [...rows, h("div", { class: "rule-row" }, message)];
}

const TYPES = /** @type {Record<string, string>} */ ({
  text: "Text",
  number: "Number",
  date: "Date",
  boolean: "True or false",
  ip: "IP address",
  any: "Any value",
});

/** Operators as options; of custom values by type, since a key may be several types'.
 * @param {{op: string, type: string, label: string}[]} all @param {boolean} byType
 * @returns {[string, [string, string][]][]}
 */
function groupsOf(all, byType) {
  /** @param {{op: string, type: string, label: string}} one @returns {[string, string]} */
  const option = (one) => [`${one.type}:${one.op}`, one.label];
  if (!byType) return [["", all.map(option)]];
  const types = [...new Set(all.map((one) => one.type))];
  return types.map((type) => [
    TYPES[type] ?? type,
    all.filter((one) => one.type === type).map(option),
  ]);
}
