import type { TrackedEnvelope } from "@trpc/server";
import { transformer } from "../contract/index.ts";
import type { ErrorShape } from "./error-shape.ts";

/** How often a stream that has nothing to say says so, well below the 60 seconds after which proxies give it up. */
export const heartbeatMs = 15_000;

/** What a stream says to its client first: after two heartbeats that did not come, and what they may be late, it connects again. */
export const streamClient = { reconnectAfterInactivityMs: 35_000 };

type Events = AsyncIterable<TrackedEnvelope<unknown>, void>;

/**
 * The answer to a subscription, in the form in which tRPC's clients read it. An event is written once for all who get the same one, as one piece of
 * bytes; tRPC would serialise it for each of them and pass it on in four pieces.
 */
export class EventStream {
  readonly #findSignal: () => AbortSignal;
  #gone: AbortController | undefined;
  #taken: { events: Events; shape: (error: unknown) => ErrorShape } | undefined;

  /** For the answer to the request that has this signal, which is asked for by the first reader: reading it makes a `Request`. */
  constructor(findSignal: () => AbortSignal) {
    this.#findSignal = findSignal;
  }

  /** Aborts when the caller has gone. */
  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      const gone = new AbortController();
      const signal = this.#findSignal();
      if (signal.aborted) gone.abort();
      else signal.addEventListener("abort", () => gone.abort(), { once: true });
      this.#gone = gone;
    }
    return this.#gone.signal;
  }

  /** Takes what is to be sent. `shape` gives what the caller learns of an error that ends the events; an `AbortError` ends them without a word. */
  take(events: Events, shape: (error: unknown) => ErrorShape): void {
    this.#taken = { events, shape };
  }

  /**
   * The events as bytes; undefined when there are none to send. The next event is asked for when the one before has been read, so that nothing is
   * queued for a slow reader but one heartbeat.
   */
  body(): ReadableStream<Uint8Array> | undefined {
    if (this.#taken === undefined) return undefined;
    const { events, shape } = this.#taken;
    const { signal } = this;
    const iterator = events[Symbol.asyncIterator]();
    let controller: ReadableStreamDefaultController<Uint8Array>;
    let isWaiting = false;
    let isOver = false;
    let heartbeats: NodeJS.Timeout;

    function send(bytes: Uint8Array): void {
      controller.enqueue(bytes);
      heartbeats.refresh();
    }

    const beat = () => {
      // One that has not been read yet is enough.
      if (isWaiting && controller.desiredSize === 0) send(heartbeat);
      else heartbeats.refresh();
    };

    function letGo(): void {
      isOver = true;
      clearTimeout(heartbeats);
      signal.removeEventListener("abort", end);
      // Resolves once the verb has let go of everything; what it throws then has no reader.
      iterator.return?.().catch(() => {});
    }

    function end(): void {
      letGo();
      controller.close();
    }

    async function sendNext(): Promise<void> {
      isWaiting = true;
      try {
        const { value, done } = await iterator.next();
        if (isOver) return;
        send(done === true ? over : bytesOf(value));
        if (done === true) end();
      } catch (error) {
        if (isOver) return;
        if (!isAbort(error)) send(write({ event: "serialized-error", data: serialize(shape(error)) }));
        end();
      } finally {
        isWaiting = false;
      }
    }

    return new ReadableStream<Uint8Array>(
      {
        start: (own) => {
          controller = own;
          heartbeats = setTimeout(beat, heartbeatMs);
          send(connected);
          if (signal.aborted) end();
          else signal.addEventListener("abort", end);
        },
        pull: sendNext,
        cancel: () => {
          letGo();
          this.#gone?.abort();
        },
      },
      { highWaterMark: 0 },
    );
  }
}

const connected = write({ event: "connected", data: JSON.stringify(streamClient) });
const heartbeat = write({ event: "ping", data: "" });
const over = write({ event: "return", data: "" });

const written = new WeakMap<TrackedEnvelope<unknown>, Uint8Array>();

function bytesOf(envelope: TrackedEnvelope<unknown>): Uint8Array {
  const known = written.get(envelope);
  if (known !== undefined) return known;
  const [id, data] = envelope;
  const bytes = write({ data: serialize(data), id });
  written.set(envelope, bytes);
  return bytes;
}

function serialize(value: unknown): string {
  return JSON.stringify(transformer.serialize(value));
}

function write({ event, data, id }: { event?: string; data: string; id?: string }): Uint8Array {
  const lines = [...(event === undefined ? [] : [`event: ${event}`]), `data: ${data}`];
  if (id !== undefined) lines.push(`id: ${id}`);
  return Buffer.from(`${lines.join("\n")}\n\n\n`);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
