import { domainErrorOf, type RouterOutputs, type SeatMap, type SkyfoxClient } from "@skyfox/sdk";
import { expectSame, WrongOutcome } from "./outcomes.ts";
import { drawSeatMap } from "./seat-map.ts";
import type { Terminal } from "./terminal.ts";

type Show = RouterOutputs["show"]["list"][number];
type Hold = RouterOutputs["booking"]["initialize"];

/** Holds seats; another customer may take them between our look and our hold, and then others are chosen. */
export async function holdSeats(
  skyfox: SkyfoxClient,
  { say }: Terminal,
  show: Show,
  choose: (seatMap: SeatMap) => string[] | undefined,
): Promise<{ hold: Hold; seatNumbers: string[] }> {
  for (;;) {
    const seatNumbers = choose(await skyfox.show.seatMap.query({ showId: show.id }));
    if (seatNumbers === undefined) throw new WrongOutcome("free seats in this show", "all are taken");
    try {
      const hold = await skyfox.booking.initialize.mutate({ showId: show.id, seatNumbers });
      expectSame("the seats held", hold.seatNumbers, seatNumbers);
      return { hold, seatNumbers };
    } catch (error) {
      if (domainErrorOf(error)?.code !== "SEATS_UNAVAILABLE") throw error;
      say(`Another customer was faster with ${seatNumbers.join(" or ")}. Choosing again.`);
    }
  }
}

/** Shows the seat map, and throws `WrongOutcome` unless one's own seats have this status. */
export async function expectSeats(
  skyfox: SkyfoxClient,
  terminal: Terminal,
  show: Show,
  { yours, status }: { yours: string[]; status: "held" | "sold" },
): Promise<void> {
  const seatMap = await skyfox.show.seatMap.query({ showId: show.id });
  showSeatMap(terminal, seatMap, yours);
  expectSame(
    `seats ${yours.join(", ")}`,
    statusesOf(seatMap, yours),
    yours.map(() => status),
  );
}

/** Shows a seat map with one's own seats marked. */
export function showSeatMap({ say, paint }: Terminal, seatMap: SeatMap, yours: string[]): void {
  say();
  for (const line of drawSeatMap(seatMap, yours, paint)) say(line);
}

/** What a seat map says of these seats. */
export function statusesOf(seatMap: SeatMap, seatNumbers: string[]): string[] {
  const seats = seatMap.rows.flatMap((row) => row.seats);
  return seats.filter((seat) => seatNumbers.includes(seat.seatNumber)).map((seat) => seat.status);
}
