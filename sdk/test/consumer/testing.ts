import {
  createAdminClient,
  createCustomerClient,
  createStaffClient,
  procedureRoles,
  type AdminClient,
  type Booking,
  type CustomerClient,
  type ProcedureFor,
  type StaffClient,
} from "@skyfox/sdk";
import { createTestClient, makeBooking, makeHold, makeSeatMap, makeShow } from "@skyfox/sdk/testing";

const options = { url: "http://localhost:8080", apiKey: "key" };
const customer: CustomerClient = createCustomerClient(options);
const staff: StaffClient = createStaffClient(options);
const admin: AdminClient = createAdminClient(options);

/** What a role may call compiles, and nothing else. */
export async function work(bookingId: number): Promise<Booking> {
  await staff.admin.checkIn.mutate({ bookingIds: [bookingId] });
  await admin.exports.bookingsXlsx({ year: 2026 });
  for (const client of [customer, staff, admin]) await client.show.cinema.query();
  return await customer.booking.cancel.mutate({ bookingId }, { idempotencyKey: "cancel-1" });
}

export type OfOtherRoles = [
  // @ts-expect-error -- Customers have nothing to do with what admins may.
  typeof customer.admin,
  // @ts-expect-error -- Exports are for staff and admins.
  typeof customer.exports,
  // @ts-expect-error -- Only admins sell at the counter.
  typeof staff.admin.createBooking,
  // @ts-expect-error -- Staff have no wallet.
  typeof staff.wallet,
  // @ts-expect-error -- Only customers hold seats.
  typeof admin.booking.initialize,
];

"booking.pay" satisfies ProcedureFor<"customer">;
// @ts-expect-error -- Staff do not pay.
"booking.pay" satisfies ProcedureFor<"staff">;

createTestClient({
  // @ts-expect-error -- A login cannot be refused with another procedure's code.
  "auth.login": (_input, { refuse }) => refuse("SEATS_UNAVAILABLE", { seatNumbers: [] }),
  // @ts-expect-error -- This code has details.
  "booking.changeSeats": (_input, { refuse }) => refuse("SEATS_UNAVAILABLE"),
  // @ts-expect-error -- A show is no list of shows.
  "show.list": () => makeShow(),
  // @ts-expect-error -- The id that is asked for is a number, and no screen.
  "show.byId": ({ showId }) => makeShow({ screen: showId }),
});
// @ts-expect-error -- There is no such procedure.
createTestClient({ "show.buy": () => null });

// What follows also runs: a page's own code, with a client that needs no server.
async function buy(client: CustomerClient, showId: number): Promise<string> {
  const held = await client.booking.initialize.safe({ showId, seatNumbers: ["A1", "A2"] });
  if (!held.ok) return `${held.error.code}: ${held.error.message}`;
  const paid = await client.booking.pay.mutate({ bookingId: held.data.bookingId, method: "Wallet" });
  return `${paid.status} for ${paid.amountPaid.toFixed(2)}`;
}

const selling = createTestClient({
  "booking.initialize": ({ showId, seatNumbers }, { refuse }) =>
    showId === 1 ? makeHold({ showId, seatNumbers }) : refuse("SEATS_UNAVAILABLE", { seatNumbers: ["A1"] }),
  "booking.pay": ({ bookingId }) => makeBooking({ bookingId, paymentType: "Wallet" }),
  async *"show.watchSeatMap"({ showId }) {
    yield { type: "snapshot", seatMap: makeSeatMap({ showId, sold: ["A1"] }) };
    yield { type: "cancelled", reason: "The projector is broken." };
  },
});
const said = [await buy(selling, 1), await buy(selling, 2)].join(" / ");
if (said !== "Confirmed for 400.00 / SEATS_UNAVAILABLE: Some of these seats are taken.")
  throw new Error(said);

const reason = await new Promise((resolve) => {
  selling.watchSeatMap(3, {
    onChange() {},
    onStatus: (_status, end) => end?.why === "show-cancelled" && resolve(end.reason),
    signal: new AbortController().signal,
  });
});
if (reason !== "The projector is broken.") throw new Error("The seat map was not watched.");

if (procedureRoles["booking.pay"].join() !== "customer") throw new Error("A payment is not a customer's.");
if ((customer as { admin?: unknown }).admin !== undefined)
  throw new Error("A customer's client has what is for admins.");
