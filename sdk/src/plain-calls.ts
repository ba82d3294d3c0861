import { TRPCClientError } from "@trpc/client";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import type { AppRouter } from "@skyfox/server/api";
import {
  plainCodes,
  type DomainProblem,
  type ErrorData,
  type FieldProblem,
} from "@skyfox/server/contract/plain";
import type { Fetch } from "./timeout.ts";

/** How to reach what is not a procedure. */
export interface PlainAccess {
  url: string;
  headers: () => Promise<Record<string, string>>;
  fetch: Fetch | undefined;
  timeoutMs: number;
}

export interface PlainCall {
  /** As callers know it, such as `tickets.keys`: the `path` of its errors. */
  name: string;
  /** Below the server's address. */
  path: string;
  signal: AbortSignal | undefined;
}

/**
 * Makes a call and has `read` make its result of a good answer; undefined means that the answer is not SkyFox's. Rejects as a procedure does:
 * with a `SkyfoxError`, or with a `TRPCClientError` that `isSkyfoxError` does not accept when SkyFox did not answer. The timeout is for the
 * time until `read` is done.
 */
export type GetPlain = <Result>(
  call: PlainCall,
  read: (response: Response) => Promise<Result | undefined> | Result | undefined,
) => Promise<Result>;

/** The calls outside of tRPC. They are not repeated. */
export function connectPlainCalls({ url, headers, fetch, timeoutMs }: PlainAccess): GetPlain {
  return async ({ name, path, signal }, read) => {
    const patience = new AbortController();
    const timer = setTimeout(() => {
      patience.abort(new DOMException("SkyFox did not answer in time.", "TimeoutError"));
    }, timeoutMs);
    try {
      const response = await (fetch ?? globalThis.fetch)(`${url}${path}`, {
        headers: await headers(),
        signal: signal ? AbortSignal.any([signal, patience.signal]) : patience.signal,
      });
      if (!response.ok) throw await readError(response, name);
      const result = await read(response);
      if (result === undefined) throw notOurs(response);
      return result;
    } catch (error) {
      throw TRPCClientError.from(
        error instanceof Error ? error : new Error("The request failed.", { cause: error }),
      );
    } finally {
      clearTimeout(timer);
    }
  };
}

const codesByStatus: Record<number, keyof typeof TRPC_ERROR_CODES_BY_KEY> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  429: "TOO_MANY_REQUESTS",
  503: "SERVICE_UNAVAILABLE",
};

interface PlainError {
  status: "ERROR";
  code: string;
  message: string;
  request_id: string;
  details?: unknown;
  errors?: FieldProblem[];
}

// The error as the same refusal of a procedure would be.
async function readError(response: Response, path: string): Promise<TRPCClientError<AppRouter>> {
  const body: unknown = await response.json().catch(() => undefined);
  if (!isPlainError(body)) return notOurs(response);
  const code = codesByStatus[response.status] ?? "INTERNAL_SERVER_ERROR";
  const data: ErrorData = {
    code,
    httpStatus: response.status,
    path,
    requestId: body.request_id,
    domain: plainCodes.some((known) => known === body.code)
      ? ({ code: body.code, details: body.details ?? null } as DomainProblem)
      : null,
    fields: body.errors ?? null,
  };
  const result = { error: { code: TRPC_ERROR_CODES_BY_KEY[code], message: body.message, data } };
  return new TRPCClientError(body.message, { result, meta: { response } });
}

function notOurs(response: Response): TRPCClientError<AppRouter> {
  return new TRPCClientError("The answer is not SkyFox's.", { meta: { response } });
}

function isPlainError(body: unknown): body is PlainError {
  if (typeof body !== "object" || body === null) return false;
  const { status, code, message, request_id } = body as Record<string, unknown>;
  return status === "ERROR" && [code, message, request_id].every((text) => typeof text === "string");
}
