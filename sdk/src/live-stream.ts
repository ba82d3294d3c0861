import { TRPCClientError } from "@trpc/client";
import { transformer } from "@skyfox/server/contract/plain";
import { isSkyfoxError, type SkyfoxError } from "./errors.ts";
import { readEvents, type ServerSentEvent } from "./event-stream.ts";
import { isTokenRefused } from "./sessions.ts";
import { backoffMs, longestNamedMs, namedWaitMs, type Timing } from "./retries.ts";
import { watchSilence } from "./silence.ts";
import { readJson, type Fetch } from "./timeout.ts";
import type { AppRouter } from "./router.ts";

/** How to reach the server's subscriptions. */
export interface StreamAccess {
  /** Of tRPC's endpoint. */
  url: string;
  fetch: Fetch | undefined;
  /** Asked before each connection, and every five seconds while one is open. */
  headers: () => Promise<Record<string, string>>;
  /** Asked after a refusal of this `authorization` when the application has given no other token since: whether there is one now. */
  refreshToken: (authorization: string | undefined) => Promise<boolean>;
  timing: Timing;
}

/** A subscription, resumed after `lastEventId` where there is one. */
export interface StreamCall {
  path: string;
  input: unknown;
  lastEventId?: string | undefined;
}

type StreamError = TRPCClientError<AppRouter>;

/** What becomes of a subscription. */
export interface StreamListener {
  /** The first connection is being made, or another one after this error, at once or after a wait; without an error, because the token has changed. */
  connecting(error: StreamError | undefined): void;
  connected(): void;
  /** Nothing was heard for two heartbeats; said again as long as that lasts. */
  silent(): void;
  event(data: unknown, id: string | undefined): void;
  /** The server has ended the subscription: the last call. */
  ended(): void;
  /** SkyFox refuses the subscription, and would again: the last call. */
  refused(error: SkyfoxError): void;
}

/**
 * Follows a subscription over server-sent events until the function that it returns is called, the server ends it, or SkyFox refuses it. After
 * a cut it is resumed from the last event, with random and growing waits and no sooner than the server says, of whose wait 30 seconds count at
 * most. A stream that is silent for two heartbeats, or whose token has changed or was refreshed after a refusal, is opened again. The token travels in a header, never in the address.
 */
export function followStream(access: StreamAccess, call: StreamCall, listener: StreamListener): () => void {
  const { timing } = access;
  let connection: AbortController | undefined;
  let authorization: string | undefined;
  let isConnected = false;
  // Since the last event: a token that was refreshed and is refused too is not refreshed again.
  let isRefreshed = false;
  let lastEventId = call.lastEventId;
  let failures = 0;
  let stopWaiting: (() => void) | undefined;
  const silence = watchSilence(timing, { tick: () => void checkToken(), silent: openAgain });
  reopen(undefined);
  return close;

  function reopen(reason: StreamError | undefined): void {
    open();
    listener.connecting(reason);
  }

  function open(): void {
    dropConnection();
    const current = new AbortController();
    connection = current;
    void read(current).catch((cause: unknown) => recover(current, toStreamError(cause)));
  }

  async function read(current: AbortController): Promise<void> {
    const { signal } = current;
    const headers = await access.headers();
    if (signal.aborted) return;
    authorization = headers["authorization"];
    const response = await (access.fetch ?? globalThis.fetch)(addressOf(access.url, call, lastEventId), {
      headers: { ...headers, accept: "text/event-stream" },
      signal,
    });
    if (!isEventStream(response)) throw await errorIn(response);
    await readEvents(response.body, signal, {
      heard: silence.heard,
      message: (message) => take(message, response),
    });
    if (!signal.aborted) throw new Error("The stream was cut.");
  }

  function take({ event, data, id }: ServerSentEvent, response: Response): void {
    switch (event) {
      case "connected":
        isConnected = true;
        return listener.connected();
      case "serialized-error":
        throw refusal(JSON.parse(data), response);
      case "return":
        close();
        return listener.ended();
      case "message":
        return takeData(transformer.deserialize(JSON.parse(data) as never), id === "" ? undefined : id);
      default:
    }
  }

  function takeData(data: unknown, id: string | undefined): void {
    lastEventId = id ?? lastEventId;
    isRefreshed = false;
    listener.event(data, id);
  }

  async function recover(failed: AbortController, error: StreamError): Promise<void> {
    const mayPass = !isRefusal(error) || (error.data.httpStatus === 401 && (await hasOtherToken(error)));
    if (connection !== failed) return;
    if (!mayPass) {
      close();
      return listener.refused(error);
    }
    dropConnection();
    failures += 1;
    // A timer of more than 2^31 - 1 milliseconds would fire at once.
    const namedMs = Math.min(namedWaitMs(error) ?? 0, longestNamedMs);
    stopWaiting = timing.after(namedMs + backoffMs(failures, timing), open);
    listener.connecting(error);
  }

  async function checkToken(): Promise<void> {
    const current = connection;
    if (!isConnected) return;
    failures = 0;
    if ((await hasNewToken()) && connection === current) reopen(undefined);
  }

  async function hasOtherToken(refused: SkyfoxError): Promise<boolean> {
    const carried = authorization;
    if (await hasNewToken()) return true;
    if (isRefreshed || !isTokenRefused(refused)) return false;
    isRefreshed = true;
    return await access.refreshToken(carried).catch(() => false);
  }

  // A token that cannot be had now is asked for again before the next connection.
  async function hasNewToken(): Promise<boolean> {
    const headers = await access.headers().catch(() => undefined);
    return headers !== undefined && headers["authorization"] !== authorization;
  }

  // A wait that the server has named goes on.
  function openAgain(): void {
    listener.silent();
    if (connection !== undefined) reopen(new TRPCClientError("Nothing was heard for two heartbeats."));
  }

  function dropConnection(): void {
    stopWaiting?.();
    stopWaiting = undefined;
    connection?.abort();
    connection = undefined;
    isConnected = false;
  }

  function close(): void {
    silence.stop();
    dropConnection();
  }
}

// As tRPC's own link writes it; a subscription that is resumed says so in its input.
function addressOf(url: string, { path, input }: StreamCall, lastEventId: string | undefined): string {
  const resumed = lastEventId === undefined ? input : { ...(input as object), lastEventId };
  return `${url}/${path}?input=${encodeURIComponent(JSON.stringify(transformer.serialize(resumed)))}`;
}

function isEventStream(response: Response): response is Response & { body: ReadableStream<Uint8Array> } {
  const type = response.headers.get("content-type") ?? "";
  return type.startsWith("text/event-stream") && response.body !== null;
}

// What passes by itself is no refusal: a fault, an overload, or an answer that is not SkyFox's.
function isRefusal(error: StreamError): error is SkyfoxError {
  return isSkyfoxError(error) && error.data.httpStatus < 500 && error.data.httpStatus !== 429;
}

async function errorIn(response: Response): Promise<StreamError> {
  const body: unknown = await readJson(response).catch(() => undefined);
  return typeof body === "object" && body !== null && "error" in body
    ? refusal(body.error, response)
    : new TRPCClientError("The answer is not SkyFox's.", { meta: { response } });
}

function refusal(serialized: unknown, response: Response): StreamError {
  const error = transformer.deserialize(serialized as never);
  return TRPCClientError.from({ error } as never, { meta: { response } });
}

function toStreamError(cause: unknown): StreamError {
  return TRPCClientError.from(cause instanceof Error ? cause : new Error("The request failed.", { cause }));
}
