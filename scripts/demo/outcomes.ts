import { isDeepStrictEqual } from "node:util";
import {
  domainErrorOf,
  formatAmount,
  isSkyfoxError,
  type Decimal,
  type SkyfoxDomainError,
} from "@skyfox/sdk";

/** A step of the journey that did not come out as it should: what was expected and what came, in words. */
export class WrongOutcome extends Error {
  override readonly name = "WrongOutcome";

  constructor(expected: string, came: string, cause?: unknown) {
    super(`Expected: ${expected}\nCame:     ${came}`, { cause });
  }
}

/** Throws `WrongOutcome` unless both are the same in every part. */
export function expectSame(what: string, came: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(came, expected))
    throw new WrongOutcome(`${what}: ${JSON.stringify(expected)}`, JSON.stringify(came) ?? "nothing");
}

/** Throws `WrongOutcome` unless the amounts are equal. */
export function expectAmount(what: string, came: Decimal, expected: Decimal): void {
  expectSame(what, formatAmount(came), formatAmount(expected));
}

/** The refusal with this code that the call must end with; anything else is a `WrongOutcome`. */
export async function getRefusal<Code extends SkyfoxDomainError["code"]>(
  call: Promise<unknown>,
  code: Code,
): Promise<Extract<SkyfoxDomainError, { code: Code }>> {
  const refusal = await call.then(
    () => new WrongOutcome(`a refusal, ${code}`, "the call went through"),
    (error: unknown) => {
      const found = domainErrorOf(error);
      return found !== undefined && hasCode(found, code) ? found : unexpected(`a refusal, ${code}`, error);
    },
  );
  if (refusal instanceof WrongOutcome) throw refusal;
  return refusal;
}

/** What a failed call makes of a step that expected something else. */
export function unexpected(expected: string, error: unknown): WrongOutcome {
  if (error instanceof WrongOutcome) return error;
  if (!isSkyfoxError(error)) return new WrongOutcome(expected, describeFault(error), error);
  const code = error.data.domain?.code ?? error.data.code;
  return new WrongOutcome(expected, `${code}: ${error.message} (request ${error.data.requestId})`, error);
}

function hasCode<Code extends SkyfoxDomainError["code"]>(
  error: SkyfoxDomainError,
  code: Code,
): error is Extract<SkyfoxDomainError, { code: Code }> {
  return error.code === code;
}

// Beneath "fetch failed" lies why it did.
function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? describeFault(error.cause) || error.message : error.message;
}
