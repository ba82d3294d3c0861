import type { Connection } from "@skyfox/db";
import { Decimal } from "decimal.js";
import type { GatewayBooks } from "./rude-books.ts";

const zero = new Decimal(0);

/**
 * Where the gateway's books and ours differ, to the paisa, one sentence each: charges and refunds by key, then what each booking has cost its
 * card, and each top-up. Also what is still open and the seats that nothing will ever free. Empty once everything is settled.
 */
export async function listDifferences(sql: Connection, gateway: GatewayBooks): Promise<string[]> {
  const { charges, refunds } = gateway.books();
  const payments = await sql.query(
    `select p.gateway_key as key, p.booking_id as "bookingId", p.status, p.card_amount as amount, p.transaction_id as "transactionId"
     from payment_transaction p where p.card_amount > 0 order by p.id`,
  );
  const owed = await sql.query(
    "select gateway_key as key, state, card_amount as amount from payment_refund where card_amount > 0 order by id",
  );
  const bookings = await sql.query(
    `select b.id, b.status, b.card_amount as "cardAmount", coalesce(sum(p.card_amount - coalesce(r.card_amount, 0)), 0) as kept
     from booking b
     left join payment_transaction p on p.booking_id = b.id and p.status = 'Completed'
     left join payment_refund r on r.payment_id = p.id
     group by b.id order by b.id`,
  );
  const topUps = await sql.query(
    `select p.gateway_key as key, coalesce(t.amount, 0) as added from payment_transaction p
     left join wallet_transaction t on t.payment_id = p.id where p.booking_id is null order by p.id`,
  );
  const stuck = await sql.query(
    `select c.show_id, c.seat_number, b.status from seat_claim c left join booking b on b.id = c.booking_id
     where c.booking_id is not null and (b.status = 'Paying' or c.free_after is null and b.status not in ('Confirmed', 'CheckedIn'))`,
  );

  const differences: string[] = [];
  const say = (isFine: boolean, what: string) => isFine || differences.push(what);
  for (const { key, status, amount, transactionId } of payments) {
    const own = charges.filter((charge) => charge.key === key);
    const kept = `${String(status)} ${text(amount)} ${String(transactionId)}`;
    const theirs = own.map((charge) => `Completed ${charge.amount} ${charge.transactionId}`);
    say(status !== "Started" && status !== "Unknown", `payment ${String(key)} is ${String(status)}`);
    if (status === "Completed" || own.length > 0)
      say(
        theirs.length === 1 && theirs[0] === kept,
        `payment ${String(key)}: ${kept} here, ${theirs.join(" and ")} there`,
      );
  }
  for (const charge of charges)
    say(
      payments.some(({ key }) => key === charge.key),
      `charge ${charge.key} of ${charge.amount} has no payment`,
    );
  for (const { key, state, amount } of owed) {
    const theirs = refunds.filter((refund) => refund.key === key).map((refund) => `done ${refund.amount}`);
    const kept = `${String(state)} ${text(amount)}`;
    say(
      theirs.length === 1 && theirs[0] === kept,
      `refund ${String(key)}: ${kept} here, ${theirs.join(" and ")} there`,
    );
  }
  for (const refund of refunds)
    say(
      owed.some(({ key }) => key === refund.key),
      `refund ${refund.key} of ${refund.amount} is not in our books`,
    );
  const netOf = (keys: unknown[]) => {
    const taken = charges.filter(({ key }) => keys.includes(key));
    const given = refunds.filter(({ transactionId }) =>
      taken.some((charge) => charge.transactionId === transactionId),
    );
    return sum(taken).minus(sum(given));
  };
  for (const { key, added } of topUps)
    say(
      netOf([key]).equals(added as Decimal),
      `top-up ${String(key)}: its card gave ${netOf([key]).toFixed(2)}, its wallet got ${text(added)}`,
    );
  for (const { id, status, cardAmount, kept } of bookings) {
    const own = payments.filter(({ bookingId }) => bookingId === id).map(({ key }) => key);
    const net = netOf(own);
    const isSold = status === "Confirmed" || status === "CheckedIn";
    // A booking that was refunded to the wallet has cost its card what the wallet got.
    const right = isSold || status === "Refunded" ? (kept as Decimal) : zero;
    say(
      net.equals(right),
      `booking ${String(id)} is ${String(status)}: its card gave ${net.toFixed(2)}, ours says ${right.toFixed(2)}`,
    );
    if (isSold)
      say(
        net.equals(cardAmount as Decimal),
        `booking ${String(id)}: card ${net.toFixed(2)}, booked ${text(cardAmount)}`,
      );
  }
  for (const { show_id: show, seat_number: seat, status } of stuck)
    differences.push(
      `seat ${String(seat)} of show ${String(show)} is stuck with a booking that is ${String(status)}`,
    );
  return differences;
}

function sum(entries: readonly { amount: string }[]): Decimal {
  return entries.reduce((total, { amount }) => total.plus(amount), zero);
}

function text(amount: unknown): string {
  return (amount as Decimal).toFixed(2);
}
