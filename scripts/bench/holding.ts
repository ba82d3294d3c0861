import type { Person } from "./caller.ts";
import type { Cinema, Place } from "./cinema.ts";

/** A hold, and the customer who has it. */
export interface Held {
  person: Person;
  bookingId: number;
}

/** Holds a seat. */
export async function hold(
  { server }: Pick<Cinema, "server">,
  person: Person,
  { show, seat }: Place,
): Promise<Held> {
  const wanted = { showId: show.id, seatNumbers: [seat] };
  const body = await server.ask("/trpc/booking.initialize", person, { mutation: wanted });
  return { person, bookingId: bookingIdOf(body) };
}

/** The booking of an answer to `booking.initialize`. */
export function bookingIdOf(body: string): number {
  return (JSON.parse(body) as { result: { data: { json: { bookingId: number } } } }).result.data.json
    .bookingId;
}

/** Cancels a hold. */
export async function cancel({ server }: Pick<Cinema, "server">, { person, bookingId }: Held): Promise<void> {
  await server.ask("/trpc/booking.cancel", person, { mutation: { bookingId } });
}

/** The one whose turn it is, when they take turns. */
export function at<Item>(items: Item[], turn: number): Item {
  const item = items[turn % items.length];
  if (item === undefined) throw new RangeError("There is nothing to choose from.");
  return item;
}
