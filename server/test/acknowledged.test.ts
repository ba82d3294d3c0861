import { expect, test } from "vitest";
import { acknowledgeMadeLater, nothingAcknowledged } from "./acknowledged.ts";
import { givenCounterSale, givenHold } from "./given-money.ts";
import { givenCustomer, givenShow } from "./given.ts";
import { createTestApp } from "./test-app.ts";

const app = await createTestApp();
const customer = await givenCustomer(app.deps);
const { username } = customer;

/** A show on which a hold of each of these seats has run out. */
async function givenRunOut(...seats: string[]) {
  const showId = await givenShow(app);
  for (const seat of seats) await givenHold(app, customer, { showId, seat });
  app.clock.advance(301_000);
  const ended = "select count(*)::int as count from booking where show_id = $1 and status = 'Expired'";
  await expect
    .poll(() => app.sql.query(ended, [showId]), { timeout: 10_000 })
    .toEqual([{ count: seats.length }]);
  return showId;
}

const acknowledge = async (holds: Parameters<typeof acknowledgeMadeLater>[2]["holds"]) => {
  const acknowledged = nothingAcknowledged();
  await acknowledgeMadeLater(app.sql, acknowledged, { holds, sales: [] });
  return acknowledged.holds.map(({ showId, seats }) => ({ showId, seats }));
};

test("a hold that was made later is the one that its call wanted, and one a call", async () => {
  const showId = await givenRunOut("A1", "A2", "A3");
  const wish = { username, showId };
  expect(await acknowledge([])).toEqual([]);
  expect(await acknowledge([{ ...wish, seats: ["A2"] }])).toEqual([{ showId, seats: ["A2"] }]);
  expect(await acknowledge([{ ...wish, seats: 1 }])).toHaveLength(1);
  for (const other of [
    { ...wish, seats: ["A4"] },
    { ...wish, seats: ["A1", "A2"] },
    { ...wish, seats: 2 },
    { ...wish, seats: ["A1"], showId: await givenShow(app) },
    { ...wish, seats: ["A1"], username: "another" },
  ])
    expect(await acknowledge([other])).toEqual([]);
});

test("a hold that goes on was not made later, since its caller would have to end it", async () => {
  const showId = await givenShow(app);
  await givenHold(app, customer, { showId, seat: "A1" });
  expect(await acknowledge([{ username, showId, seats: ["A1"] }])).toEqual([]);
});

test("a sale at the counter that was made later is acknowledged once", async () => {
  const showId = await givenShow(app);
  const bookingId = await givenCounterSale(app, showId, "A1");
  const acknowledged = nothingAcknowledged();
  const open = { holds: [], sales: [{ showId, seats: ["A1"] }] };
  expect(await acknowledgeMadeLater(app.sql, acknowledged, open)).toEqual({ holds: 0, sales: 1 });
  expect(acknowledged.sales).toEqual([{ bookingId, showId, seats: ["A1"] }]);
  expect(await acknowledgeMadeLater(app.sql, acknowledged, open)).toEqual({ holds: 0, sales: 0 });
});
