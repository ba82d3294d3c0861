import {
  Decimal,
  deserializeInput,
  forbiddenNames,
  parseAmount,
  type Serialized,
} from "../contract/index.ts";
import { DomainError, invalidInput } from "../errors/domain-error.ts";

const maxDepth = 12;
const misplaced = 'The input belongs below "json", with at most "meta" beside it, as SuperJSON writes it.';

/**
 * Reads an input only after looking at it: with no types but Date, undefined and Decimal, at most twelve levels deep, and with text that
 * Postgres can hold. Throws `VALIDATION_ERROR`.
 */
export function readInput(serialized: unknown): unknown {
  if (!isRecord(serialized)) refuse("", misplaced);
  const { json, meta, ...rest } = serialized;
  if (Object.keys(rest).length > 0) refuse("", misplaced);
  checkValue(json, "", 0);
  const input = readTypes({ json, meta } as Serialized);
  if (input instanceof Date || Decimal.isDecimal(input)) refuse("", "The input has no fields.");
  return input;
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

function readTypes(serialized: Serialized): unknown {
  try {
    return deserializeInput(serialized, readAmount);
  } catch (error) {
    if (error instanceof RangeError) refuse("", error.message);
    throw error;
  }
}

function readAmount(json: unknown, path: string): Decimal {
  try {
    return parseAmount(json);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(path.replaceAll(/\.(\d+)(?=\.|$)/g, "[$1]"), error.message);
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
      if (forbiddenNames.has(key) || key.includes("\0") || !key.isWellFormed()) {
        refuse(path, "The input has a field whose name is not allowed.");
      }
      checkValue(item, path === "" ? key : `${path}.${key}`, depth + 1);
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(field: string, message: string): never {
  throw invalidInput(field, message);
}
