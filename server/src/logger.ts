import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";
import type { Logger } from "./deps.ts";

// Redaction is exact in depth, so each name is covered at the top and one level down.
const secretNames = [
  "password",
  "newPassword",
  "currentPassword",
  "securityAnswer",
  "token",
  "resetToken",
  "authorization",
  "apiKey",
  "card",
  "card_number",
  "cvv",
];

/** JSON lines, one per event. Secrets are redacted by name; of an error only what cannot hold a caller's values is written. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
    serializers: { err: describeError },
  };
  const logger: PinoLogger = destination === undefined ? pino(options) : pino(options, destination);
  return logger;
}

// Postgres errors carry the values of rows and statements in detail, where and parameters; those stay here.
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, message, stack } = error;
  const code = "code" in error ? error.code : undefined;
  const constraint = "constraint" in error ? error.constraint : undefined;
  const cause = error.cause instanceof Error ? describeError(error.cause) : undefined;
  return { type: name, message, code, constraint, stack, cause };
}
