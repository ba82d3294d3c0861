import { inTransaction } from "@skyfox/db";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { givenCustomer, givenCustomers, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { problemOf } from "../../test/given-money.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { bestSeats, maxLiveHolds, type BestSeats, type Hold } from "../contract/index.ts";
import { limitTable } from "../limits/limit-table.ts";
import { getBooking } from "./get-booking.ts";
import { getSeatMap } from "../show/get-seat-map.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdBestSeats } from "./hold-best-seats.ts";
import { holdSeats } from "./hold-seats.ts";
import { sellAtCounter } from "./sell-at-counter.ts";

const app = await createTestApp({ maxConnections: 20 });
const neighbour = await createTestApp({ beside: app, maxConnections: 20 });
const { deps, clock } = app;

beforeEach(() => clock.set(testStart));

const row = (name: string, columns: number[]) => columns.map((column) => `${name}${column}`);
const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** Sells these seats of a show, a booking for each list. */
async function givenSold(showId: number, bookings: string[][]): Promise<void> {
  const admin = await givenStaff(deps, "admin");
  const walkIn = { customerName: "Walk In", phoneNumber: "9876543210" };
  for (const seatNumbers of bookings) await sellAtCounter(deps, admin, { ...walkIn, showId, seatNumbers });
}

/** A show of which only these seats of row J, five columns at most, are free; they have had a hold before. */
async function givenOnlyRowJ(columns: number[]) {
  const showId = await givenShow(app);
  await givenSold(showId, [
    ..."ABCDEFGHI".split("").map((name) => row(name, all)),
    row(
      "J",
      all.filter((column) => !columns.includes(column)),
    ),
  ]);
  const before = await givenCustomer(deps);
  await cancelBooking(
    deps,
    before,
    await holdSeats(deps, before, { showId, seatNumbers: row("J", columns) }),
  );
  return showId;
}

describe("the best seats", () => {
  test("are held and priced as show.bestAvailable suggests them, for five minutes", async () => {
    const token = await tokenOf(deps, await givenCustomer(deps));
    const showId = await givenShow(app, { cost: "200.10" });
    const wish = { showId, count: 3, type: "Standard" };
    const suggested = await query<BestSeats>(app, "show.bestAvailable", wish, { token });
    const { data: hold } = await mutate<Hold>(app, "booking.initializeBest", wish, { token });
    expect(hold).toMatchObject({ showId, ...suggested.data, timeRemainingMs: 300_000 });
    expect(hold?.seatNumbers).toEqual(["E4", "E5", "E6"]);
    expect(hold?.amountDue.toFixed(2)).toBe("600.30");
    expect(hold?.expiresAt.getTime()).toBe(clock.now().getTime() + 300_000);
    clock.advance(300_000);
    await deps.monitors.settled();
    const after = await query(app, "booking.byId", { bookingId: hold?.bookingId }, { token });
    expect(after.data).toMatchObject({ status: "Expired" });
  });

  test("of a hold that is overdue are taken over", async () => {
    const showId = await givenShow(app);
    const before = await givenCustomer(deps);
    const overdue = await holdBestSeats(deps, before, { showId, count: 2 });
    deps.monitors.disarm(overdue.bookingId);
    clock.advance(300_000);
    const hold = await holdBestSeats(deps, await givenCustomer(deps), { showId, count: 2 });
    expect(hold.seatNumbers).toEqual(overdue.seatNumbers);
    expect((await getBooking(deps, before, overdue)).status).toBe("Expired");
  });

  test("are the next best ones when another buyer takes the first ones meanwhile", async () => {
    const showId = await givenOnlyRowJ([1, 2, 4, 5]);
    const map = await getSeatMap(deps, await givenCustomer(deps), { showId });
    expect(bestSeats(map, 2)?.seatNumbers).toEqual(["J4", "J5"]);
    const [isWritten, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const buyer = await givenCustomer(deps);
    const rival = inTransaction(deps.db, async (tx) => {
      await holdSeats({ ...deps, db: tx }, buyer, { showId, seatNumbers: ["J5"] });
      isWritten.resolve();
      await mayCommit.promise;
    });
    await isWritten.promise;
    const holding = holdBestSeats(deps, await givenCustomer(deps), { showId, count: 2 });
    await untilBlocked(app);
    mayCommit.resolve();
    await rival;
    expect((await holding).seatNumbers).toEqual(["J1", "J2"]);
  });

  test("of 50 buyers at two servers are the 20 pairs that are left, and 30 are told that there is no pair", async () => {
    const showId = await givenShow(app);
    await givenSold(showId, [
      ..."ABCDEF".split("").map((name) => row(name, [3, 6, 9, 10])),
      row("G", [3, 6, 7, 8, 9, 10]),
      ..."HIJ".split("").map((name) => row(name, all)),
    ]);
    const buyers = await givenCustomers(deps, 50);
    const { won, lost } = outcomesOf(
      await together(
        buyers.map(
          (buyer, turn) => () =>
            holdBestSeats(turn % 2 === 0 ? deps : neighbour.deps, buyer, { showId, count: 2 }),
        ),
      ),
    );
    const pairs = "ABCDEFG"
      .split("")
      .flatMap((name) => [1, 4, 7].map((column) => `${name}${column},${name}${column + 1}`));
    expect(won.map(({ seatNumbers }) => seatNumbers.join()).toSorted()).toEqual(
      pairs.filter((pair) => pair !== "G7,G8"),
    );
    expect(lost).toEqual(Array.from({ length: 30 }, () => "NO_ADJACENT_SEATS"));
  });
});

describe("there are none", () => {
  test("when no row has so many side by side, and the refusal says how many there are", async () => {
    const showId = await givenOnlyRowJ([1, 2, 3, 5, 6]);
    const customer = await givenCustomer(deps);
    const best = (count: number, type?: "Standard" | "Deluxe") =>
      problemOf(holdBestSeats(deps, customer, { showId, count, ...(type && { type }) }));
    expect(await best(4)).toEqual({ code: "NO_ADJACENT_SEATS", details: { longest: 3 } });
    expect(await best(1, "Standard")).toEqual({ code: "NO_ADJACENT_SEATS", details: { longest: 0 } });
    expect((await holdBestSeats(deps, customer, { showId, count: 3 })).seatNumbers).toEqual(
      row("J", [1, 2, 3]),
    );
    expect(await best(3, "Deluxe")).toEqual({ code: "NO_ADJACENT_SEATS", details: { longest: 2 } });
  });

  test("of a show that does not exist, is cancelled, has started or is too far ahead", async () => {
    const customer = await givenCustomer(deps);
    const best = (showId: number) => refusalOf(holdBestSeats(deps, customer, { showId, count: 2 }));
    expect(await best(999_999_999)).toBe("SHOW_NOT_FOUND");
    expect(await best(await givenShow(app, { cancelReason: "A power cut" }))).toBe("SHOW_CANCELLED");
    expect(await best(await givenShow(app, { date: "2026-03-17" }))).toBe("DATE_OUT_OF_RANGE");
    expect(await best(await givenShow(app, { date: "2026-03-09" }))).toBe("SHOW_ALREADY_STARTED");
  });

  test.each([
    [11, "TOO_MANY_SEATS", { max: 10 }],
    [0, "VALIDATION_ERROR", null],
  ])("for a count of %j", async (count, code, details) => {
    const token = await tokenOf(deps, await givenCustomer(deps));
    const answer = await mutate(app, "booking.initializeBest", { showId: 1, count }, { token });
    expect([answer.status, answer.error?.data.domain]).toEqual([400, { code, details }]);
  });
});

describe("the limits of booking.initialize hold", () => {
  test("for live holds, of one kind and the other together", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const best = () => holdBestSeats(deps, customer, { showId, count: 1 });
    const holds = await together(Array.from({ length: 20 }, () => best));
    const { won, lost } = outcomesOf(holds);
    expect(won).toHaveLength(maxLiveHolds);
    expect(new Set(lost)).toEqual(new Set(["TOO_MANY_HOLDS"]));
    expect(await refusalOf(holdSeats(deps, customer, { showId, seatNumbers: ["A1"] }))).toBe(
      "TOO_MANY_HOLDS",
    );
  });

  test("for calls in a minute", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    for (let turn = 0; turn < limitTable.holds.perAccount; turn += 1)
      await refusalOf(holdBestSeats(deps, customer, { showId: 999_999_999, count: 1 }));
    expect(await refusalOf(holdBestSeats(deps, customer, { showId, count: 1 }))).toBe("RATE_LIMITED");
    expect(await refusalOf(holdSeats(deps, customer, { showId, seatNumbers: ["A1"] }))).toBe("RATE_LIMITED");
  });
});

describe("while a frozen server keeps claims locked", () => {
  async function givenLocked(showId: number, seatNumbers: string[]): Promise<void> {
    await app.sql.query("begin");
    onTestFinished(async () => void (await app.sql.query("rollback")));
    await app.sql.query(
      "select from seat_claim where show_id = $1 and seat_number = any($2::text[]) for update",
      [showId, seatNumbers],
    );
  }

  test("other blocks are held", async () => {
    const showId = await givenOnlyRowJ([1, 2, 4, 5]);
    await givenLocked(showId, ["J4"]);
    const hold = await holdBestSeats(deps, await givenCustomer(deps), { showId, count: 2 });
    expect(hold.seatNumbers).toEqual(["J1", "J2"]);
  });

  test("a buyer for whom there is no other block is asked to come back, since seats are left", async () => {
    const showId = await givenOnlyRowJ([1, 2]);
    await givenLocked(showId, ["J1"]);
    expect(await problemOf(holdBestSeats(deps, await givenCustomer(deps), { showId, count: 2 }))).toEqual({
      code: "OVERLOADED",
      details: { retryAfterSeconds: 1 },
    });
  });
});

describe("a race", () => {
  /** Claims on the seats of the show go through this trigger; `body` may ask for `turn`, 1 for the first of them. */
  async function givenTrigger(showId: number, body: string): Promise<void> {
    await app.sql.query(`
      create sequence claim_turns;
      create function fail_to_claim() returns trigger language plpgsql as $$
      declare turn int := nextval('claim_turns');
      begin
        ${body}
        return new;
      end $$;
      create trigger fail_to_claim before insert on seat_claim for each row when (new.show_id = ${showId})
        execute function fail_to_claim()`);
    onTestFinished(async () => {
      await app.sql.query("drop function fail_to_claim cascade; drop sequence claim_turns");
    });
  }
  const lose = "raise check_violation using constraint = 'seat_claim_taken_has_booking';";

  test("that is lost without end ends the call", async () => {
    const showId = await givenShow(app);
    await givenTrigger(showId, lose);
    expect(await refusalOf(holdBestSeats(deps, await givenCustomer(deps), { showId, count: 2 }))).toBe(
      "OVERLOADED",
    );
  });

  test("in which others are waited for again and again, and decided between, is gone on with", async () => {
    const showId = await givenShow(app);
    await givenTrigger(
      showId,
      `if turn <= 40 and turn % 2 = 0 then raise lock_not_available; elsif turn <= 40 then ${lose} end if;`,
    );
    const hold = await holdBestSeats(deps, await givenCustomer(deps), { showId, count: 2 });
    expect(hold.seatNumbers).toHaveLength(2);
  });
});
