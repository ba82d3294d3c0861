import { transformer, type ErrorData } from "../src/contract/index.ts";
import { testApiKey } from "./test-app.ts";

/** A server that answers requests, by a port or without. */
export interface Reachable {
  app: { request(path: string, init: RequestInit): Response | Promise<Response> };
}

/** What came back of a call: the data of a success, or the error as a client gets it. */
export interface Answer<Data> {
  status: number;
  headers: Headers;
  data: Data | undefined;
  error: { message: string; data: ErrorData } | undefined;
  /** The body as it was sent. */
  text: string;
}

export interface CallOptions {
  token?: string | undefined;
  /** Null leaves the header out. */
  apiKey?: string | null;
  headers?: Record<string, string>;
}

type Serialized = Parameters<typeof transformer.deserialize>[0];

/** The form of Server-Sent Events, in which subscriptions answer. */
export const streamType = "text/event-stream";

interface Envelope {
  result?: { data: Serialized };
  error?: Serialized;
}

/** Calls a query through the whole HTTP side, as the SDK would. */
export async function query<Data = unknown>(
  app: Reachable,
  path: string,
  input?: unknown,
  options: CallOptions = {},
): Promise<Answer<Data>> {
  const search =
    input === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify(transformer.serialize(input)))}`;
  return await send<Data>(app, `/trpc/${path}${search}`, { headers: headersFor(options) });
}

/** Calls a mutation through the whole HTTP side, as the SDK would. */
export async function mutate<Data = unknown>(
  app: Reachable,
  path: string,
  input?: unknown,
  options: CallOptions = {},
): Promise<Answer<Data>> {
  const body = input === undefined ? "" : JSON.stringify(transformer.serialize(input));
  return await send<Data>(app, `/trpc/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headersFor(options) },
    body,
  });
}

/** Sends whatever a test wants to send, and reads the answer as tRPC's envelope. */
export async function send<Data = unknown>(
  app: Reachable,
  url: string,
  init: RequestInit = {},
): Promise<Answer<Data>> {
  const response = await app.app.request(url, init);
  const text = await response.text();
  if (response.headers.get("content-type") === streamType) return readRefusedStream(response, text);
  const envelope = JSON.parse(text) as Envelope;
  return {
    status: response.status,
    headers: response.headers,
    text,
    data: envelope.result && (transformer.deserialize(envelope.result.data) as Data),
    error: envelope.error && (transformer.deserialize(envelope.error) as Answer<Data>["error"]),
  };
}

/** A stream whose first event is its refusal, as if that had been the answer. */
function readRefusedStream<Data>({ headers }: Response, text: string): Answer<Data> {
  const [, refusal] = /^event: serialized-error\ndata: (.*)$/m.exec(text) ?? [];
  if (refusal === undefined) throw new Error(`The stream was not refused: ${text}`);
  const error = transformer.deserialize(JSON.parse(refusal) as Serialized) as Answer<Data>["error"];
  return { status: error?.data.httpStatus ?? 0, headers, text, data: undefined, error };
}

/** The API key, and the token if there is one. */
export function headersFor(options: CallOptions = {}): Record<string, string> {
  const apiKey = options.apiKey === undefined ? testApiKey : options.apiKey;
  return {
    ...(apiKey !== null && { "x-api-key": apiKey }),
    ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    ...options.headers,
  };
}
