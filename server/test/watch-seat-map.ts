import { transformer, type ErrorData, type SeatMap, type SeatMapEvent } from "../src/contract/index.ts";
import { headersFor, type CallOptions, type Reachable } from "./rpc-call.ts";

type Serialized = Parameters<typeof transformer.deserialize>[0];

/** What a stream sends: tRPC's own events by their name, and those of the procedure as `message`. */
export interface StreamedEvent {
  name: string;
  id: string | undefined;
  data: string;
}

/** The events of a stream in the form of Server-Sent Events; ends as the stream does. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent, void> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
    rest += text;
    for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n")) {
      const lines = rest.slice(0, end).split("\n");
      rest = rest.slice(end + 2).replace(/^\n+/, "");
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (lines.some((line) => line !== ""))
        yield { name: field("event") ?? "message", id: field("id"), data: field("data") ?? "" };
    }
  }
}

/** A seat map that is being watched. */
export interface Watching {
  status: number;
  headers: Headers;
  /** The next event of the procedure, or the error by which it ended; undefined at the stream's end. */
  next(): Promise<
    { id?: string; event?: SeatMapEvent; error?: { message: string; data: ErrorData } } | undefined
  >;
  /** The map as the events so far make it. */
  readonly map: SeatMap | undefined;
  /** The names of all that came, in order. */
  names: string[];
  /** Leaves, as a page that is closed. */
  leave(): void;
}

/** Watches a seat map through the whole HTTP side; `map` is what was seen of it before. */
export async function watchMap(
  app: Reachable,
  input: unknown,
  options: CallOptions & { map?: SeatMap | undefined } = {},
): Promise<Watching> {
  const leaving = new AbortController();
  const search = encodeURIComponent(JSON.stringify(transformer.serialize(input)));
  const response = await app.app.request(`/trpc/show.watchSeatMap?input=${search}`, {
    headers: headersFor(options),
    signal: leaving.signal,
  });
  const { status, headers } = response;
  if (response.body === null) throw new Error("The answer has no body.");
  const events = readEvents(response.body);
  const names: string[] = [];
  let { map } = options;
  return {
    get map() {
      return map;
    },
    status,
    headers,
    names,
    async next() {
      for (;;) {
        const { value, done } = await events.next();
        if (done) return undefined;
        names.push(value.name);
        if (value.name !== "message" && value.name !== "serialized-error") continue;
        const data = transformer.deserialize(JSON.parse(value.data) as Serialized);
        if (value.name === "serialized-error") return { error: data as { message: string; data: ErrorData } };
        const event = data as SeatMapEvent;
        map = fold(map, event);
        return { ...(value.id !== undefined && { id: value.id }), event };
      }
    },
    leave: () => leaving.abort(),
  };
}

/** A seat map after an event, as a client folds them. */
function fold(map: SeatMap | undefined, event: SeatMapEvent): SeatMap | undefined {
  if (event.type === "snapshot") return event.seatMap;
  if (event.type !== "changed" || map === undefined) return map;
  const changed = new Map(event.seats.map(({ seatNumber, status }) => [seatNumber, status]));
  return {
    ...map,
    version: event.version,
    rows: map.rows.map(({ row, seats }) => ({
      row,
      seats: seats.map((seat) => ({ ...seat, status: changed.get(seat.seatNumber) ?? seat.status })),
    })),
  };
}

/** How a seat stands in a map. */
export function statusOf(map: SeatMap, seatNumber: string): string | undefined {
  return map.rows.flatMap(({ seats }) => seats).find((seat) => seat.seatNumber === seatNumber)?.status;
}
