import { describe, expect, test } from "vitest";
import { givenCustomer, givenCustomers, givenShow, goodCard } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp();
test("smoke", async () => {
  const showId = await givenShow(app);
  const user = await givenCustomer(app.deps);
  const hold = await holdSeats(app.deps, user, { showId, seatNumbers: ["A1", "F2"] });
  expect(hold.amountDue.toFixed(2)).toBe("550.00");
  const booking = await payBooking(app.deps, user, { bookingId: hold.bookingId, method: "Card", card: goodCard });
  expect(booking.status).toBe("Confirmed");
  console.log(booking);
});
