import { tracked, type TrackedEnvelope } from "@trpc/server";
import { sseStreamProducer } from "@trpc/server/unstable-core-do-not-import";
import { Decimal } from "decimal.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { transformer } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";
import { carry, shapeError } from "./error-shape.ts";
import { EventStream, heartbeatMs } from "./event-stream.ts";
import { plainForm, streamClient, trpcForm, type StreamForm } from "./stream-forms.ts";

type Event = TrackedEnvelope<unknown>;

afterEach(() => void vi.useRealTimers());

const refusal = carry(new DomainError({ code: "SESSION_ENDED" }));
const shape = () => shapeError(refusal, { path: "show.watchSeatMap", requestId: "r1" });

/** The answer with these events, as it is read. */
function given(
  events: AsyncIterable<Event, void>,
  signal = new AbortController().signal,
  form: StreamForm = trpcForm,
) {
  const stream = new EventStream(form, () => signal);
  stream.take(events, shape);
  const body = stream.body();
  if (body === undefined) throw new Error("There is no body.");
  const reader = body.getReader();
  return {
    stream,
    reader,
    /** The next piece as text; undefined at the end. */
    async read(): Promise<string | undefined> {
      const { value } = await reader.read();
      return value && Buffer.from(value).toString();
    },
  };
}

async function* listed(...events: Event[]): AsyncGenerator<Event, void> {
  yield* events;
}

async function* failing(error: unknown): AsyncGenerator<Event, void> {
  yield tracked("1", "first");
  throw error;
}

async function* never(): AsyncGenerator<Event, void> {
  await new Promise<void>(() => {});
  yield* [];
}

/** Events that come when they are called for, and how many were asked for. */
function called() {
  let come = Promise.withResolvers<void>();
  const seen = { asked: 0, isLeft: false };
  async function* events(): AsyncGenerator<Event, void> {
    try {
      for (;;) {
        seen.asked += 1;
        await come.promise;
        come = Promise.withResolvers();
        yield tracked(String(seen.asked), {});
      }
    } finally {
      seen.isLeft = true;
    }
  }
  function fail(reason: unknown): void {
    // It may be that none is asked for.
    come.promise.catch(() => {});
    come.reject(reason);
  }
  return { events: events(), seen, come: () => come.resolve(), fail };
}

async function textOf(pieces: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(pieces).text();
}

test.each([
  ["that end", () => listed(tracked("7", { cost: new Decimal("12.50") }), tracked("8", "line\nline"))],
  ["that there are none of", () => listed()],
  ["that end by a refusal", () => failing(refusal)],
  ["that end because the server stops", () => failing(new DOMException("The stream is over.", "AbortError"))],
])("events %s are the bytes that tRPC would send", async (_, events) => {
  const ofTrpc = sseStreamProducer({
    data: events(),
    serialize: (value) => transformer.serialize(value),
    formatError: shape,
    client: streamClient,
  });
  const stream = new EventStream(trpcForm, () => new AbortController().signal);
  stream.take(events(), shape);
  const body = stream.body();
  expect(body && (await textOf(body))).toBe(await textOf(ofTrpc as ReadableStream<Uint8Array>));
});

test("there is no body where there are no events to send", () => {
  expect(new EventStream(trpcForm, () => new AbortController().signal).body()).toBeUndefined();
});

test("an event is written once for all who get it, in one piece", async () => {
  const event = tracked("7", { type: "changed" });
  const [one, other] = [given(listed(event)), given(listed(event))];
  await Promise.all([one.read(), other.read()]);
  const [first, second] = [await one.reader.read(), await other.reader.read()];
  expect(first.value).toBe(second.value);
  expect(first.value && Buffer.from(first.value).toString()).toBe(
    'data: {"json":{"type":"changed"}}\nid: 7\n\n\n',
  );
});

test("a stream that has nothing to say has a heartbeat", async () => {
  vi.useFakeTimers();
  const { read } = given(never());
  expect(await read()).toContain("event: connected");
  for (let beat = 0; beat < 3; beat += 1) {
    const next = read();
    vi.advanceTimersByTime(heartbeatMs);
    expect(await next).toBe("event: ping\ndata: \n\n\n");
  }
});

test("an event is as good as a heartbeat", async () => {
  vi.useFakeTimers();
  const { events, come } = called();
  const { read } = given(events);
  await read();
  const first = read();
  vi.advanceTimersByTime(heartbeatMs - 1);
  come();
  expect(await first).toContain("id: 1");
  const second = read();
  vi.advanceTimersByTime(heartbeatMs - 1);
  come();
  expect(await second).toContain("id: 2");
});

test("one heartbeat at most waits for a slow reader, and no event is asked for until it is read", async () => {
  vi.useFakeTimers();
  const { events, come, seen } = called();
  const { read } = given(events);
  await read();
  const first = read();
  vi.advanceTimersByTime(5 * heartbeatMs);
  expect(await first).toContain("ping");
  come();
  vi.advanceTimersByTime(5 * heartbeatMs);
  await vi.advanceTimersByTimeAsync(0);
  expect(seen.asked).toBe(1);
  expect([await read(), await read()]).toEqual([
    expect.stringContaining("ping"),
    expect.stringContaining("id: 1"),
  ]);
  expect(seen.asked).toBe(1);
});

test.each([
  ["has gone", (leaving: AbortController) => leaving.abort()],
  ["has gone while nothing is read", (leaving: AbortController) => leaving.abort(), "idle"],
])("a caller who %s ends the events and the heartbeat", async (_, leave, isIdle?: string) => {
  vi.useFakeTimers();
  const leaving = new AbortController();
  const { events, come, fail, seen } = called();
  const { stream, read } = given(events, leaving.signal);
  await read();
  const first = read();
  come();
  await first;
  const next = isIdle === undefined ? read() : undefined;
  stream.signal.addEventListener("abort", () => fail(new DOMException("Gone.", "AbortError")));
  leave(leaving);
  expect(vi.getTimerCount()).toBe(0);
  expect(await (next ?? read())).toBeUndefined();
  await vi.waitFor(() => expect(seen.isLeft).toBe(true));
});

test("a caller who takes no more of the body has gone", async () => {
  const { events, come, seen } = called();
  const { stream, reader, read } = given(events);
  await read();
  const first = read();
  come();
  await first;
  await reader.cancel();
  expect(stream.signal.aborted).toBe(true);
  await vi.waitFor(() => expect(seen.isLeft).toBe(true));
});

test("a caller who had gone before gets nothing", async () => {
  const { events, seen } = called();
  const { read } = given(events, AbortSignal.abort());
  expect(await read()).toContain("connected");
  expect(await read()).toBeUndefined();
  expect(seen.asked).toBe(0);
});

describe("in the plain form", () => {
  const givenPlain = (events: AsyncIterable<Event, void>, signal?: AbortSignal) =>
    given(events, signal, plainForm);

  test("an event is a message, and what is no event is a comment", async () => {
    vi.useFakeTimers();
    const { events, come } = called();
    const { read } = givenPlain(events);
    expect(await read()).toBe(": connected\n\n");
    const first = read();
    vi.advanceTimersByTime(heartbeatMs);
    expect(await first).toBe(": ping\n\n");
    const second = read();
    come();
    expect(await second).toBe("data: {}\nid: 1\n\n\n");
  });

  test("amounts and instants are plain, and the end is a comment", async () => {
    const event = tracked("7", { cost: new Decimal("12.5"), at: new Date(0), none: null });
    const { read } = givenPlain(listed(event));
    await read();
    const data = '{"cost":"12.50","at":"1970-01-01T00:00:00.000Z","none":null}';
    expect([await read(), await read(), await read()]).toEqual([
      `data: ${data}\nid: 7\n\n\n`,
      ": end\n\n",
      undefined,
    ]);
  });

  test("a refusal is an event of its own", async () => {
    const { read } = givenPlain(failing(refusal));
    await read();
    expect(await read()).toBe('data: "first"\nid: 1\n\n\n');
    const [name, data] = (await read())!.split("\n");
    expect(name).toBe("event: failure");
    expect(JSON.parse(data!.replace("data: ", ""))).toMatchObject({
      status: "ERROR",
      code: "SESSION_ENDED",
      request_id: "r1",
    });
    expect(await read()).toBeUndefined();
  });
});

describe("a stream that is asked for its refusal first", () => {
  async function* refused(error: unknown): AsyncGenerator<Event, void> {
    yield* [];
    throw error;
  }

  test("gives what is thrown before the first event", async () => {
    expect(await given(refused(refusal)).stream.findRefusal()).toMatchObject({
      data: { httpStatus: 401, domain: { code: "SESSION_ENDED" } },
    });
  });

  test("sends its first event once, if there is one", async () => {
    const { stream } = given(listed(tracked("7", "first"), tracked("8", "second")));
    expect(await stream.findRefusal()).toBeUndefined();
    const text = await textOf(stream.body()!);
    expect(text.match(/^id: .*$/gm)).toEqual(["id: 7", "id: 8"]);
  });

  test("ends without a word where the server stops", async () => {
    const { stream } = given(refused(new DOMException("Over.", "AbortError")));
    expect(await stream.findRefusal()).toBeUndefined();
    expect(await textOf(stream.body()!)).not.toContain("serialized-error");
  });
});
