import { TRPCClientError, type TRPCPromise } from "@trpc/client";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import {
  plainCodes,
  type DomainProblem,
  type ErrorData,
  type FieldProblem,
} from "@skyfox/server/contract/plain";
import { beginCall, describeError, type Call, type CallDefaults } from "./call.ts";
import { isTokenRefused, type Tokens } from "./sessions.ts";
import { outcome, type Outcome } from "./failures.ts";
import type { AppRouter, ErrorShapeOf, OutputOf, PlainCallPath } from "./router.ts";
import { abortErrorOf, lose, readJson, startTimeout, type Fetch } from "./timeout.ts";

/** How to reach what is not a procedure. */
export interface PlainAccess {
  url: string;
  /** Of a request of this call. */
  headers: (call: Call) => Promise<Record<string, string>>;
  tokens: Tokens;
  fetch: Fetch;
  defaults: CallDefaults;
}

/** What every call outside of tRPC takes. */
export interface PlainCallOptions {
  /** Ends the request, and the stream while it is being read. */
  signal?: AbortSignal | undefined;
  /** How long the answer's beginning may take, in milliseconds. */
  timeoutMs?: number | undefined;
}

/** A call outside of tRPC. It rejects as a procedure does; with `.safe` it never does. */
export interface PlainCall<Path extends PlainCallPath, Options extends PlainCallOptions> {
  (options?: Options): TRPCPromise<OutputOf<Path>, ErrorShapeOf<Path>>;
  /** Never rejects: `{ ok: true, data }` or `{ ok: false, error }`. */
  safe: (options?: Options) => Promise<Outcome<Path>>;
}

/** A call with `.safe` beside it. */
export function plainCall<Path extends PlainCallPath, Options extends PlainCallOptions>(
  send: (options: Options | undefined) => Promise<OutputOf<Path>>,
): PlainCall<Path, Options> {
  const call = (options?: Options) => send(options) as TRPCPromise<OutputOf<Path>, ErrorShapeOf<Path>>;
  return Object.assign(call, { safe: async (options?: Options) => await outcome<Path>(call(options)) });
}

/** One request outside of tRPC. */
export interface PlainRequest extends PlainCallOptions {
  /** As callers know it: the `path` of its errors. */
  name: PlainCallPath;
  /** Below the server's address. */
  path: string;
}

/**
 * Makes a call and has `read` make its result of a good answer; undefined means that the answer is not SkyFox's. Rejects as a procedure does:
 * with a `SkyfoxError`, or with a `TRPCClientError` that `isSkyfoxError` does not accept when SkyFox did not answer. The timeout is for the
 * time until `read` is done.
 */
export type GetPlain = <Result>(
  request: PlainRequest,
  read: (response: Response) => Promise<Result | undefined> | Result | undefined,
) => Promise<Result>;

/** The calls outside of tRPC. They are repeated only once their token was refused and refreshed. */
export function connectPlainCalls({ url, headers, tokens, fetch, defaults }: PlainAccess): GetPlain {
  return async ({ name, path, signal, timeoutMs }, read) => {
    const call = beginCall(name, "query", { signal, timeoutMs, retries: 0 }, defaults);
    const request = new AbortController();
    // Kept here, since React Native's signals carry no reason.
    let reason: Error | undefined;
    const giveUp = (error: Error) => {
      reason = error;
      request.abort(error);
    };
    const abort = () => signal && giveUp(abortErrorOf(signal));
    // Stays, for the body that is read later.
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    const stopTimer = startTimeout(call.timeoutMs, giveUp);
    try {
      const response = await send().catch(async (refusal: unknown) => {
        if (!isTokenRefused(refusal) || !(await tokens.refresh(call.token).catch(() => false))) throw refusal;
        return await send();
      });
      const result = await read(response);
      if (result === undefined) throw notOurs(response);
      return result;
    } catch (error) {
      throw describeError(reason ?? error, call, defaults.host);
    } finally {
      stopTimer();
    }

    async function send(): Promise<Response> {
      const init = { headers: await headers(call), signal: request.signal };
      call.attempts += 1;
      const response = await fetch(`${url}${path}`, init).catch((cause: unknown) => lose(cause, undefined));
      if (!response.ok) throw await readError(response, name);
      return response;
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
  const body: unknown = await readJson(response).catch(() => undefined);
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
