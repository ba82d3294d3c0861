import { afterAll, beforeAll, expect, test } from "vitest";
import { startDatabaseProxy } from "../../../server/test/database-proxy.ts";
import { givenSales } from "../../../server/test/given-counter-sales.ts";
import { givenCustomer, givenStaff, tokenOf } from "../../../server/test/given.ts";
import { openPort } from "../../../server/test/open-port.ts";
import { createTestApp, testApiKey } from "../../../server/test/test-app.ts";
import { createSkyfoxClient, domainErrorOf, type SkyfoxClient } from "../../src/index.ts";
import { errorOf } from "../connect.ts";

const home = await createTestApp();
const proxy = await startDatabaseProxy(home.databaseUrl);
afterAll(() => proxy.close());
const app = await createTestApp({ beside: home, databaseUrl: () => proxy.url });
const url = `http://127.0.0.1:${await openPort(app)}`;
const connectAs = (token?: string) =>
  createSkyfoxClient({ url, apiKey: testApiKey, token, timeoutMs: 5_000 });

const isPage = ({ sql }: { sql: string }) => sql.includes("b.no_of_seats as seats");
let staff: SkyfoxClient;
beforeAll(async () => {
  staff = connectAs(await tokenOf(app.deps, await givenStaff(app.deps, "staff")));
  await givenSales(
    app,
    Array.from({ length: 2_500 }, () => ({ at: "2025-04-01 12:00Z" })),
  );
});

test("staff export the bookings of a month over the network", async () => {
  const { filename, stream } = await staff.exports.bookingsCsv({ month: 4, year: 2025 });
  expect(filename).toBe("bookings_April_2025.csv");
  const text = await new Response(stream).text();
  expect(text.split("\r\n")).toHaveLength(2_502);
  expect(await new Response((await staff.exports.bookingsCsv({ month: 5 })).stream).text()).toMatch(
    /^Booking ID.*\r\n$/,
  );
});

test("a customer learns who may, and staff which parameter is wrong", async () => {
  const customer = connectAs(await tokenOf(app.deps, await givenCustomer(app.deps)));
  expect(domainErrorOf(await errorOf(customer.exports.bookingsCsv()))).toMatchObject({
    code: "FORBIDDEN",
    details: { requiredRoles: ["staff", "admin"] },
  });
  expect(domainErrorOf(await errorOf(staff.exports.bookingsCsv({ year: 25 })))).toMatchObject({
    code: "VALIDATION_ERROR",
    fields: [{ field: "year" }],
  });
  expect(domainErrorOf(await errorOf(connectAs().exports.bookingsCsv()))?.code).toBe("MISSING_TOKEN");
});

test("a transfer that breaks off fails while it is read", async () => {
  let left = 3;
  proxy.intercept((statement) => isPage(statement) && (left -= 1) === 0, "before");
  const { stream } = await staff.exports.bookingsCsv();
  await expect(new Response(stream).text()).rejects.toThrow("terminated");
});

test("a signal ends a transfer that has begun", async () => {
  let left = 3;
  const third = proxy.intercept((statement) => isPage(statement) && (left -= 1) === 0, "hold");
  const giveUp = new AbortController();
  const { stream } = await staff.exports.bookingsCsv({ signal: giveUp.signal });
  // Read from the beginning: a page is asked for when the reader has taken the one before.
  const reading = new Response(stream).text();
  await third.reached;
  giveUp.abort();
  await expect(reading).rejects.toMatchObject({ name: "AbortError" });
  third.release();
});
