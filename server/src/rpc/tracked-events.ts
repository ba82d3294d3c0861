import { tracked, type TrackedEnvelope } from "@trpc/server";
import { z } from "zod";

/** An event with the id by which a caller goes on after it. */
interface EventWithId {
  id: string;
  data: unknown;
}

/**
 * The output of a subscription whose events have ids: each is what the schema makes of it, once for all who get the same one.
 */
export function trackedEvents<Schema extends z.ZodType>(schema: Schema) {
  type Data = z.output<Schema>;
  const made = new WeakMap<EventWithId, TrackedEnvelope<Data>>();

  function make(event: EventWithId): TrackedEnvelope<Data> {
    const envelope = made.get(event) ?? tracked(event.id, schema.parse(event.data));
    made.set(event, envelope);
    return envelope;
  }

  const output = z
    .custom<AsyncIterable<EventWithId, void>>((events) => Symbol.asyncIterator in (events as object))
    .transform(async function* (events): AsyncGenerator<TrackedEnvelope<Data>, void> {
      for await (const event of events) yield make(event);
    });
  eventSchemas.set(output, schema);
  return output;
}

const eventSchemas = new WeakMap<z.ZodType, z.ZodType>();

/** The schema of the events of a subscription's output; undefined for the output of a procedure that is no subscription. */
export function eventsOf(output: z.ZodType): z.ZodType | undefined {
  return eventSchemas.get(output);
}
