import { expect, test } from "vitest";
import { givenStaff, tokenOf } from "../../../server/test/given.ts";
import { createTestApp } from "../../../server/test/test-app.ts";
import { Decimal, domainErrorOf, type RouterInputs } from "../../src/index.ts";
import { connect, errorOf, signIn } from "../connect.ts";

const app = await createTestApp();

test("an admin builds a screen and schedules a show on it, and a customer holds a seat of it", async () => {
  const admin = connect(app, await tokenOf(app.deps, await givenStaff(app.deps, "admin")));
  const rows: RouterInputs["admin"]["createScreen"]["rows"] = [
    { row: "A", seats: [1, 2, 3].map((number) => ({ number, type: "Standard" })) },
    { row: "B", seats: [{ number: 2, type: "Deluxe" }] },
  ];
  const screen = await admin.admin.createScreen.mutate({ name: "The Small Hall", rows });
  expect(await admin.admin.screens.query()).toContainEqual({
    id: screen.id,
    name: "The Small Hall",
    capacity: 4,
  });

  const [movie] = await admin.admin.movies.query();
  const day = { date: "2026-03-12", screenId: screen.id };
  const slots = await admin.admin.slots.query(day);
  expect(slots).toEqual(await admin.admin.allSlots.query());
  const evening = slots.find(({ name }) => name === "Evening")!;
  const wanted = { ...day, movieId: movie!.movieId, slotId: evening.id, cost: new Decimal("180.50") };
  const { warnings, ...show } = await admin.admin.createShow.mutate(wanted);
  expect(warnings).toEqual([]);
  expect(show).toMatchObject({ movie, slot: evening, screen: { name: "The Small Hall" }, availableSeats: 4 });
  expect((await admin.admin.slots.query(day)).map(({ id }) => id)).not.toContain(evening.id);

  const taken = domainErrorOf(await errorOf(admin.admin.createShow.mutate(wanted)));
  expect(taken?.code).toBe("SLOT_NOT_AVAILABLE");
  const expensive = { ...wanted, cost: new Decimal("3000.01") };
  const refused = domainErrorOf(await errorOf(admin.admin.createShow.mutate(expensive)));
  expect(refused).toMatchObject({ code: "INVALID_COST", details: { max: new Decimal("3000") } });

  const customer = await signIn(app);
  expect(await customer.show.list.query({ date: "2026-03-12" })).toEqual([show]);
  const hold = await customer.booking.initialize.mutate({ showId: show.id, seatNumbers: ["A3", "B2"] });
  expect(hold.amountDue.toFixed(2)).toBe("511.00");
  expect((await customer.show.byId.query({ showId: show.id })).availableSeats).toBe(2);
});
