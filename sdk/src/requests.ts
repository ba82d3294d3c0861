import { callCallersCode } from "./callers-code.ts";
import type { Timing } from "./retries.ts";
import { learnServerTime } from "./server-clock.ts";
import type { Fetch } from "./timeout.ts";

/** A request that leaves. Neither the API key, nor the token, nor an input is in it. */
export interface SentRequest {
  /** The procedures that it asks for, such as `["booking.pay"]`; the path of what is no procedure, such as `["/exports/bookings.csv"]`. */
  calls: string[];
  /** `GET` or `POST`. */
  method: string;
  /** Of a mutation that the server answers once. */
  idempotencyKey: string | null;
}

/** A request that has got its answer, or none. */
export interface AnsweredRequest extends SentRequest {
  /** The HTTP status; null when no answer came. */
  status: number | null;
  /** Names the request in the server's log. */
  requestId: string | null;
  /** Whether the answer is that of an earlier call with the same key. */
  isReplayed: boolean;
  /** Until the answer began, in milliseconds. */
  durationMs: number;
}

/** What is called with each request. An error of these functions reaches the page's own handlers and disturbs no call. */
export interface RequestHooks {
  onRequest?: ((request: SentRequest) => void) | undefined;
  onResponse?: ((request: AnsweredRequest) => void) | undefined;
}

/** A fetch that says what it sends and gets, and learns the server's time from each answer. */
export function observeRequests(
  fetch: Fetch,
  hooks: RequestHooks & { learn: (headers: Headers) => void },
  timing: Timing,
): Fetch {
  return async (url, init) => {
    const request = describeRequest(url, init);
    const { onRequest, onResponse } = hooks;
    if (onRequest !== undefined) callCallersCode(timing, () => onRequest(request));
    const sentAt = timing.now();
    const finish = (response: Response | undefined) => {
      const answered = describeAnswer(request, response, timing.now() - sentAt);
      if (onResponse !== undefined) callCallersCode(timing, () => onResponse(answered));
    };
    try {
      const response = await fetch(url, init);
      learnServerTime(response.headers, sentAt, timing.now());
      hooks.learn(response.headers);
      finish(response);
      return response;
    } catch (error) {
      finish(undefined);
      throw error;
    }
  };
}

function describeRequest(url: string, { method = "GET", headers }: RequestInit): SentRequest {
  const [, path = ""] = /^\w+:\/\/[^/]+([^?#]*)/.exec(url) ?? [];
  const [, procedures] = /\/trpc\/([^/]*)$/.exec(path) ?? [];
  return {
    calls: procedures === undefined ? [path] : decodeURIComponent(procedures).split(","),
    method,
    idempotencyKey: new Headers(headers).get("idempotency-key"),
  };
}

function describeAnswer(
  request: SentRequest,
  response: Response | undefined,
  durationMs: number,
): AnsweredRequest {
  return {
    ...request,
    status: response?.status ?? null,
    requestId: response?.headers.get("x-request-id") ?? null,
    isReplayed: response?.headers.get("idempotent-replayed") === "true",
    durationMs,
  };
}
