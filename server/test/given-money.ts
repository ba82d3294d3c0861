import { sellAtCounter } from "../src/booking/sell-at-counter.ts";
import { holdSeats } from "../src/booking/hold-seats.ts";
import { payBooking } from "../src/booking/pay-booking.ts";
import { Decimal, type Booking, type PayBookingInput } from "../src/contract/index.ts";
import type { User } from "../src/deps.ts";
import { addFunds } from "../src/wallet/add-funds.ts";
import { getBalance } from "../src/wallet/get-balance.ts";
import { givenShow, givenStaff, goodCard } from "./given.ts";
import type { TestApp } from "./test-app.ts";

/** Puts money into a customer's wallet, by as many cards as it takes. */
export async function givenFunds(app: TestApp, customer: User, amount: string): Promise<void> {
  for (let left = new Decimal(amount); left.greaterThan(0); left = left.minus(10_000))
    await addFunds(app.deps, customer, { amount: Decimal.min(left, 10_000), card: goodCard });
}

/** A hold, by default of one seat for 200.00 at a show of its own. */
export async function givenHold(app: TestApp, customer: User, show?: { showId: number; seat: string }) {
  const { showId, seat } = show ?? { showId: await givenShow(app), seat: "A1" };
  return await holdSeats(app.deps, customer, { showId, seatNumbers: [seat] });
}

/** How a booking of the tests is paid: `both` by wallet, with a card for what the wallet lacks. */
export type Method = "card" | "wallet" | "both";

/** What `booking.pay` takes for it. */
export function paymentOf(bookingId: number, method: Method): PayBookingInput {
  if (method === "card") return { bookingId, method: "Card", card: goodCard };
  return { bookingId, method: "Wallet", ...(method === "both" && { card: goodCard }) };
}

/** A paid booking, by default of one seat for 200.00 at a show of its own; `both` finds 50.00 in the wallet. */
export async function givenBooking(
  app: TestApp,
  customer: User,
  method: Method,
  show?: { showId: number; seat: string },
): Promise<Booking> {
  const { bookingId, amountDue } = await givenHold(app, customer, show);
  if (method !== "card") await givenFunds(app, customer, method === "both" ? "50" : amountDue.toFixed(2));
  return await payBooking(app.deps, customer, paymentOf(bookingId, method));
}

/** One seat sold at the counter for cash, to "Walk In". */
export async function givenCounterSale(app: TestApp, showId: number, seat: string): Promise<number> {
  const sale = { showId, customerName: "Walk In", phoneNumber: "9876543210", seatNumbers: [seat] };
  const { bookingId } = await sellAtCounter(app.deps, await givenStaff(app.deps, "admin"), sale);
  return bookingId;
}

/** Checks the booking in, whatever the time. */
export async function givenCheckIn(app: TestApp, bookingId: number): Promise<void> {
  await app.sql.query(
    "update booking set status = 'CheckedIn', checked_in_at = $2, checked_in_by = 'staff-0' where id = $1",
    [bookingId, app.clock.now()],
  );
}

/** A wallet's two amounts as text. */
export async function purseOf(app: TestApp, customer: User) {
  const { balance, available } = await getBalance(app.deps, customer);
  return { balance: balance.toFixed(2), available: available.toFixed(2) };
}

/** What the gateway has charged for these payments, and given back of it, as text. */
export async function cardMoneyOf(app: TestApp, where: { bookingId: number } | { username: string }) {
  const [column, value] =
    "bookingId" in where ? ["booking_id", where.bookingId] : ["username", where.username];
  const keys = await app.sql.query(
    `select gateway_key, transaction_id from payment_transaction where ${column} = $1`,
    [value],
  );
  const { charges, refunds } = app.gateway.books();
  const own = charges.filter(({ key }) => keys.some((row) => row["gateway_key"] === key));
  const back = refunds.filter(({ transactionId }) => own.some((one) => one.transactionId === transactionId));
  return { charged: own.map(({ amount }) => amount), givenBack: back.map(({ amount }) => amount) };
}

/** The domain's refusal with its details, or "accepted". */
export async function problemOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "accepted",
    (error: unknown) => (error instanceof Error && "problem" in error ? error.problem : error),
  );
}

/** A server's background after some time: holds that are due expire, and what is open is asked about, every five seconds. */
export async function letPass(app: TestApp, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    app.clock.advance(Math.min(5, seconds - passed) * 1_000);
    await app.deps.monitors.settled();
    await app.reconcile();
  }
}

/** A hundred holds of one customer, one Standard seat each, whatever the limit on holds: written straight into the tables. */
export async function givenHundredHolds(app: TestApp, { username }: User, cost: string): Promise<number[]> {
  const showIds = [await givenShow(app, { cost }), await givenShow(app, { cost })];
  const rows = await app.sql.query(
    `with wanted as (
       select nextval(pg_get_serial_sequence('booking', 'id')) as id, show.id as show_id, show.date, show.screen_id, seat_number,
         row_number() over () + coalesce((select max(hold_slot) from booking where customer_username = $2), 0) as slot
       from show join seat using (screen_id) where show.id = any($1) and seat_type = 'Standard'
     ), held as (
       insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, status, booking_time, customer_username, expires_at, hold_slot)
       select id, date, show_id, 1, $3::numeric, 0, 'Pending', $4::timestamptz, $2, $5::timestamptz, slot from wanted
     ), mapped as (
       insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number)
       select id, show_id, screen_id, seat_number from wanted
     ), claimed as (
       insert into seat_claim (show_id, seat_number, booking_id, free_after)
       select show_id, seat_number, id, $5::timestamptz from wanted
     )
     select id from wanted`,
    [showIds, username, cost, app.clock.now(), new Date(app.clock.now().getTime() + 300_000)],
  );
  return rows.map((row) => row["id"] as number);
}
