// A filter as the panel holds it: groups and conditions that may be unfinished, and the way to the
// filter language's JSON and back. What is unfinished is left out of the JSON.

/** @typedef {{kind: "group", id: number, not: boolean, every: boolean, parts: Node[]}} Group */
/** @typedef {{kind: "field", id: number, field: string, type: string, op: string, value: any}} FieldNode */
/** @typedef {{kind: "event", id: number, event: string, op: string, count: any, days: any, where: FieldNode[]}} EventNode */
/** @typedef {{kind: "segment", id: number, segment: string, op: string}} SegmentNode */
/** @typedef {{kind: "campaign", id: number, campaign: string, op: string, step: string | null, variant: string | null}} CampaignNode */
/** @typedef {{kind: "raw", id: number, json: any}} RawNode a condition the panel cannot edit */
/** @typedef {{kind: "checkpoint", id: number, checkpoint: number, op: string, days: number | null, after: number[]}} CheckpointNode */
/** @typedef {Group | FieldNode | EventNode | SegmentNode | CheckpointNode | CampaignNode | RawNode} Node */

let last = 0;
export const nextId = () => (last += 1);

/** @param {Partial<Group>} [given] @returns {Group} */
export const group = (given = {}) => ({
  kind: "group",
  id: nextId(),
  not: false,
  every: true,
  parts: [],
  ...given,
});

/** The tree of a filter; whatever is not one is an empty group.
 * @param {any} json @returns {Group}
 */
export function read(json) {
  const node = readNode(json);
  if (node?.kind === "group") return node;
  return group({ parts: node ? [node] : [] });
}

/** @param {any} json @returns {Node | null} */
function readNode(json) {
  if (!json || typeof json !== "object") return null;
  if (Array.isArray(json.all) || Array.isArray(json.any)) {
    const every = Array.isArray(json.all);
    const parts = (every ? json.all : json.any).map(readNode).filter(Boolean);
    return group({ every, parts });
  }
  if (json.not) {
    const inner = readNode(json.not);
    if (!inner) return null;
    if (inner.kind === "group" && !inner.not) return { ...inner, not: true };
    return group({ not: true, parts: [inner] });
  }
  if (typeof json.segment === "string") {
    return { kind: "segment", id: nextId(), segment: json.segment, op: json.op ?? "is_in" };
  }
  if (typeof json.campaign === "string") {
    const { campaign, op = "opened", step = null, variant = null } = json;
    return { kind: "campaign", id: nextId(), campaign, op, step, variant };
  }
  if (typeof json.checkpoint === "number") {
    const { checkpoint, op = "reached", days = null } = json;
    const after = Array.isArray(json.after) ? json.after : [];
    return { kind: "checkpoint", id: nextId(), checkpoint, op, days, after };
  }
  if (typeof json.event === "string") {
    const where = Array.isArray(json.where) ? json.where.map(readField) : [];
    const { event, op = "at_least", count = 1, within_days: days = null } = json;
    return { kind: "event", id: nextId(), event, op, count, days, where };
  }
  if (typeof json.field === "string") return readField(json);
  return { kind: "raw", id: nextId(), json }; // kept as it is, so that nothing of a rule is lost
}

/** @param {any} json @returns {FieldNode} */
function readField(json) {
  const { field = "", op = "", value = null } = json ?? {};
  return { kind: "field", id: nextId(), field, type: "", op, value };
}

/** The filter of a tree, or null where nothing in it is finished. `places` learns where in the
 * filter each node's condition stands.
 * @param {Node} node @param {string} [at] @param {Map<string, number>} [places] @returns {any}
 */
export function write(node, at = "filter", places = new Map()) {
  places.set(at, node.id);
  if (node.kind === "group") return writeGroup(node, at, places);
  if (node.kind === "segment") {
    return node.segment ? { segment: node.segment, op: node.op } : null;
  }
  if (node.kind === "checkpoint") return writeCheckpoint(node);
  if (node.kind === "campaign") {
    const { campaign, op, step, variant } = node;
    return campaign ? { campaign, op, ...(step ? { step } : {}), ...(step && variant ? { variant } : {}) } : null;
  }
  if (node.kind === "event") return writeEvent(node);
  return node.kind === "raw" ? node.json : writeField(node);
}

/** @param {CheckpointNode} node */
function writeCheckpoint({ checkpoint, op, days, after }) {
  return {
    checkpoint,
    op,
    ...(op === "reached_within" ? { days: days ?? 28 } : {}),
    ...(after.length ? { after } : {}),
  };
}

/** @param {Group} node @param {string} at @param {Map<string, number>} places */
function writeGroup(node, at, places) {
  const word = node.every ? "all" : "any";
  const here = node.not ? `${at}.not.${word}` : `${at}.${word}`;
  const parts = [];
  for (const part of node.parts) {
    const written = write(part, `${here}[${parts.length}]`, places);
    if (written) parts.push(written);
  }
  if (!parts.length) return null;
  return node.not ? { not: { [word]: parts } } : { [word]: parts };
}

/** @param {EventNode} node */
function writeEvent(node) {
  if (!node.event || !Number.isInteger(node.count) || node.days === "") return null;
  const where = node.where.map(writeField).filter(Boolean);
  return {
    event: node.event,
    op: node.op,
    count: node.count,
    ...(node.days === null ? {} : { within_days: node.days }),
    ...(where.length ? { where } : {}),
  };
}

/** @param {FieldNode} node */
function writeField(node) {
  const { field, op, value } = node;
  if (!field || !op) return null;
  if (value === undefined) return { field, op };
  return isFinished(value) ? { field, op, value } : null;
}

/** @param {any} value @returns {boolean} */
function isFinished(value) {
  if (Array.isArray(value)) return value.length > 0 && value.every(isFinished);
  return value !== null && String(value).trim() !== "" && !Number.isNaN(value);
}

/** Whether the condition says enough to be asked. @param {Node} node */
export const isWhole = (node) => node.kind === "group" || write(node) !== null;

/** @param {Node} node @returns {number} conditions in it, finished or not */
export function conditions(node) {
  if (node.kind === "group") return node.parts.reduce((sum, part) => sum + conditions(part), 0);
  return node.kind === "event" ? 1 + node.where.length : 1;
}

/** How deep the filter would be with one more condition in the group.
 * @param {Node} node @param {Group} into @returns {number}
 */
export function levelsWith(node, into) {
  if (node.kind !== "group") return 1;
  const own = node.not ? 2 : 1;
  const inner = node.parts.map((part) => levelsWith(part, into));
  return own + Math.max(0, ...inner, node === into ? 1 : 0);
}

/** The group that holds a node. @param {Group} root @param {Node} node @returns {Group | null} */
export function parentOf(root, node) {
  if (root.parts.includes(node)) return root;
  for (const part of root.parts) {
    const found = part.kind === "group" ? parentOf(part, node) : null;
    if (found) return found;
  }
  return null;
}

/** @param {Node} root @param {number} id @returns {Node | null} */
export function find(root, id) {
  if (root.id === id) return root;
  const inner = root.kind === "group" ? root.parts : root.kind === "event" ? root.where : [];
  for (const part of inner) {
    const found = find(part, id);
    if (found) return found;
  }
  return null;
}
