import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { startLoopbackServer } from "../../scripts/sandbox/loopback-server.ts";
import { assertSigned, Refusal, type ReceivedRequest, valuesOf } from "./signature-v4.ts";

/** A running object storage that speaks S3: its address, what it holds, and what a test may have it do. */
export interface ObjectStorage {
  /** Without a trailing slash; objects are at `/bucket/key`. */
  url: string;
  /** What a client needs to be let in; every other client is refused. */
  access: { bucket: string; region: string; accessKeyId: string; secretAccessKey: string; endpoint: string };
  /** Keys of the objects that are there, sorted. */
  keys(): string[];
  /** An object's bytes, content type and the other headers stored with it (cache-control); undefined if absent. */
  object(
    key: string,
  ): { body: Buffer; contentType: string | undefined; headers: Record<string, string> } | undefined;
  /**
   * From now on every request with one of these methods (all, also HEAD, by default) fails so, until `mend`. "down"
   * resets the connection, "error" is a 500, "silence" lasts until the caller gives up, "stall" too, after the
   * head of an answer, "after-effect" does it first.
   */
  fail(how: Failure, methods?: Method[]): void;
  mend(): void;
  /** Resolves when the next request with that method has arrived; its effect may still be to come. */
  nextRequest(method: Method): Promise<void>;
  /** S3's error code of every request refused so far. That an object is absent is an answer, no refusal. */
  refusals: string[];
  /** Closes the port and every connection at once; what was stored can still be looked at. */
  stop(): Promise<void>;
}

type Method = "PUT" | "GET" | "DELETE";
type Failure = "down" | "error" | "silence" | "stall" | "after-effect";
type StoredObject = { body: Buffer; contentType: string | undefined; headers: Record<string, string> };
type Answer = { status: number; headers?: Record<string, string>; body?: Buffer };

const bucket = "skyfox-test-images";
const keptHeaders = ["cache-control", "content-disposition", "content-encoding", "content-language"];
// What would change the meaning of a request: better refused than silently ignored.
const unknownHeaders = /^(if-.+|range|x-amz-copy-source.*|x-amz-write-offset-bytes)$/;
const knownParameters = /^(x-id|x-amz-.+|response-.+)$/i;

/**
 * S3 for tests, after the Amazon S3 API Reference: one private bucket, Signature Version 4 verified in full. `now` is
 * the clock that signatures are judged by. Listing, ranges, conditions, copies and subresources are a 501.
 */
export async function startObjectStorage(options: { now?: () => Date } = {}): Promise<ObjectStorage> {
  const now = options.now ?? (() => new Date());
  const credentials = {
    region: "ap-south-1",
    accessKeyId: "AKIASKYFOXTEST",
    secretAccessKey: "only/in+tests",
  };
  const objects = new Map<string, StoredObject>();
  const refusals: string[] = [];
  const arrivals = new EventEmitter();
  let failing: { how: Failure; methods: string[] | undefined } | undefined;

  function failureOf(method: string): Failure | undefined {
    if (failing === undefined) return undefined;
    return failing.methods === undefined || failing.methods.includes(method) ? failing.how : undefined;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "";
    const failure = failureOf(method);
    arrivals.emit(method);
    if (failure === "silence") return;
    if (failure === "stall") return response.writeHead(200, { "content-length": "10" }).flushHeaders();
    if (failure === "down") return reset(request);
    if (failure === "error") return send(response, errorAnswer(internalError));
    const body = await buffer(request).catch(() => undefined);
    // Half a body has no effect, and its caller is gone.
    if (body === undefined) return;
    const answer = answerTo(request, body);
    if (failure === "after-effect") reset(request);
    else send(response, answer);
  }

  function answerTo(request: IncomingMessage, body: Buffer): Answer {
    try {
      const received = receive(request, body);
      assertSigned(received, credentials, now());
      assertKeptPrivate(received);
      return carryOut(received, objects);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code !== "NoSuchKey") refusals.push(error.code);
      return errorAnswer(error);
    }
  }

  const server = await startLoopbackServer(serve, 0);
  return {
    url: server.url,
    access: { bucket, ...credentials, endpoint: server.url },
    keys: () => [...objects.keys()].toSorted(),
    object: (key) => objects.get(key),
    fail: (how, methods) => void (failing = { how, methods }),
    mend: () => void (failing = undefined),
    nextRequest: async (method) => void (await once(arrivals, method)),
    refusals,
    stop: server.stop,
  };
}

const internalError = {
  status: 500,
  code: "InternalError",
  message: "We encountered an internal error. Please try again.",
};

/** Takes the request apart by hand, because `URL` would normalise a path that S3 takes as it stands. */
function receive(request: IncomingMessage, body: Buffer): ReceivedRequest {
  const [path = "", ...query] = (request.url ?? "").split("?");
  try {
    return {
      method: request.method ?? "",
      path: decodeURIComponent(path),
      query: query.join("?").split("&").filter(Boolean).map(parseParameter),
      headers: request.headersDistinct,
      body,
    };
  } catch {
    throw new Refusal(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
}

function parseParameter(parameter: string): { name: string; value: string } {
  const [name = "", ...value] = parameter.split("=");
  return { name: decodeURIComponent(name), value: decodeURIComponent(value.join("=")) };
}

/** Signers move x-amz headers into a presigned link, where they mean the same. */
function assertKeptPrivate(request: ReceivedRequest): void {
  const isPublished = valuesOf(request, "x-amz-acl").some((acl) => acl !== "private");
  if (isPublished || namesIn(request).some((name) => name.startsWith("x-amz-grant-"))) {
    throw new Refusal(403, "AccessDenied", "Nothing in this bucket can be made public.");
  }
}

function carryOut(request: ReceivedRequest, objects: Map<string, StoredObject>): Answer {
  const [, bucketName, ...segments] = request.path.split("/");
  const key = segments.join("/");
  if (bucketName !== bucket) throw new Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
  assertUnderstood(request, key);
  switch (request.method) {
    case "PUT":
      return put(request, key, objects);
    case "GET":
    case "HEAD":
      return get(request, key, objects);
    case "DELETE":
      objects.delete(key);
      return { status: 204 };
    default:
      throw new Refusal(405, "MethodNotAllowed", "The specified method is not allowed here.");
  }
}

function assertUnderstood(request: ReceivedRequest, key: string): void {
  const asksForMore =
    key === "" ||
    request.query.some(({ name }) => !knownParameters.test(name)) ||
    Object.keys(request.headers).some((name) => unknownHeaders.test(name));
  if (asksForMore) throw new Refusal(501, "NotImplemented", "This storage does not do what is asked for.");
}

function put(request: ReceivedRequest, key: string, objects: Map<string, StoredObject>): Answer {
  if (request.headers["content-length"] === undefined) {
    throw new Refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  if (Buffer.byteLength(key) > 1024) throw new Refusal(400, "KeyTooLongError", "Your key is too long");
  const headers: Record<string, string> = {};
  for (const name of [...keptHeaders, ...namesIn(request).filter((one) => one.startsWith("x-amz-meta-"))]) {
    const [value] = valuesOf(request, name);
    if (value !== undefined) headers[name] = value;
  }
  objects.set(key, { body: request.body, contentType: request.headers["content-type"]?.[0], headers });
  return { status: 200, headers: { etag: etagOf(request.body) } };
}

function namesIn({ headers, query }: ReceivedRequest): string[] {
  return [...Object.keys(headers), ...query.map(({ name }) => name.toLowerCase())];
}

function get(request: ReceivedRequest, key: string, objects: Map<string, StoredObject>): Answer {
  const object = objects.get(key);
  if (object === undefined) throw new Refusal(404, "NoSuchKey", "The specified key does not exist.");
  const headers: Record<string, string> = { ...object.headers, etag: etagOf(object.body) };
  headers["content-type"] = object.contentType ?? "binary/octet-stream";
  for (const { name, value } of request.query) {
    if (name.startsWith("response-")) headers[name.slice("response-".length)] = value;
  }
  return { status: 200, headers, body: object.body };
}

function etagOf(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

function errorAnswer({ status, code, message }: Pick<Refusal, "status" | "code" | "message">): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(xml) };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const length = status === 204 ? {} : { "content-length": String(body?.length ?? 0) };
  response.writeHead(status, { ...headers, ...length });
  response.end(body);
}

/** A caller sees ECONNRESET, not an orderly end. */
function reset(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}
