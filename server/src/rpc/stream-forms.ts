import type { TrackedEnvelope } from "@trpc/server";
import { transformer } from "../contract/index.ts";
import type { ErrorShape } from "./error-shape.ts";
import { plainError, writePlain } from "./plain-json.ts";

/** What a stream says to its client first: after two heartbeats that did not come, and what they may be late, it connects again. */
export const streamClient = { reconnectAfterInactivityMs: 35_000 };

/** How what happens in a stream is written as Server-Sent Events. */
export interface StreamForm {
  beginning: Uint8Array;
  heartbeat: Uint8Array;
  /** After the last event. */
  end: Uint8Array;
  write(event: TrackedEnvelope<unknown>): Uint8Array;
  /** What ends the stream instead of its last event. */
  fail(shape: ErrorShape): Uint8Array;
}

/** As tRPC's clients read it. */
export const trpcForm: StreamForm = {
  beginning: lines({ event: "connected", data: JSON.stringify(streamClient) }),
  heartbeat: lines({ event: "ping", data: "" }),
  end: lines({ event: "return", data: "" }),
  write: writtenOnce(serialize),
  fail: (shape) => lines({ event: "serialized-error", data: serialize(shape) }),
};

/** As any `EventSource` reads it: events are messages, heartbeats are comments, and a failure is an event of that name. */
export const plainForm: StreamForm = {
  beginning: comment("connected"),
  heartbeat: comment("ping"),
  end: comment("end"),
  write: writtenOnce(writePlain),
  fail: (shape) => lines({ event: "failure", data: writePlain(plainError(shape)) }),
};

/** Events in one form, each written once for all who get the same one. */
function writtenOnce(writeData: (data: unknown) => string): StreamForm["write"] {
  const written = new WeakMap<TrackedEnvelope<unknown>, Uint8Array>();
  return (envelope) => {
    const known = written.get(envelope);
    if (known !== undefined) return known;
    const [id, data] = envelope;
    const bytes = lines({ data: writeData(data), id });
    written.set(envelope, bytes);
    return bytes;
  };
}

function serialize(value: unknown): string {
  return JSON.stringify(transformer.serialize(value));
}

function lines({ event, data, id }: { event?: string; data: string; id?: string }): Uint8Array {
  const written = [...(event === undefined ? [] : [`event: ${event}`]), `data: ${data}`];
  if (id !== undefined) written.push(`id: ${id}`);
  return Buffer.from(`${written.join("\n")}\n\n\n`);
}

function comment(text: string): Uint8Array {
  return Buffer.from(`: ${text}\n\n`);
}
