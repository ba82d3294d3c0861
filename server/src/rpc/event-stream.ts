import type { TrackedEnvelope } from "@trpc/server";
import type { ErrorShape } from "./error-shape.ts";
import type { StreamForm } from "./stream-forms.ts";

/** How often a stream that has nothing to say says so, well below the 60 seconds after which proxies give it up. */
export const heartbeatMs = 15_000;

type Events = AsyncIterable<TrackedEnvelope<unknown>, void>;
type Asked = Promise<IteratorResult<TrackedEnvelope<unknown>, void>>;

/**
 * The answer to a subscription. An event is written once for all who get the same one in the same form, as one piece of bytes; tRPC would
 * serialise it for each of them and pass it on in four pieces.
 */
export class EventStream {
  readonly #form: StreamForm;
  readonly #findSignal: () => AbortSignal;
  #gone: AbortController | undefined;
  #taken:
    | { events: AsyncIterator<TrackedEnvelope<unknown>, void>; shape: (error: unknown) => ErrorShape }
    | undefined;
  #first: Asked | undefined;

  /** For the answer to the request that has this signal, which is asked for by the first reader: reading it makes a `Request`. */
  constructor(form: StreamForm, findSignal: () => AbortSignal) {
    this.#form = form;
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
    this.#taken = { events: events[Symbol.asyncIterator](), shape };
  }

  /** Waits for the first event; what is refused before there is one gives back the error, and has no body. */
  async findRefusal(): Promise<ErrorShape | undefined> {
    if (this.#taken === undefined) return undefined;
    const { events, shape } = this.#taken;
    this.#first = events.next();
    try {
      await this.#first;
    } catch (error) {
      if (!isAbort(error)) return shape(error);
    }
    return undefined;
  }

  /**
   * The events as bytes; undefined when there are none to send. The next event is asked for when the one before has been read, so that nothing is
   * queued for a slow reader but one heartbeat.
   */
  body(): ReadableStream<Uint8Array> | undefined {
    if (this.#taken === undefined) return undefined;
    const { events: iterator, shape } = this.#taken;
    const { signal } = this;
    const form = this.#form;
    let first = this.#first;
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
      if (isWaiting && controller.desiredSize === 0) send(form.heartbeat);
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
        const asked = first ?? iterator.next();
        first = undefined;
        const { value, done } = await asked;
        if (isOver) return;
        send(done === true ? form.end : form.write(value));
        if (done === true) end();
      } catch (error) {
        if (isOver) return;
        if (!isAbort(error)) send(form.fail(shape(error)));
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
          send(form.beginning);
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

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
