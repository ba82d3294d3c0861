import { findWantedSeats, insertHold, listSeats, listShowsOfDate, sumRevenue } from "@skyfox/db";
import { Decimal, maxLiveHolds } from "@skyfox/sdk";
import { periodsOf } from "../../server/src/takings/periods.ts";
import { describeFailure } from "../database.ts";
import { stopOnSignals } from "../stop-on-signals.ts";
import { measureGate } from "./gate-cost.ts";
import { compare, type Comparison, type Ratio } from "./measure.ts";
import { openCinema, type OpenCinema } from "./open-cinema.ts";

const bookings = 100_000;
const customers = 20;
const interrupted = 130;
const mostGateUs = 10;

let opening: Promise<OpenCinema> | undefined;

/** What a maintainer wants to watch: each call through the server, against what it cannot do without. */
function listComparisons(cinema: OpenCinema): Comparison[] {
  const { ask, db, adminToken, now, cinemaTimeZone } = cinema;
  const [customer, show] = [cinema.customers[0], cinema.shows[0]];
  if (customer === undefined || show === undefined) throw new Error("There are no customers or no shows.");
  const { date } = show;
  const today = now.toTemporalInstant().toZonedDateTimeISO(cinemaTimeZone).toPlainDate();
  const years = { first: today.year, last: today.year };
  const everything = { movieId: undefined, slotId: undefined, genre: undefined };
  const months = { ...everything, periods: periodsOf("monthly", today, years, cinemaTimeZone) };
  return [
    {
      name: `admin.revenue, ${bookings.toLocaleString("en")} bookings`,
      measured: () => ask("/trpc/admin.revenue", adminToken),
      against: "the same SQL by hand",
      yardstick: () => sumRevenue(db, { ...everything, periods: undefined }, [{ text: "All" }]),
      tries: 15,
      atMost: 1.3,
    },
    {
      name: "admin.revenue, by month",
      measured: () => ask("/trpc/admin.revenue", adminToken, { query: { timeframe: "monthly" } }),
      against: "the same SQL by hand",
      yardstick: () => sumRevenue(db, months, ["period"]),
      tries: 15,
      atMost: 1.3,
    },
    {
      name: "booking.initialize, one seat",
      measured: (turn) => {
        const { person, wanted } = nextWish(cinema, turn, "server");
        return ask("/trpc/booking.initialize", person.token, { body: wanted });
      },
      against: "its SQL by hand",
      yardstick: (turn) => holdByHand(cinema, turn),
      tries: 40,
    },
    {
      name: `show.list, ${cinema.shows.length} shows`,
      measured: () => ask("/trpc/show.list", customer.token, { query: { date } }),
      against: "its SQL by hand",
      yardstick: () => listShowsOfDate(db, date, now),
      tries: 100,
    },
    {
      name: "show.seatMap, 100 seats",
      measured: () => ask("/trpc/show.seatMap", customer.token, { query: { showId: show.id } }),
      against: "its SQL by hand",
      yardstick: () => listSeats(db, show.id, now),
      tries: 100,
    },
    {
      name: "auth.me",
      measured: () => ask("/trpc/auth.me", customer.token),
      against: "GET /health",
      yardstick: () => ask("/health", null),
      tries: 200,
    },
  ];
}

/** A free seat and a customer who may still hold one: half of the people and a show each for the server and for us. */
function nextWish({ customers: people, shows }: OpenCinema, turn: number, by: "server" | "hand") {
  const person = people[Math.floor(turn / maxLiveHolds) + (by === "server" ? 0 : people.length / 2)];
  const show = shows[by === "server" ? 0 : 1];
  if (person === undefined || show === undefined)
    throw new Error("There are too many tries for so few people.");
  const seatNumber = `${"ABCDEFGHIJ"[Math.floor(turn / 10)]}${(turn % 10) + 1}`;
  return { person, wanted: { showId: show.id, seatNumbers: [seatNumber] } };
}

// The two statements of a hold, without anything that a rule, a limit or a caller would add.
async function holdByHand(cinema: OpenCinema, turn: number): Promise<void> {
  const { db, now } = cinema;
  const { person, wanted } = nextWish(cinema, turn, "hand");
  const [seat] = await findWantedSeats(db, wanted);
  if (seat === undefined) throw new Error("There is no such show.");
  const { screenId, date } = seat;
  const expiresAt = new Date(now.getTime() + 3_600_000);
  const { username } = person;
  const hold = {
    ...wanted,
    username,
    screenId,
    date,
    amountDue: new Decimal(200),
    now,
    expiresAt,
    maxLiveHolds,
    heldFrom: null,
    bounds: {
      seatsPerCustomer: 10,
      abandonedPerHour: 3,
      seatsPerNetwork: 6_000,
      seatsPerWiderNetwork: 60_000,
    },
  };
  if (typeof (await insertHold(db, hold)) !== "number") throw new Error("The seat was taken.");
}

function describeRow(
  { name, against, atMost }: Comparison,
  { measuredMs, yardstickMs, ratio }: Ratio,
): string {
  const verdict =
    atMost === undefined ? "" : ratio <= atMost ? `at most ${atMost}: kept` : `at most ${atMost}: NOT KEPT`;
  return `${name.padEnd(34)}${inMs(measuredMs)}   ${against.padEnd(20)}${inMs(yardstickMs)}  ${ratio.toFixed(2).padStart(6)}   ${verdict}`;
}

function inMs(value: number): string {
  return `${value.toFixed(2)} ms`.padStart(11);
}

async function close(): Promise<void> {
  const cinema = await opening?.catch(() => undefined);
  await cinema?.close();
}

const stopping = stopOnSignals(async () => {
  await close();
  return interrupted;
});
try {
  console.log(`A SkyFox of its own, with ${bookings.toLocaleString("en")} bookings. This takes a minute …\n`);
  opening = openCinema({ bookings, customers });
  const comparisons = listComparisons(await opening);
  console.log(
    `${"through the server".padEnd(34)}${"median".padStart(11)}   ${"yardstick".padEnd(20)}${"median".padStart(11)}   ratio`,
  );
  for (const comparison of comparisons) {
    const ratio = await compare(comparison);
    console.log(describeRow(comparison, ratio));
    if (ratio.ratio > (comparison.atMost ?? Infinity)) process.exitCode = 1;
  }
  const gateUs = measureGate();
  const isCheap = gateUs <= mostGateUs;
  console.log(
    `\nThe gate: ${gateUs.toFixed(1)} µs a call, at most ${mostGateUs}: ${isCheap ? "kept" : "NOT KEPT"}`,
  );
  if (!isCheap) process.exitCode = 1;
  console.log(
    "\nOne call at a time over HTTP, by turns with its yardstick; only the ratios can be compared between machines and runs.",
  );
} catch (error) {
  if (!stopping.aborted) {
    console.error(`The benchmark could not be run. ${describeFailure(error)}`);
    process.exitCode = 1;
  }
} finally {
  await close();
}
