import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";
import type { Logger } from "./ports.ts";

// Redacted wherever they are in a line. By hand: the logger looks for each of them in each line.
const secretNames: ReadonlySet<string> = new Set([
  "password",
  "newPassword",
  "currentPassword",
  "securityAnswer",
  "token",
  "resetToken",
  "deviceToken",
  "authorization",
  "apiKey",
  "card",
  "card_number",
  "cvv",
]);
const redacted = "[redacted]";

// Characters. A caller chooses what a path or a header holds, and must not choose how much the log holds.
const longestText = 200;
const longestMessage = 2_000;
const longestStack = 4_000;
const mostItems = 50;
const deepestValue = 4;
const mostCauses = 5;

// A line costs a caller no write: lines are written together, once there are so many bytes of them or after so long.
const writtenTogether = 4_096;
const writeEveryMs = 100;
// While nothing reads the output, lines beyond so many bytes are lost instead of filling the memory.
const mostWaiting = 16 * 1_024 * 1_024;

/** A logger whose lines may still wait to be written. */
export interface BufferedLogger extends Logger {
  /** Writes all lines so far before it returns; those that are just being written may come after later ones. */
  flush(): void;
}

/**
 * JSON lines, one per event. Secrets are redacted by name; of an error only what cannot hold a caller's values is written. Values are bounded:
 * a text has 200 characters at most, an error's message 2,000, its stack 4,000, and lists and objects 50 items each and four levels.
 */
export function createLogger(level: string, destination: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: boundFields },
    serializers: { err: (error: unknown) => describeError(error) },
  };
  const logger: PinoLogger = pino(options, destination);
  return logger;
}

/**
 * A logger whose lines reach standard output within a tenth of a second, and all of them when the process ends by itself, by `process.exit` or by an
 * uncaught error. A process that is ended in another way, such as SIGKILL or a crash of Node itself, loses those of the last tenth.
 */
export function createProcessLogger(level: string): BufferedLogger {
  const destination = pino.destination({
    sync: false,
    minLength: writtenTogether,
    periodicFlush: writeEveryMs,
    maxLength: mostWaiting,
  });
  return Object.assign(createLogger(level, destination), { flush: () => destination.flushSync() });
}

// Most lines are small as they are, and are not copied.
function boundFields(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name in fields) {
    // An error is described, and cut there.
    if (secretNames.has(name) || (name !== "err" && !isSmall(fields[name]))) return boundObject(fields, 0);
  }
  return fields;
}

function isSmall(value: unknown): boolean {
  if (typeof value === "string") return value.length <= longestText;
  return typeof value !== "object" || value === null;
}

function boundObject(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value);
  const bounded = entries.slice(0, mostItems).map(([name, item]: [string, unknown]) => {
    if (secretNames.has(name)) return [name, redacted] as const;
    const isError = depth === 0 && name === "err";
    return [cut(name, longestText), isError ? item : bound(item, depth + 1)] as const;
  });
  const left = entries.length - bounded.length;
  return Object.fromEntries(left === 0 ? bounded : [...bounded, ["…", `(${left} more)`]]);
}

function bound(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cut(value, longestText);
  if (typeof value !== "object" || value === null) return value;
  // Dates and Decimals say themselves how they are written.
  if (writesItself(value)) return bound(value.toJSON(), depth);
  if (depth >= deepestValue) return "…";
  if (!Array.isArray(value)) return boundObject(value, depth);
  const bounded = value.slice(0, mostItems).map((item: unknown) => bound(item, depth + 1));
  const left = value.length - bounded.length;
  return left === 0 ? bounded : [...bounded, `… (${left} more)`];
}

function writesItself(value: object): value is { toJSON(): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

// What is cut says how long it was, and is no longer than the limit with that.
function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const end = `… (${text.length} characters)`;
  return text.slice(0, longest - end.length) + end;
}

// Postgres errors carry the values of rows and statements in detail, where and parameters; those stay here.
function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = "code" in error ? error.code : undefined;
  const constraint = "constraint" in error ? error.constraint : undefined;
  const hasCause = error.cause instanceof Error && depth < mostCauses;
  return {
    type: bound(error.name, 1),
    message: cut(error.message, longestMessage),
    code: bound(code, 1),
    constraint: bound(constraint, 1),
    stack: error.stack === undefined ? undefined : cut(error.stack, longestStack),
    cause: hasCause ? describeError(error.cause, depth + 1) : undefined,
  };
}
