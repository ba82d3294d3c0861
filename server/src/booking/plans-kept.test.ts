import { sql } from "kysely";
import { expect, test } from "vitest";
import { givenCustomer, givenShow } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdBestSeats } from "./hold-best-seats.ts";
import { holdSeats } from "./hold-seats.ts";

// Postgres plans a statement for its values five times, and goes on with one plan for all values where that is expected to cost no more.
const plannedByValues = 5;

test("the statements of holds and cancellations are planned for some calls, and not for each", async () => {
  const app = await createTestApp({ maxConnections: 1 });
  const showId = await givenShow(app);
  const { deps } = app;
  const customer = await givenCustomer(deps);
  for (let turn = 0; turn < 4 * plannedByValues; turn += 1) {
    const count = turn % 2 === 0 ? 1 : 10;
    const seatNumbers = Array.from({ length: count }, (_, index) => `B${index + 1}`);
    await cancelBooking(deps, customer, await holdSeats(deps, customer, { showId, seatNumbers }));
    await cancelBooking(deps, customer, await holdBestSeats(deps, customer, { showId, count: 2 }));
  }
  const { rows } = await sql<{ statement: string; custom: number }>`
    select statement, custom_plans::int as custom from pg_prepared_statements
    where statement ~ 'seat_claim|cancel_hold' and statement !~ 'pg_prepared_statements'`.execute(deps.db);
  // The looks for wanted and for the best seats, the hold's and the cancellation's statement.
  expect(rows).toHaveLength(4);
  expect(rows.filter(({ custom }) => custom > plannedByValues)).toEqual([]);
});
