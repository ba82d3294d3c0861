import { inTransaction } from "@skyfox/db";
import { sql } from "kysely";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { startCountingProxy } from "../../test/count-round-trips.ts";
import { givenBooking, givenCounterSale, givenHold } from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { getBooking } from "../booking/get-booking.ts";
import { Decimal, type BookingPage, type DoorListInput } from "../contract/index.ts";
import { cancelShow } from "../booking/cancel-show.ts";
import { checkIn } from "./check-in.ts";
import { listDoor } from "./list-door.ts";
import { refundBooking } from "../booking/refund-booking.ts";
import { sellAtCounter } from "../booking/sell-at-counter.ts";

const app = await createTestApp();
const { deps, clock } = app;
const proxy = await startCountingProxy(app.databaseUrl);
afterAll(() => proxy.close());
const counted = await createTestApp({ beside: app, databaseUrl: () => proxy.url, maxConnections: 1 });
const admin = await givenStaff(deps, "admin");
const staff = await givenStaff(deps, "staff");
beforeEach(() => clock.set(testStart));

function list(input: Partial<DoorListInput>) {
  return listDoor(deps, { limit: 100, ...input });
}

async function idsOf(input: Partial<DoorListInput>): Promise<number[]> {
  return (await list(input)).items.map(({ bookingId }) => bookingId);
}

/** Every page of a list, one after the other. */
async function pagesOf(input: Partial<DoorListInput>): Promise<number[][]> {
  const pages: number[][] = [];
  let cursor: string | undefined;
  do {
    const { items, nextCursor }: BookingPage = await list({ ...input, cursor });
    pages.push(items.map(({ bookingId }) => bookingId));
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  return pages;
}

/** That many shows like this one from 2027-01-01 on, four a day, each sold out at the counter: written straight into the tables. */
async function givenSoldOutShows(showId: number, count: number): Promise<void> {
  await app.sql.query(
    `with many as (
       insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
       select movie_id, '2027-01-01'::date + n / 4, n % 4 + 1, 200, screen_id,
         '2027-01-01T00:00Z'::timestamptz + interval '6 hours' * n, '2027-01-01T03:00Z'::timestamptz + interval '6 hours' * n
       from show, generate_series(0, $2::int - 1) n where id = $1
       returning id, date, screen_id
     ), person as (
       insert into admin_booked_customer (name, number) values ('Walk In', '9876543210') returning id
     ), sold as (
       select nextval(pg_get_serial_sequence('booking', 'id')) as id, many.id as show_id, many.date, many.screen_id, seat.seat_number
       from many join seat using (screen_id)
     ), booked as (
       insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, payment_type, status, booking_time, customer_id)
       select sold.id, date, show_id, 1, 200, 200, 'Cash', 'Confirmed', $3, person.id from sold, person
     ), mapped as (
       insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
       select id, show_id, screen_id, seat_number from sold
     )
     insert into seat_claim (show_id, seat_number, booking_id) select show_id, seat_number, id from sold`,
    [showId, count, clock.now()],
  );
  await app.sql.query("analyze");
}

describe("the list at the door", () => {
  test("has every booking with a ticket, with name, phone, seats and amount", async () => {
    const showId = await givenShow(app);
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "card", { showId, seat: "A1" });
    const walkIn = { customerName: "Asha Rao", phoneNumber: "9123456789" };
    await sellAtCounter(deps, admin, { ...walkIn, showId, seatNumbers: ["F1", "A2"] });
    const { items, nextCursor } = await list({ showId });
    expect(nextCursor).toBeNull();
    expect(items).toHaveLength(2);
    expect(items[0]).toEqual(await getBooking(deps, customer, { bookingId }));
    expect(items[1]).toMatchObject({
      customerName: "Asha Rao",
      phoneNumber: "9123456789",
      seatNumbers: ["A2", "F1"],
      amountPaid: new Decimal("550"),
      paymentType: "Cash",
      status: "Confirmed",
    });
  });

  test("keeps those who have come, and says so", async () => {
    const showId = await givenShow(app);
    const [inside, outside] = [
      await givenCounterSale(app, showId, "A1"),
      await givenCounterSale(app, showId, "A2"),
    ];
    clock.set(new Date("2026-03-11T11:00:00Z"));
    await checkIn(deps, staff, { bookingIds: [inside] });
    expect((await list({ showId })).items.map(({ bookingId, status }) => [bookingId, status])).toEqual([
      [inside, "CheckedIn"],
      [outside, "Confirmed"],
    ]);
  });

  test("has no hold, no ended hold, no refunded booking, and none of a cancelled show", async () => {
    const showId = await givenShow(app, { date: "2026-03-13" });
    const customer = await givenCustomer(deps);
    await givenHold(app, customer, { showId, seat: "A1" });
    clock.advance(300_000);
    await deps.monitors.settled();
    await givenHold(app, customer, { showId, seat: "A2" });
    const refunded = await givenCounterSale(app, showId, "A3");
    await refundBooking(deps, admin, { bookingId: refunded, to: "source", reason: "Ill" });
    const cancelled = await givenShow(app, { date: "2026-03-13" });
    await givenCounterSale(app, cancelled, "A1");
    const others = await givenShow(app, { date: "2026-03-13" });
    const other = await givenCounterSale(app, others, "A1");
    // Its bookings have not been given back yet.
    await app.sql.query("update show set cancelled_at = $2, cancel_reason = 'A power cut' where id = $1", [
      cancelled,
      clock.now(),
    ]);
    expect(await idsOf({ date: "2026-03-13" })).toEqual([other]);
    expect(await idsOf({ showId: cancelled })).toEqual([]);
    await cancelShow(deps, admin, { showId: cancelled, reason: "A power cut" });
  });

  test("is by default today's in the cinema's zone", async () => {
    const yesterday = await givenShow(app, { date: "2026-04-09", slotId: 4 });
    const today = await givenShow(app, { date: "2026-04-10", slotId: 1 });
    const tomorrow = await givenShow(app, { date: "2026-04-11", slotId: 1 });
    const ids: number[] = [];
    for (const showId of [yesterday, today, tomorrow]) ids.push(await givenCounterSale(app, showId, "A1"));
    // Midnight in Asia/Kolkata.
    const midnight = new Date("2026-04-09T18:30:00Z");
    clock.set(new Date(midnight.getTime() - 1));
    expect(await idsOf({})).toEqual([ids[0]]);
    clock.set(midnight);
    expect(await idsOf({})).toEqual([ids[1]]);
    expect(await idsOf({ date: "2026-04-11" })).toEqual([ids[2]]);
    expect(await idsOf({ date: "2026-04-12" })).toEqual([]);
  });

  test("of a show does not ask for its day, and with a day not its own is empty", async () => {
    const showId = await givenShow(app, { date: "2026-05-20" });
    const bookingId = await givenCounterSale(app, showId, "A1");
    expect(await idsOf({ showId })).toEqual([bookingId]);
    expect(await idsOf({ showId, date: "2026-05-20" })).toEqual([bookingId]);
    expect(await idsOf({ showId, date: "2026-05-21" })).toEqual([]);
    expect(await idsOf({ showId: 999_999_999 })).toEqual([]);
  });

  test("is ordered by the start of the show, then by show and booking, and its pages are the whole of it", async () => {
    const date = "2026-06-01";
    const evening = await givenShow(app, { date, slotId: 3 });
    const morning = await givenShow(app, { date, slotId: 1 });
    const alsoMorning = await givenShow(app, { date, slotId: 1 });
    const sold: Record<number, number[]> = { [evening]: [], [morning]: [], [alsoMorning]: [] };
    for (const seat of ["A1", "A2", "A3"])
      for (const showId of [evening, alsoMorning, morning])
        sold[showId]!.push(await givenCounterSale(app, showId, seat));
    const all = [...sold[morning]!, ...sold[alsoMorning]!, ...sold[evening]!];
    expect(await idsOf({ date })).toEqual(all);
    for (const limit of [1, 2, 3, 4, 8, 9, 10]) {
      const pages = await pagesOf({ date, limit });
      expect(pages.flat()).toEqual(all);
      expect(pages).toHaveLength(Math.ceil(all.length / limit));
    }
    expect(await pagesOf({ showId: morning, limit: 2 })).toEqual([
      sold[morning]!.slice(0, 2),
      sold[morning]!.slice(2),
    ]);
  });

  test("continues after its cursor, though bookings were refunded or checked in meanwhile", async () => {
    const showId = await givenShow(app);
    const ids: number[] = [];
    for (const seat of ["A1", "A2", "A3", "A4"]) ids.push(await givenCounterSale(app, showId, seat));
    const { nextCursor } = await list({ showId, limit: 2 });
    await refundBooking(deps, admin, { bookingId: ids[1]!, to: "source", reason: "Ill" });
    clock.set(new Date("2026-03-11T11:00:00Z"));
    await checkIn(deps, staff, { bookingIds: [ids[2]!] });
    expect(await idsOf({ showId, cursor: nextCursor! })).toEqual(ids.slice(2));
  });

  test.each(["", "1", "1-", "-1", "0-1", "1-0", "1-1-1", "1-1 ", "١-١", `1-${"9".repeat(16)}`, "1-1;select"])(
    "knows no cursor '%s'",
    async (cursor) => {
      expect(await refusalOf(list({ cursor }))).toBe("VALIDATION_ERROR");
    },
  );

  test("takes one statement, however many there are", async () => {
    const showId = await givenShow(app);
    const call = { token: await tokenOf(deps, staff) };
    const ask = () => query<BookingPage>(counted, "admin.doorList", { showId, limit: 100 }, call);
    counted.deps.sessions.proven(Infinity);
    // Opens the one connection, and reads the session.
    expect((await ask()).data?.items).toEqual([]);
    expect(await proxy.count(ask)).toBe(1);
    for (let seat = 1; seat <= 10; seat += 1) await givenCounterSale(app, showId, `B${seat}`);
    expect((await ask()).data?.items).toHaveLength(10);
    expect(await proxy.count(ask)).toBe(1);
  });

  test("reads what is on its page, however many other bookings there are", async () => {
    const showId = await givenShow(app, { date: "2026-07-01" });
    await givenSoldOutShows(showId, 40);
    const filter = { date: "2027-01-03", limit: 20 };
    const rows = await inTransaction(deps.db, async (tx) => {
      // The connection counts what earlier transactions have read as well.
      const countRead = async () => {
        const { rows: found } = await sql<{ rows: number }>`
          select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows
          from pg_stat_xact_user_tables`.execute(tx);
        return found[0]?.rows ?? 0;
      };
      const before = await countRead();
      expect((await listDoor({ ...deps, db: tx }, filter)).items).toHaveLength(20);
      return (await countRead()) - before;
    });
    console.log(`A page of 20 among 4,000 bookings reads ${rows} rows.`);
    expect(rows).toBeLessThan(1_000);
  });

  test("is for staff and admins, and may be asked for with nothing", async () => {
    const ask = async (person: typeof staff, input?: object) =>
      query<BookingPage>(app, "admin.doorList", input, { token: await tokenOf(deps, person) });
    expect((await ask(staff)).data).toEqual({ items: [], nextCursor: null });
    expect((await ask(admin, { limit: 1 })).status).toBe(200);
    expect((await ask(await givenCustomer(deps))).error?.data.domain).toEqual({
      code: "FORBIDDEN",
      details: { requiredRoles: ["staff", "admin"] },
    });
    for (const wrong of [{ limit: 0 }, { limit: 101 }, { date: "2026-02-30" }, { showId: 0 }])
      expect((await ask(staff, wrong)).error?.data.domain?.code).toBe("VALIDATION_ERROR");
  });
});
