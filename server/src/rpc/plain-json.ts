import { Decimal, formatAmount } from "../contract/index.ts";
import type { ErrorShape } from "./error-shape.ts";

/** An error outside of tRPC's envelope. */
export interface PlainError {
  status: "ERROR";
  code: string;
  message: string;
  request_id: string;
  /** Of a domain code that has some. */
  details?: object;
  errors?: { field: string; message: string }[];
}

/** Writes a value as JSON without types: amounts as text with two decimals, instants in ISO 8601 with `Z`. */
export function writePlain(value: unknown): string {
  // What a replacer is given has gone through toJSON, which is not how amounts are written.
  return JSON.stringify(value, function (this: Record<string, unknown>, key: string, written: unknown) {
    const own = this[key];
    return Decimal.isDecimal(own) ? formatAmount(own) : written;
  });
}

/** The plain shape of an error. */
export function plainError({ message, data }: ErrorShape): PlainError {
  const { code, requestId, domain, fields } = data;
  return {
    status: "ERROR",
    code: domain?.code ?? code,
    message,
    request_id: requestId,
    ...(domain?.details && { details: domain.details }),
    ...(fields !== null && { errors: fields }),
  };
}
