import { setTimeout as pause } from "node:timers/promises";
import { connectOnce, sumRevenue, type Connection } from "@skyfox/db";
import type { Person } from "./caller.ts";
import { callers, customersOfTheBench, rowsOfTheMonth, type Cinema, type Place } from "./cinema.ts";
import { measureGate } from "./gate-cost.ts";
import { measureCalls } from "./measure.ts";
import { at, bookingIdOf, cancel, hold, type Held } from "./holding.ts";
import { measureLive } from "./live.ts";
import { residentMb, startPart } from "./processes.ts";
import { floorName, type Figures, type Goal, type Subject } from "./report.ts";

/** How much is done. */
export type Size = "quick" | "default" | "large";

/** One thing to measure, round by round; `isOnce` is measured in the last round only. */
export interface Scenario extends Subject {
  isOnce?: boolean;
  /** What is measured, in a sentence. */
  about: string;
  round(cinema: Cinema): Promise<Figures>;
}

const sizes = {
  quick: { share: 0.05, bookings: 20_000, expiries: 500, rehydrated: 2_000, watchers: 50, changes: 50 },
  default: {
    share: 1,
    bookings: 100_000,
    expiries: 5_000,
    rehydrated: 100_000,
    watchers: 1_000,
    changes: 1_000,
  },
  large: {
    share: 1,
    bookings: 1_000_000,
    expiries: 5_000,
    rehydrated: 100_000,
    watchers: 1_000,
    changes: 1_000,
  },
};

/** How many bookings a cinema of this size has sold. */
export function bookingsOf(size: Size): number {
  return sizes[size].bookings;
}

const raceBuyers = 200;
const watchersOfAShow = 10;
const seenInTime = { of: "p99 ms", atMost: 500 };
const atMost32 = { of: "p99 ÷ p50", atMost: 3 };
const card = {
  number: "4242424242424242",
  cvv: "123",
  expiryMonth: "12",
  expiryYear: "39",
  cardholderName: "Bench",
};

/** All scenarios, in the order in which a round measures them. */
export function listScenarios(size: Size): Scenario[] {
  const { share, expiries, rehydrated, watchers, changes } = sizes[size];
  const times = (count: number) => Math.max(callers, Math.round(count * share));
  let turns = 0;
  const anyone = ({ customers }: Cinema) => at(customers, turns++);

  const query = (
    name: string,
    count: number,
    goals: Goal[],
    about: string,
    ask: (cinema: Cinema, turn: number) => Promise<unknown>,
  ): Scenario => ({
    name,
    about,
    goals: [...goals, atMost32],
    round: (cinema) =>
      measureCalls({
        ...meters(cinema),
        count: times(count),
        atOnce: callers,
        call: (turn) => ask(cinema, turn),
      }),
  });

  return [
    {
      name: floorName,
      about: "a tRPC query on Hono without database and session, on a server that has nothing else",
      round: ({ bare, bareCpu }) =>
        measureCalls({
          count: times(3_000),
          atOnce: callers,
          server: bareCpu,
          call: (id) => bare.ask("/trpc/bare", undefined, { query: { id } }),
        }),
    },
    query("me", 1_500, [{ of: "CPU ÷ bare", atMost: 1.6 }], "auth.me", (cinema) =>
      cinema.server.ask("/trpc/auth.me", anyone(cinema)),
    ),
    query("map", 1_000, [{ of: "CPU ÷ bare", atMost: 2 }], "show.seatMap, 100 seats", (cinema, turn) =>
      cinema.server.ask("/trpc/show.seatMap", anyone(cinema), {
        query: { showId: at(cinema.shows, turn).id },
      }),
    ),
    query("list", 600, [{ of: "CPU ÷ bare", atMost: 3 }], "show.list, 48 shows", (cinema, turn) =>
      cinema.server.ask("/trpc/show.list", anyone(cinema), {
        query: { date: at(cinema.shows, turn * 48).date },
      }),
    ),
    {
      name: "raw-hold",
      about: "the statements of a hold through pg under names, without a server",
      async round(cinema) {
        const { figures, held } = await sendRaw(cinema, times(400), cinema.raw.prepareHold);
        await cancelAll(cinema, held);
        return figures;
      },
    },
    {
      name: "hold",
      about: "booking.initialize, one free seat",
      beside: "raw-hold",
      goals: [{ of: "calls/s ÷ raw-hold", atLeast: 0.6 }, atMost32],
      async round(cinema) {
        const { figures, held } = await holdMany(cinema, times(400));
        await cancelAll(cinema, held);
        return figures;
      },
    },
    {
      name: "cancel",
      about: "booking.cancel of a hold",
      goals: [atMost32],
      async round(cinema) {
        const { held } = await holdMany(cinema, times(400));
        return cancelAll(cinema, held);
      },
    },
    {
      name: "raw-pay",
      about:
        "the statements of a hold and its payment through pg under names, without a server and a gateway",
      round: async (cinema) => (await sendRaw(cinema, times(200), cinema.raw.preparePayment)).figures,
    },
    {
      name: "pay",
      about: "booking.initialize and booking.pay by card, the gateway answers at once",
      beside: "raw-pay",
      goals: [{ of: "calls/s ÷ raw-pay", atLeast: 0.4 }, atMost32],
      round(cinema) {
        const wishes = wishesOf(cinema, times(200));
        return measureCalls({
          ...meters(cinema),
          count: wishes.length,
          atOnce: callers,
          async call(turn) {
            const { person, place } = at(wishes, turn);
            const { bookingId } = await hold(cinema, person, place);
            await cinema.server.ask("/trpc/booking.pay", person, {
              mutation: { bookingId, method: "Card", card },
            });
          },
        });
      },
    },
    {
      name: "race",
      about: `${raceBuyers} customers ask for one seat at once`,
      goals: [{ of: "winners", atMost: 1, atLeast: 1 }],
      round: race,
    },
    {
      name: "raw-revenue",
      about: "the statement of a revenue report, without a server",
      round: ({ db, postgresCpu }) =>
        measureCalls({
          count: 5,
          atOnce: 1,
          postgres: postgresCpu,
          call: () =>
            sumRevenue(db, { periods: undefined, movieId: undefined, slotId: undefined, genre: undefined }, [
              { text: "All" },
            ]),
        }),
    },
    {
      name: "revenue",
      about: `admin.revenue over ${bookingsOf(size).toLocaleString("en")} bookings`,
      beside: "raw-revenue",
      goals: [{ of: "calls/s ÷ raw-revenue", atLeast: 0.75 }],
      round: (cinema) =>
        measureCalls({
          ...meters(cinema),
          count: 5,
          atOnce: 1,
          call: () => cinema.server.ask("/trpc/admin.revenue", cinema.admin),
        }),
    },
    {
      name: "csv",
      about:
        size === "large"
          ? "the CSV of a million bookings"
          : `the CSV of a month, ${rowsOfTheMonth.toLocaleString("en")} rows`,
      isOnce: size === "large",
      round: (cinema) => exportCsv(cinema, size),
    },
    {
      name: "gate",
      about: "what the gate in front of every call adds to one",
      goals: [{ of: "µs", atMost: 10 }],
      round: () => Promise.resolve({ µs: measureGate() }),
    },
    {
      name: "expiry",
      about: `${expiries.toLocaleString("en")} holds run out at the same moment`,
      isOnce: true,
      goals: [{ of: "late p99 ms", atMost: 100 }],
      round: (cinema) => expireTogether(cinema, expiries),
    },
    {
      name: "live",
      about: `${watchers.toLocaleString("en")} live maps of one show, 50 seats changing a second`,
      isOnce: true,
      goals: [seenInTime, { of: "KB a watcher", atMost: 50 }],
      round: (cinema) => measureLive(cinema, { shows: 1, watchers, changes }),
    },
    {
      name: "live-spread",
      about: `as many live maps and changes on ${watchers / watchersOfAShow} shows`,
      isOnce: true,
      beside: "live",
      goals: [seenInTime, { of: "CPU ÷ live", atMost: 1.5 }],
      round: (cinema) => measureLive(cinema, { shows: watchers / watchersOfAShow, watchers, changes }),
    },
    {
      name: "rehydration",
      about: `a start with ${rehydrated.toLocaleString("en")} holds`,
      isOnce: true,
      goals: [
        { of: "seconds", atMost: 3 },
        { of: "MB", atMost: 150 },
      ],
      round: (cinema) => rehydrate(cinema, rehydrated),
    },
    {
      name: "memory",
      about: "resident memory of the server at the end",
      isOnce: true,
      goals: [{ of: "MB", atMost: 150 }],
      round({ serverPid }): Promise<Figures> {
        const megabytes = residentMb(serverPid);
        return Promise.resolve(megabytes === undefined ? {} : { MB: megabytes });
      },
    },
  ];
}

function meters({ server, serverCpu, postgresCpu }: Cinema) {
  return { server: serverCpu, postgres: postgresCpu, putOff: server.putOff };
}

// The customers take turns, so that none has more holds than it may.
function wishesOf({ customers, nextPlace }: Cinema, count: number): { person: Person; place: Place }[] {
  return Array.from({ length: count }, (_, turn) => ({ person: at(customers, turn), place: nextPlace() }));
}

async function sendRaw(
  cinema: Cinema,
  count: number,
  prepare: Cinema["raw"]["prepareHold"],
): Promise<{ figures: Figures; held: Held[] }> {
  const wishes = wishesOf(cinema, count);
  const prepared = await Promise.all(wishes.map(({ person, place }) => prepare(person, place)));
  const held: Held[] = [];
  const figures = await measureCalls({
    count,
    atOnce: callers,
    postgres: cinema.postgresCpu,
    async call(turn) {
      const bookingId = await cinema.raw.send(at(prepared, turn));
      held.push({ person: at(wishes, turn).person, bookingId });
    },
  });
  return { figures, held };
}

async function holdMany(cinema: Cinema, count: number): Promise<{ figures: Figures; held: Held[] }> {
  const wishes = wishesOf(cinema, count);
  const held: Held[] = [];
  const figures = await measureCalls({
    ...meters(cinema),
    count,
    atOnce: callers,
    async call(turn) {
      const { person, place } = at(wishes, turn);
      held.push(await hold(cinema, person, place));
    },
  });
  return { figures, held };
}

async function cancelAll(cinema: Cinema, held: Held[]): Promise<Figures> {
  return measureCalls({
    ...meters(cinema),
    count: held.length,
    atOnce: callers,
    call: (turn) => cancel(cinema, at(held, turn)),
  });
}

async function race(cinema: Cinema): Promise<Figures> {
  const { show, seat } = cinema.nextPlace();
  const wanted = { showId: show.id, seatNumbers: [seat] };
  const won: Held[] = [];
  const figures = await measureCalls({
    ...meters(cinema),
    count: raceBuyers,
    atOnce: raceBuyers,
    async call(turn) {
      const person = at(cinema.customers, turn);
      const { status, body } = await cinema.server.send("/trpc/booking.initialize", person, {
        mutation: wanted,
      });
      if (status === 200) won.push({ person, bookingId: bookingIdOf(body) });
      else if (status !== 409)
        throw new Error(`A buyer of a race was answered ${status}: ${body.slice(0, 300)}`);
    },
  });
  await cancelAll(cinema, won);
  return { ...figures, winners: won.length };
}

async function exportCsv(cinema: Cinema, size: Size): Promise<Figures> {
  const { month, year } = cinema.month;
  const path =
    size === "large" ? "/exports/bookings.csv" : `/exports/bookings.csv?month=${month}&year=${year}`;
  let rows = 0;
  const figures = await measureCalls({
    ...meters(cinema),
    count: 1,
    atOnce: 1,
    async call() {
      const text = await cinema.server.ask(path, cinema.admin);
      rows = text.split("\n").length - 2;
    },
  });
  if (size !== "large" && rows !== rowsOfTheMonth)
    throw new Error(`The export had ${rows} rows, not ${rowsOfTheMonth}.`);
  return { ...figures, rows };
}

// On a database of its own, so that the server of the other scenarios has no part in it.
async function expireTogether(cinema: Cinema, count: number): Promise<Figures> {
  const url = await cinema.createDatabase();
  const sql = await connectOnce(url);
  try {
    const [row] = await sql.query("select clock_timestamp() + interval '8 seconds' as due");
    const due = row?.["due"] as Date;
    await givenHolds(sql, count, due);
    const server = await cinema.startServer(url);
    const [running] = await sql.query("select clock_timestamp() < $1 as is_early", [due]);
    if (running?.["is_early"] !== true) throw new Error("The server was not ready when the holds ran out.");
    const late = await watchExpiry(sql, count, due);
    await server.stop();
    return late;
  } finally {
    await sql.end();
  }
}

// As others see it: by when so many holds are written as expired, the commit included.
async function watchExpiry(sql: Connection, count: number, due: Date): Promise<Figures> {
  let p50: number | undefined;
  let p99: number | undefined;
  for (;;) {
    const [row] = await sql.query(
      "select clock_timestamp() as at, (select count(*) from booking where status = 'Pending')::int as pending",
    );
    if (row === undefined) throw new Error("The database did not tell the time.");
    const ms = (row["at"] as Date).getTime() - due.getTime();
    const pending = row["pending"] as number;
    if (pending <= count / 2) p50 ??= ms;
    if (pending <= count / 100) p99 ??= ms;
    if (p50 !== undefined && p99 !== undefined) return { "late p50 ms": p50, "late p99 ms": p99 };
    if (ms > 30_000) throw new Error(`${pending} of ${count} holds have not expired.`);
    await pause(5);
  }
}

async function rehydrate(cinema: Cinema, count: number): Promise<Figures> {
  const url = await cinema.createDatabase();
  const sql = await connectOnce(url);
  await givenHolds(sql, count, new Date(cinema.now.getTime() + 86_400_000));
  await sql.end();
  const part = await startPart(new URL("rehydrate-process.ts", import.meta.url), [url]);
  await part.stop();
  const { holds, seconds, megabytes } = JSON.parse(part.said) as Record<string, number>;
  if (holds !== count || seconds === undefined || megabytes === undefined)
    throw new Error(`${holds} of ${count} holds were found at the start.`);
  return { seconds, MB: megabytes };
}

// One seat each, of as many customers as it takes and one network each, on shows far ahead.
async function givenHolds(sql: Connection, count: number, expiresAt: Date): Promise<void> {
  await sql.query("set session_replication_role = replica");
  await sql.query("insert into movie (movie_id, title) values ('held', 'Held')");
  await sql.query(
    `create temporary table hold as
     with many as (
       insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
       select 'held', day::date, 1, 200, 1, day + interval '3 hours', day + interval '6 hours'
       from generate_series(timestamptz '2035-01-01', timestamptz '2035-01-01' + interval '1 day' * (($1::int + 99) / 100 - 1), '1 day') day
       returning id, date
     )
     select nextval(pg_get_serial_sequence('booking', 'id')) as id, many.id as show_id, many.date, seat.seat_number,
       row_number() over () as n
     from many, seat where seat.screen_id = 1 limit $1::int`,
    [count],
  );
  await sql.query(
    `with account as (
       insert into usertable (username, password, role)
       select 'held.' || n, 'none', 'customer' from generate_series(0, ${customersOfTheBench} - 1) n returning username
     ), customer as (
       insert into customertable (username, name, email, number, security_question_id, security_answer_hash)
       select username, 'Customer', username || '@example.com', (9200000000 + split_part(username, '.', 2)::bigint)::text, 1, 'none' from account
       returning username
     )
     insert into customer_wallet (username) select username from customer`,
  );
  await sql.query(
    `insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, status, booking_time, customer_username, expires_at, hold_slot)
     select id, date, show_id, 1, 200, 0, 'Pending', clock_timestamp(), 'held.' || n % ${customersOfTheBench}, $1, n from hold`,
    [expiresAt],
  );
  await sql.query(
    "insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) select id, show_id, 1, seat_number from hold",
  );
  await sql.query(
    "insert into seat_claim (show_id, seat_number, booking_id, free_after) select show_id, seat_number, id, $1 from hold",
    [expiresAt],
  );
  await sql.query("drop table hold");
  await sql.query("reset session_replication_role");
  await sql.query("vacuum analyze");
}
