// What the server says there is to filter by: fields, operators, events, segments.

/** @typedef {{key: string, label: string, type: string, likely?: string, icon: string}} Field */
/** @typedef {{op: string, type: string, label: string, operand: string}} Operator */
/**
 * @typedef {{
 *   groups: {label: string, fields: Field[]}[],
 *   types: Record<string, Operator[]>,
 *   events: {name: string, people: number | null}[],
 *   event_operators: {op: string, label: string}[],
 *   segments: {id: string, name: string}[],
 *   segment_operators: {op: string, label: string}[],
 *   campaigns: {id: string, name: string, steps: {id: string, name: string, variants: string[]}[]}[],
 *   campaign_operators: {op: string, label: string, of_step: string, of_email: boolean}[],
 *   checkpoints: {number: number, name: string}[],
 *   checkpoint_operators: {op: string, label: string, windowed: boolean}[],
 *   kinds: string[], flags: Record<string, string>,
 *   levels: number, conditions: number, days: number, count: number,
 * }} Catalog
 */

const OPERANDS_OF_NUMBERS = new Set(["number", "numbers"]);

/** The field of that key; one the project has not said yet is a custom one.
 * @param {Catalog} catalog @param {string} key @returns {Field}
 */
export function fieldOf(catalog, key) {
  for (const { fields } of catalog.groups) {
    const found = fields.find((one) => one.key === key);
    if (found) return found;
  }
  const label = key.split(".").slice(1).join(".") || key;
  return { key, label, type: "custom", icon: "braces" };
}

/** The operator of a condition: with custom values its key alone does not tell the type.
 * @param {Catalog} catalog @param {Field} field @param {string} op @param {string} type
 * @param {any} value
 * @returns {Operator | undefined}
 */
export function operatorOf(catalog, field, op, type, value) {
  const found = (catalog.types[field.type] ?? []).filter((one) => one.op === op);
  if (found.length < 2) return found[0];
  const exact = found.find((one) => one.type === type);
  if (exact) return exact;
  const sample = Array.isArray(value) ? value[0] : value;
  if (typeof sample === "boolean") return found.find((one) => one.operand === "boolean");
  if (typeof sample === "number") return found.find((one) => OPERANDS_OF_NUMBERS.has(one.operand));
  if (op === "between") return found.find((one) => one.operand === "moments");
  return found[0];
}

/** The operator a new condition on the field begins with.
 * @param {Catalog} catalog @param {Field} field @returns {Operator}
 */
export function firstOperator(catalog, field) {
  const all = catalog.types[field.type] ?? [];
  const likely = field.likely ?? all[0]?.type;
  const first = likely === "date" || field.type === "date" ? "within_last" : undefined;
  return (
    all.find((one) => one.op === first) ?? all.find((one) => one.type === likely) ?? all[0]
  );
}

/** What an operator's value is before anything is said. @param {string} operand @returns {any} */
export function blank(operand) {
  switch (operand) {
    case "nothing":
      return undefined;
    case "texts":
    case "kinds":
      return [];
    case "numbers":
    case "moments":
      return ["", ""];
    case "boolean":
      return true;
    case "days":
      return 28;
    case "kind":
      return "user";
    default:
      return "";
  }
}

/** A value as another operator can take it, as far as it can.
 * @param {any} value @param {string} from @param {string} to @returns {any}
 */
export function carried(value, from, to) {
  if (from === to) return value;
  const one = Array.isArray(value) ? value[0] : value;
  const isText = typeof one === "string" && one !== "";
  if (to === "texts" && from === "text" && isText) return [one];
  if (to === "text" && from === "texts" && isText) return one;
  if (to === "kinds" && from === "kind") return [one];
  if (to === "kind" && from === "kinds" && one) return one;
  if (to === "moments" && from === "moment" && isText) return [one, one];
  if (to === "moment" && from === "moments" && isText) return one;
  if (to === "numbers" && from === "number" && typeof one === "number") return [one, one];
  if (to === "number" && from === "numbers" && typeof one === "number") return one;
  if (to === "network" && from === "address") return value;
  return blank(to);
}
