import { deserializeInput, parseAmount } from "../contract/index.ts";
import { DomainError, invalidInput } from "../errors/domain-error.ts";

const maxDepth = 12;
const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Reads an input only after looking at it: SuperJSON lets the caller choose types, so only Date, undefined and Decimal pass, without
 * shared references, at most twelve levels deep, and with text that Postgres can hold. Throws `VALIDATION_ERROR`.
 */
export function readInput(serialized: unknown): unknown {
  if (!isRecord(serialized)) refuse("", "The input is not in the form that SuperJSON gives it.");
  const { json, meta, ...rest } = serialized;
  if (Object.keys(rest).length > 0) refuse("", "The input is not in the form that SuperJSON gives it.");
  checkValue(json, "", 0);
  if (meta !== undefined) checkMeta(meta, json);
  try {
    return deserializeInput(serialized as unknown as Parameters<typeof deserializeInput>[0]);
  } catch {
    refuse("", "A value does not have the form of the type that it names.");
  }
}

/** An input that `readInput` has refused. */
export class RefusedInput {
  readonly error: DomainError;

  constructor(error: DomainError) {
    this.error = error;
  }
}

/** As `readInput`, for tRPC, which reads all inputs of a batch together: what it would throw for one call would end the others. */
export function readInputOfCall(serialized: unknown): unknown {
  try {
    return readInput(serialized);
  } catch (error) {
    if (error instanceof DomainError) return new RefusedInput(error);
    throw error;
  }
}

function checkValue(value: unknown, path: string, depth: number): void {
  if (depth > maxDepth) refuse(path, `The input is nested more than ${maxDepth} levels deep.`);
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed())
      refuse(path, "The text has characters that are not allowed.");
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => checkValue(item, `${path}[${index}]`, depth + 1));
  } else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (forbiddenKeys.has(key) || key.includes("\0") || !key.isWellFormed()) {
        refuse(path, "The input has a field whose name is not allowed.");
      }
      checkValue(item, path === "" ? key : `${path}.${key}`, depth + 1);
    }
  }
}

function checkMeta(meta: unknown, json: unknown): void {
  if (!isRecord(meta)) refuse("", "The input's type information is not allowed.");
  const { values, v, ...rest } = meta;
  if (Object.keys(rest).length > 0 || (v !== undefined && v !== 1)) {
    refuse("", "The input's type information is not allowed.");
  }
  if (values === undefined) return;
  // A list is the type of the whole input, which has fields or is left out; an object has the types of values in it by path.
  if (Array.isArray(values)) {
    if (values.length !== 1 || values[0] !== "undefined") refuse("", "The input has no fields.");
    return;
  }
  if (!isRecord(values)) refuse("", "The input's type information is not allowed.");
  for (const [path, type] of Object.entries(values)) {
    assertAllowed(type);
    const value = findValue(json, path);
    if (namesDecimal(type)) assertAmount(path, value);
  }
}

function assertAllowed(type: unknown): void {
  const isAllowed =
    Array.isArray(type) && type.length === 1 && (type[0] === "Date" || type[0] === "undefined");
  if (!isAllowed && !namesDecimal(type)) refuse("", "The input names a type that is not allowed.");
}

function namesDecimal(type: unknown): boolean {
  return Array.isArray(type) && type.length === 1 && isDecimal(type[0]);
}

function isDecimal(custom: unknown): boolean {
  return Array.isArray(custom) && custom.length === 2 && custom[0] === "custom" && custom[1] === "Decimal";
}

// SuperJSON writes also to a path that is not there: into an empty list it would put as many items as the caller says.
function findValue(json: unknown, path: string): unknown {
  let value = json;
  for (const key of path.split(".")) {
    const isIndex = /^\d+$/.test(key);
    if (
      !isParent(value) ||
      key.includes("\\") ||
      (Array.isArray(value) && !isIndex) ||
      !Object.hasOwn(value, key)
    ) {
      refuse("", "The input names the type of a value that is not there.");
    }
    value = value[key];
  }
  return value;
}

function assertAmount(path: string, value: unknown): void {
  try {
    parseAmount(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(path.replaceAll(/\.(\d+)(?=\.|$)/g, "[$1]"), error.message);
  }
}

function isParent(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return isParent(value) && !Array.isArray(value);
}

function refuse(field: string, message: string): never {
  throw invalidInput(field, message);
}
