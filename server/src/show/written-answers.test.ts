import fc from "fast-check";
import { expect, test } from "vitest";
import { givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { headersFor, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { Decimal, transformer, type SeatMap, type Show } from "../contract/index.ts";

const app = await createTestApp();
const token = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));

/** The text of a query's answer, which is that of a call alone. */
async function ask(path: string, input: unknown): Promise<string> {
  const search = encodeURIComponent(JSON.stringify(transformer.serialize(input)));
  return await (
    await app.app.request(`/trpc/${path}?input=${search}`, { headers: headersFor({ token }) })
  ).text();
}

const asTransformed = (value: unknown) =>
  `{"result":{"data":${JSON.stringify(transformer.serialize(value))}}}`;

// With everything that JSON escapes, and what stands between the parts of a written answer.
const character = fc.constantFrom("A", "é", '"', "\\", "\n", "\u2028", "😀", "0", ",", "{", "free");
const text = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(""));

interface Seat {
  row: string;
  column: number;
  type: "Standard" | "Deluxe";
  state: "free" | "left" | "overdue" | "held" | "sold" | "came";
}

const seat = fc.record<Seat>({
  row: fc.constantFrom("A", "B", "Z", "AA", "ZA"),
  column: fc.integer({ min: 1, max: 30 }),
  type: fc.constantFrom("Standard", "Deluxe"),
  state: fc.constantFrom("free", "left", "overdue", "held", "sold", "came"),
});
const layout = fc.uniqueArray(seat, {
  minLength: 1,
  maxLength: 40,
  selector: ({ row, column }) => `${row}${column}`,
});
const price = fc.integer({ min: 1, max: 300_000 }).map((cents) => new Decimal(cents).div(100));

async function givenScreenOf(name: string, seats: Seat[]): Promise<number> {
  const [screen] = await app.sql.query(
    `with screen as (insert into screen (name) values (left($1 || gen_random_uuid(), 50)) returning id), seats as (
       insert into seat (screen_id, seat_number, row_label, column_number, seat_type)
       select screen.id, "row" || "column", "row", "column", type
       from screen, jsonb_to_recordset($2) as seat ("row" text, "column" int, type seat_type_enum)
     ) select id from screen`,
    [name, JSON.stringify(seats)],
  );
  return screen?.["id"] as number;
}

// A booking a seat, each as the books want it.
async function givenClaims(showId: number, seats: Seat[]): Promise<void> {
  await app.sql.query(
    `with wanted as (
       select nextval(pg_get_serial_sequence('booking', 'id')) as id, "row" || "column" as seat, state,
         case when state = 'overdue' then $3::timestamptz else $3::timestamptz + interval '1 millisecond' end as until,
         state in ('sold', 'came') as is_paid
       from jsonb_to_recordset($2) as seat ("row" text, "column" int, state text) where state not in ('free', 'left')
     ), person as (
       insert into admin_booked_customer (name, number) values ('Walk In', '9876543210') returning id
     ), booked as (
       insert into booking (id, date, show_id, customer_id, no_of_seats, amount_due, amount_paid, payment_type, status, expires_at,
         checked_in_at, checked_in_by)
       select wanted.id, show.date, show.id, person.id, 1, 200, case when is_paid then 200 else 0 end,
         case when is_paid then 'Cash'::payment_mode_enum end,
         case state when 'sold' then 'Confirmed' when 'came' then 'CheckedIn' else 'Pending' end::booking_status,
         case when not is_paid then until end,
         case when state = 'came' then $3::timestamptz end, case when state = 'came' then 'staff-0' end
       from wanted, person, show where show.id = $1
     ), mapped as (
       insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
       select wanted.id, show.id, show.screen_id, seat from wanted, show where show.id = $1
     ), left_again as (
       insert into seat_claim (show_id, seat_number, booking_id, free_after)
       select $1, "row" || "column", null, '-infinity' from jsonb_to_recordset($2) as seat ("row" text, "column" int, state text)
       where state = 'left'
     )
     insert into seat_claim (show_id, seat_number, booking_id, free_after)
     select $1, seat, id, case when not is_paid then until end from wanted`,
    [showId, JSON.stringify(seats), testStart],
  );
}

const statusOf = {
  free: "free",
  left: "free",
  overdue: "free",
  held: "held",
  sold: "sold",
  came: "sold",
} as const;

test("a seat map is written as the transformer would write it, whatever its layout and its claims", async () => {
  await fc.assert(
    fc.asyncProperty(layout, price, async (seats, base) => {
      const screenId = await givenScreenOf("Screen", seats);
      const showId = await givenShow(app, { cost: base.toFixed(2), screenId });
      const rows = [...new Set(seats.map(({ row }) => row))].toSorted(
        (one, other) => one.length - other.length || (one < other ? -1 : 1),
      );
      const mapOf = (claimed: (seat: Seat) => Seat["state"], version: number): SeatMap => ({
        showId,
        version,
        prices: { Standard: base, Deluxe: base.plus(150) },
        rows: rows.map((row) => ({
          row,
          seats: seats
            .filter((one) => one.row === row)
            .toSorted((one, other) => one.column - other.column)
            .map((one) => ({
              seatNumber: `${row}${one.column}`,
              column: one.column,
              type: one.type,
              status: statusOf[claimed(one)],
            })),
        })),
      });
      expect(await ask("show.seatMap", { showId })).toBe(asTransformed(mapOf(() => "free", 0)));
      await givenClaims(showId, seats);
      const version = seats.filter(({ state }) => state !== "free").length;
      const expected = asTransformed(mapOf(({ state }) => state, version));
      expect(await ask("show.seatMap", { showId })).toBe(expected);
      expect(await ask("show.seatMap", { showId })).toBe(expected);
    }),
    { numRuns: 30, seed: 20_270_101 },
  );
});

test("a day's list is written as the transformer would write it, whatever is known of its shows", async () => {
  const show = fc.record({
    film: text,
    plot: fc.option(text),
    rating: fc.option(fc.constantFrom("7.5", '"')),
    genres: fc.array(text, { maxLength: 3 }),
    screen: text,
    seats: layout,
    cost: price,
    isCancelled: fc.boolean(),
  });
  let days = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(show, { maxLength: 4 }), async (shows) => {
      days += 1;
      const date = Temporal.PlainDate.from("2027-01-01").add({ days }).toString();
      const ids: number[] = [];
      for (const { film, plot, rating, genres, screen, seats, cost, isCancelled } of shows) {
        const id = await givenShow(app, {
          date,
          cost: cost.toFixed(2),
          screenId: await givenScreenOf(screen, seats),
          ...(isCancelled && { cancelReason: "The projector is broken." }),
        });
        await app.sql.query(
          `update movie set title = $2, plot = $3, imdb_rating = $4, genres = $5
           where movie_id = (select movie_id from show where id = $1)`,
          [id, film, plot, rating, genres],
        );
        ids.push(id);
      }
      const expectList = async () => {
        // One show is described, and written, as every other answer is.
        const described = await Promise.all(
          ids.map(async (showId) => (await query<Show>(app, "show.byId", { showId }, { token })).data),
        );
        expect(await ask("show.list", { date })).toBe(asTransformed(described));
      };
      await expectList();
      for (const [index, { seats }] of shows.entries()) await givenClaims(ids[index]!, seats);
      await expectList();
      await expectList();
    }),
    { numRuns: 10, seed: 20_270_101 },
  );
});
