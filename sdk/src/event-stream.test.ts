import { describe, expect, test } from "vitest";
import { readEvents, type ServerSentEvent } from "./event-stream.ts";

const encoder = new TextEncoder();

describe("a stream of server-sent events", () => {
  test.for<[string, string, ServerSentEvent[]]>([
    ["a message", "data: one\n\n", [{ event: "message", data: "one", id: undefined }]],
    [
      "a message as tRPC writes it",
      "event: ping\ndata: \n\n\n",
      [{ event: "ping", data: "", id: undefined }],
    ],
    ["an id, and none", "id: 7\ndata: 1\n\ndata: 2\n\n", [message("1", "7"), message("2")]],
    ["an id that is empty", "data: 1\nid: \n\n", [message("1", "")]],
    ["lines without a space or a value", "data:a\ndata\ndata: : b\n\n", [message("a\n\n: b")]],
    ["comments and fields that it does not know", ": hello\nretry: 3\ndata: 1\n\n", [message("1")]],
    ["every line end", "data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n", [message("1"), message("2"), message("3")]],
    ["an id with a null character", "id: a\0\ndata: 1\n\n", [message("1")]],
    ["an event without data", "event: ping\n\ndata: 1\n\n", [message("1")]],
    ["what a cut left unfinished", "data: 1\n\ndata: 2\n", [message("1")]],
    ["letters of several bytes", "data: Amélie 🎬\n\n", [message("Amélie 🎬")]],
  ])("is read, whole and byte by byte: %s", async ([, text, expected]) => {
    expect(await eventsIn([encoder.encode(text)])).toEqual(expected);
    expect(await eventsIn(Array.from(encoder.encode(text), (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test("is heard with every piece, comments too", async () => {
    let pieces = 0;
    const body = bodyOf([encoder.encode(":\n"), encoder.encode(":\n")]);
    await readEvents(body, new AbortController().signal, { heard: () => (pieces += 1), message() {} });
    expect(pieces).toBe(2);
  });

  test("is cancelled by its signal, and says no more", async () => {
    const abort = new AbortController();
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(encoder.encode("data: 1\n\ndata: 2\n\n")),
      cancel: () => void (cancelled = true),
    });
    const seen: string[] = [];
    await readEvents(body, abort.signal, {
      heard() {},
      message({ data }) {
        seen.push(data);
        abort.abort();
      },
    });
    expect([seen, cancelled]).toEqual([["1"], true]);
  });

  test.for(["before", "by a reader who throws"])("is cancelled when it is given up %s", async (how) => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        if (how !== "before") stream.enqueue(encoder.encode("data: 1\n\n"));
      },
      cancel: () => void (cancelled = true),
    });
    const seen: string[] = [];
    const signal = how === "before" ? AbortSignal.abort() : new AbortController().signal;
    const reading = readEvents(body, signal, {
      heard: () => seen.push("heard"),
      message() {
        throw new Error("Enough.");
      },
    });
    if (how === "before") await reading;
    else await expect(reading).rejects.toThrow("Enough.");
    expect([seen, cancelled]).toEqual([how === "before" ? [] : ["heard"], true]);
  });

  test("that breaks rejects", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (stream) => stream.error(new TypeError("terminated")),
    });
    await expect(
      readEvents(body, new AbortController().signal, { heard() {}, message() {} }),
    ).rejects.toThrow("terminated");
  });
});

function message(data: string, id?: string): ServerSentEvent {
  return { event: "message", data, id };
}

async function eventsIn(pieces: Uint8Array[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  await readEvents(bodyOf(pieces), new AbortController().signal, {
    heard() {},
    message: (event) => events.push(event),
  });
  return events;
}

function bodyOf(pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(stream) {
      for (const piece of pieces) stream.enqueue(piece);
      stream.close();
    },
  });
}
