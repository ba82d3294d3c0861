import { databaseTime } from "@skyfox/db";
import { expect, test } from "vitest";
import { givenTakings } from "../given-takings.ts";
import { createTestApp } from "../test-app.ts";
import { checkBooks } from "../../src/payment/check-books.ts";

const bookings = 1_000_000;

test(
  "P13: the one thing that does not add up is found among a million bookings",
  { timeout: 300_000 },
  async () => {
    const app = await createTestApp();
    await givenTakings(app.sql, bookings, await databaseTime(app.deps.db));
    const [row] = await app.sql.query("select max(id)::int as id from booking");
    const change = (by: string) =>
      app.sql.query(`update booking set no_of_seats = no_of_seats ${by} where id = $1`, [row?.["id"]]);
    await change("+ 1");
    const startedAt = performance.now();
    expect(await checkBooks(app.deps)).toMatchObject([{ subject: `booking ${String(row?.["id"])}` }]);
    console.log(
      `P13: the books of ${bookings} bookings were read in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.`,
    );
    await change("- 1");
  },
);
