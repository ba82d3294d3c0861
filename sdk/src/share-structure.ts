import { Decimal } from "@skyfox/server/contract/plain";

/**
 * The new data, in which every part that is equal to the old one is the old one, so that React renders only what has changed. Knows amounts and
 * instants beside what JSON has; TanStack's own sharing takes each of these for changed.
 */
export function shareStructure(before: unknown, after: unknown): unknown {
  if (before === after || isSameValue(before, after)) return before;
  if (Array.isArray(before) && Array.isArray(after)) {
    const shared = after.map((item, index) => shareStructure(before[index], item));
    return before.length === after.length && shared.every((item, index) => item === before[index])
      ? before
      : shared;
  }
  if (!isRecord(before) || !isRecord(after)) return after;
  const names = Object.keys(after);
  const shared = Object.fromEntries(names.map((name) => [name, shareStructure(before[name], after[name])]));
  const isUnchanged = names.every((name) => Object.hasOwn(before, name) && shared[name] === before[name]);
  return isUnchanged && names.length === Object.keys(before).length ? before : shared;
}

function isSameValue(before: unknown, after: unknown): boolean {
  if (before instanceof Date && after instanceof Date) return before.getTime() === after.getTime();
  return Decimal.isDecimal(before) && Decimal.isDecimal(after) && before.eq(after);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
