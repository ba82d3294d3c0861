import { expect, test } from "vitest";
import { givenBooking } from "../../../server/test/given-money.ts";
import { givenSales } from "../../../server/test/given-sales.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../../server/test/given.ts";
import { createTestApp } from "../../../server/test/test-app.ts";
import { Decimal, domainErrorOf, type RouterOutputs } from "../../src/index.ts";
import { connect, errorOf } from "../connect.ts";

const app = await createTestApp();

test("an admin sees what was sold, day by day and altogether, and what a refund takes away again", async () => {
  const admin = connect(app, await tokenOf(app.deps, await givenStaff(app.deps, "admin")));
  const customer = await givenCustomer(app.deps);
  const showId = await givenShow(app, { slotId: 4, cost: "199.99" });
  expect(await admin.admin.revenue.query()).toMatchObject({ totalBookings: 0, groups: [] });

  await givenBooking(app, customer, "card", { showId, seat: "A1" });
  const deluxe = await givenBooking(app, customer, "both", { showId, seat: "F1" });
  const takings: RouterOutputs["admin"]["revenue"] = await admin.admin.revenue.query({
    timeframe: "daily",
    slotId: 4,
    labelOrder: ["slot"],
  });
  const figures = {
    totalRevenue: new Decimal("549.98"),
    meanRevenue: new Decimal("274.99"),
    medianRevenue: new Decimal("274.99"),
    totalBookings: 2,
    totalSeatsBooked: 2,
  };
  expect(takings).toEqual({ ...figures, groups: [{ label: "Night;2026-03-10", ...figures }] });

  const { bookingId } = deluxe;
  await admin.admin.refundBooking.mutate({ bookingId, to: "wallet", reason: "The projector is broken." });
  const { totalRevenue } = await admin.admin.revenue.query({ month: 3, year: 2026 });
  expect(totalRevenue.toFixed(2)).toBe("199.99");

  const refusal = domainErrorOf(
    await errorOf(admin.admin.revenue.query({ timeframe: "yearly", year: 2026 })),
  );
  if (refusal?.code !== "INVALID_PARAMS") throw new Error(`Not refused but ${refusal?.code}.`);
  expect(refusal.details.reason).toBe(
    "A timeframe cannot be combined with a month or a year: leave one of them out.",
  );
});

test("takings of more than ten digits arrive to the paisa", async () => {
  const admin = connect(app, await tokenOf(app.deps, await givenStaff(app.deps, "admin")));
  const showId = await givenShow(app);
  await app.sql.query("alter table booking drop constraint booking_rules");
  const at = new Date("2020-01-01T12:00:00Z");
  const amount = "9999999999.99";
  await givenSales(app, [
    { showId, at, amount },
    { showId, at, amount },
  ]);
  const { totalRevenue } = await admin.admin.revenue.query({ year: 2020 });
  expect(totalRevenue).toEqual(new Decimal("19999999999.98"));
});
