import { TRPCError, type TRPC_ERROR_CODE_KEY, type TRPCErrorShape } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { sqlState } from "@skyfox/db";
import { z } from "zod";
import {
  procedureCodes,
  transportCodes,
  type DomainCode,
  type ErrorData,
  type FieldProblem,
} from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";

/** The error as the client gets it, inside tRPC's envelope. */
export interface ErrorShape extends TRPCErrorShape<ErrorData> {
  message: string;
  data: ErrorData;
}

/** Turns whatever a procedure threw into the tRPC error that carries it: the caller's input, the domain's no, or our fault. */
export function toTransportError(error: TRPCError): TRPCError {
  const refusal = findRefusal(error);
  if (refusal !== undefined) {
    const isCarried = error.cause === refusal && error.code === transportCodes[refusal.problem.code];
    return isCarried ? error : carry(refusal);
  }
  if (error.code === "INTERNAL_SERVER_ERROR" && isDatabaseBusyOrGone(error.cause)) {
    const details = { retryAfterSeconds: databaseRetrySeconds };
    return carry(new DomainError({ code: "DATABASE_UNAVAILABLE", details }, null, error.cause));
  }
  return error;
}

/** The tRPC error that carries a domain error. */
export function carry(refusal: DomainError): TRPCError {
  return new TRPCError({
    code: transportCodes[refusal.problem.code],
    message: refusal.message,
    cause: refusal,
  });
}

/** The tRPC error of a request that fails as a whole, for a reason that the domain has no code for. */
export function transportError(code: TRPC_ERROR_CODE_KEY, cause?: unknown): TRPCError {
  return new TRPCError({ code, cause });
}

/** Whether a request failed with an error that has a transport code of its own. */
export function isTransportError(error: unknown): error is TRPCError {
  return error instanceof TRPCError;
}

/** What is known of the call that an error answers. */
export interface FailedCall {
  path: string | undefined;
  requestId: string;
  /** How many calls share the answer, and so its size; one unless said. */
  calls?: number | undefined;
}

/**
 * Builds the published shape; texts of unexpected errors and of libraries never leave the server. An answer lists at most ten problems and is
 * never longer than 8 KB, whatever the caller wrote.
 */
export function shapeError(error: TRPCError, { path, requestId, calls = 1 }: FailedCall): ErrorShape {
  const refusal = findRefusal(error);
  return {
    code: TRPC_ERROR_CODES_BY_KEY[error.code],
    message: refusal?.message ?? sentenceFor(error.code, requestId),
    data: {
      code: error.code,
      httpStatus: getHTTPStatusCodeFromError(error),
      path: path === undefined ? null : cut(path),
      requestId,
      domain: refusal?.problem ?? null,
      fields: refusal?.fields ? shorten(refusal.fields, calls) : null,
    },
  };
}

function shorten(fields: FieldProblem[], calls: number): FieldProblem[] {
  const most = Math.max(1, Math.floor(maxProblems / calls));
  const longest = calls === 1 ? maxNameLength : maxNameLength / 2;
  const listed = fields.slice(0, most).map(({ field, message }) => ({ field: cut(field, longest), message }));
  if (fields.length <= most) return listed;
  return [...listed, { field: "", message: `There are ${fields.length - most} more problems.` }];
}

function cut(text: string, longest = maxNameLength): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

/** Whether a procedure lists this domain code in the contract. */
export function isListed(path: string, code: DomainCode): boolean {
  const listed: Record<string, readonly DomainCode[]> = procedureCodes;
  return listed[path]?.includes(code) ?? false;
}

/** The domain's no inside an error, also where a schema or a parser said it. */
export function findRefusal(error: TRPCError): DomainError | undefined {
  if (error.cause instanceof DomainError) return error.cause;
  if (error.code !== "BAD_REQUEST" && error.code !== "PARSE_ERROR") return undefined;
  if (error.cause instanceof z.ZodError) return readIssues(error.cause);
  const message =
    error.cause instanceof SyntaxError ? "The input is not valid JSON." : "The call is malformed.";
  return new DomainError({ code: "VALIDATION_ERROR" }, [{ field: "", message }]);
}

function readIssues(error: z.ZodError): DomainError {
  const ofTheDomain = error.issues.map((issue) =>
    issue.code === "custom" ? domainOf(issue.params) : undefined,
  );
  const first = ofTheDomain.find((domain) => domain !== undefined);
  if (first !== undefined && ofTheDomain.every((domain) => domain !== undefined))
    return new DomainError(first);
  const fields = error.issues.flatMap(toFields);
  return new DomainError({ code: "VALIDATION_ERROR" }, fields);
}

// Schemas name the domain error that a refusal stands for in the issue's parameters.
function domainOf(params: Record<string, unknown> | undefined) {
  return params?.["domain"] as ConstructorParameters<typeof DomainError>[0] | undefined;
}

function toFields(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: fieldName([...issue.path, key]),
      message: "There is no such field.",
    }));
  }
  return [{ field: fieldName(issue.path), message: issue.message }];
}

function fieldName(path: PropertyKey[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === "number") return `${name}[${part}]`;
    return name === "" ? String(part) : `${name}.${String(part)}`;
  }, "");
}

// What passes by itself mostly does within seconds: a lock, a full pool, a failover.
const databaseRetrySeconds = 2;

const maxProblems = 10;
// The longest name of a field or a procedure that there is has half of it.
const maxNameLength = 80;

const unavailableStates = new Set([
  "25006",
  "55P03",
  "57014",
  "57P01",
  "57P02",
  "57P03",
  "25P03",
  "25P04",
  "40001",
  "40P01",
]);

// pg has no codes for what happens to a connection on our side; the last one is a statement after a connection that died.
const connectionMessages =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/;

// A Postgres that is stopped has no Unix socket; one with too many waiting callers takes no more.
const socketFaults = ["ENOENT", "EAGAIN"];

/** Whether the database was only busy, starting, in recovery or out of reach when it failed: the same may well succeed in a moment. */
export function isDatabaseBusyOrGone(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const state = sqlState(cause);
  if (state !== undefined) return unavailableStates.has(state) || /^(08|53)/.test(state);
  if ("code" in cause && typeof cause.code === "string") {
    if (["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(cause.code)) return true;
    return "syscall" in cause && cause.syscall === "connect" && socketFaults.includes(cause.code);
  }
  return connectionMessages.test(cause.message);
}

function sentenceFor(code: TRPC_ERROR_CODE_KEY, requestId: string): string {
  switch (code) {
    case "NOT_FOUND":
      return "There is no such procedure.";
    case "METHOD_NOT_SUPPORTED":
      return "Call queries by GET and mutations by POST.";
    case "UNSUPPORTED_MEDIA_TYPE":
      return "Send the input as application/json.";
    case "PAYLOAD_TOO_LARGE":
      return "The input is too large.";
    case "TIMEOUT":
      return "The request came too slowly. Send it again.";
    default:
      return `Something went wrong on our side. If you ask about it, name the request ${requestId}.`;
  }
}
