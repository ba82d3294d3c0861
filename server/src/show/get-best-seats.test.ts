import { beforeEach, expect, test } from "vitest";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { bestSeats, type BestSeats, type SeatMap } from "../contract/index.ts";

const app = await createTestApp();
const { deps, clock } = app;
beforeEach(() => clock.set(testStart));

const best = async (input: object, token: string) =>
  await query<BestSeats | null>(app, "show.bestAvailable", input, { token });

test("the best seats of a show are priced, follow what is held, and are those that the SDK finds in the seat map", async () => {
  const customer = await givenCustomer(deps);
  const token = await tokenOf(deps, customer);
  const showId = await givenShow(app, { cost: "200.10" });
  const seen: (string | undefined)[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const map = await query<SeatMap>(app, "show.seatMap", { showId }, { token });
    const { data } = await best({ showId, count: 2 }, token);
    expect(data).toEqual(bestSeats(map.data!, 2));
    seen.push(data?.seatNumbers.join());
    await holdSeats(deps, customer, { showId, seatNumbers: data!.seatNumbers });
  }
  expect(seen).toEqual(["G5,G6", "H5,H6", "F5,F6"]);
  const standard = await best({ showId, count: 3, type: "Standard" }, token);
  expect(standard.data?.seatNumbers).toEqual(["E4", "E5", "E6"]);
  expect(standard.data?.amountDue.toFixed(2)).toBe("600.30");
  clock.advance(300_000);
  expect((await best({ showId, count: 2 }, token)).data?.seatNumbers).toEqual(["G5", "G6"]);
});

test("there are none where no row has so many side by side", async () => {
  const customer = await givenCustomer(deps);
  const token = await tokenOf(deps, customer);
  const showId = await givenShow(app);
  for (const row of ["A", "B", "C", "D", "E"])
    await holdSeats(deps, await givenCustomer(deps), { showId, seatNumbers: [`${row}5`] });
  expect(await best({ showId, count: 6, type: "Standard" }, token)).toMatchObject({
    status: 200,
    data: null,
  });
  expect((await best({ showId, count: 5, type: "Standard" }, token)).data?.seatNumbers).toHaveLength(5);
});

test("customers see those of the week, staff of any date; a show that is not there has none", async () => {
  const token = await tokenOf(deps, await givenCustomer(deps));
  const staff = await tokenOf(deps, await givenStaff(deps, "staff"));
  const showId = await givenShow(app, { date: "2026-03-17" });
  const answer = await best({ showId, count: 1 }, token);
  expect([answer.status, answer.error?.data.domain?.code]).toEqual([400, "DATE_OUT_OF_RANGE"]);
  expect((await best({ showId, count: 1 }, staff)).status).toBe(200);
  const none = await best({ showId: 999_999_999, count: 1 }, token);
  expect([none.status, none.error?.data.domain?.code]).toEqual([404, "SHOW_NOT_FOUND"]);
});

test.each([
  [11, "TOO_MANY_SEATS", { max: 10 }],
  [0, "VALIDATION_ERROR", null],
  [-1, "VALIDATION_ERROR", null],
  [1.5, "VALIDATION_ERROR", null],
  ["2", "VALIDATION_ERROR", null],
])("a count of %j is refused", async (count, code, details) => {
  const token = await tokenOf(deps, await givenCustomer(deps));
  const answer = await best({ showId: 1, count }, token);
  expect([answer.status, answer.error?.data.domain]).toEqual([400, { code, details }]);
});
