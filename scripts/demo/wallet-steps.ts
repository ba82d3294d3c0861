import { Decimal, formatAmount, type RouterOutputs, type SkyfoxClient } from "@skyfox/sdk";
import { testCards } from "../sandbox/cards.ts";
import { logInStaff } from "./desk.ts";
import { holdSeats } from "./holding.ts";
import { expectAmount, expectSame, getRefusal, WrongOutcome } from "./outcomes.ts";
import { findPair } from "./seat-map.ts";
import type { Terminal } from "./terminal.ts";
import { cardOf, maskOf, pricesOf, rupees } from "./wording.ts";

type Show = RouterOutputs["show"]["list"][number];
type Booking = RouterOutputs["booking"]["byId"];

// Less than any pair of seats costs, so that a card has to help.
const topUp = new Decimal("250.00");

/** Adds funds by card, and shows the one transaction that this is. */
export async function addFunds(skyfox: SkyfoxClient, terminal: Terminal): Promise<void> {
  const card = cardOf(testCards.approved);
  const { balance, available } = await skyfox.wallet.addFunds.mutate({ amount: topUp, card });
  expectAmount("the balance", balance, topUp);
  expectAmount("what can be spent", available, topUp);
  terminal.say(`Card ${maskOf(card.number)} puts ${rupees(topUp)} into your wallet.`);
  await showTransactions(skyfox, terminal, ["ADD"]);
}

/** Pays a pair of seats by wallet and card: first without a card, then with one that is declined, then with a good one. */
export async function payInTwoParts(skyfox: SkyfoxClient, terminal: Terminal, show: Show): Promise<Booking> {
  const { say } = terminal;
  const { hold } = await holdSeats(skyfox, terminal, show, findPair);
  const { Standard, Deluxe } = pricesOf(show);
  const amount = Standard.plus(Deluxe);
  const shortfall = amount.minus(topUp);
  const { bookingId } = hold;
  say(`${hold.seatNumbers.join(" and ")} are held for you: booking ${bookingId}, ${rupees(amount)} to pay.`);

  const alone = skyfox.booking.pay.mutate({ bookingId, method: "Wallet" });
  const { message, details } = await getRefusal(alone, "INSUFFICIENT_BALANCE");
  expectAmount("what the wallet can give", details.available, topUp);
  say(`Wallet alone: ${message}`);

  const bad = cardOf(testCards.declined);
  await getRefusal(skyfox.booking.pay.mutate({ bookingId, method: "Wallet", card: bad }), "PAYMENT_DECLINED");
  const { available } = await skyfox.wallet.balance.query();
  expectAmount("what the wallet can give after the decline", available, topUp);
  say(`With card ${maskOf(bad.number)}: declined, and the wallet has all of its ${rupees(available)} again.`);

  const card = cardOf(testCards.approved);
  const booking = await skyfox.booking.pay.mutate({ bookingId, method: "Wallet", card });
  expectSame("the booking", booking.status, "Confirmed");
  expectAmount("the wallet's part", booking.walletAmount, topUp);
  expectAmount("the card's part", booking.cardAmount, shortfall);
  say(
    `With card ${maskOf(card.number)}: paid, ${rupees(topUp)} by wallet and exactly ${rupees(shortfall)} by card.`,
  );
  await showTransactions(skyfox, terminal, ["DEDUCT", "ADD", "ADD"]);
  return booking;
}

/** An admin gives a booking back to where its money came from; the customer sees it arrive. */
export async function getRefund(
  skyfox: SkyfoxClient,
  terminal: Terminal,
  server: { url: string; apiKey: string },
  { bookingId, seatNumbers, showId, walletAmount, cardAmount, amountPaid }: Booking,
): Promise<void> {
  const { say } = terminal;
  const admin = await logInStaff(server, "admin");
  const reason = "The sound had failed";
  const { status, refund } = await admin.admin.refundBooking.mutate({ bookingId, to: "source", reason });
  expectSame("the booking", status, "Refunded");
  if (refund === null) throw new WrongOutcome("a refund", "none");
  expectAmount("the refund", refund.amount, amountPaid);
  await admin.auth.logout.mutate();
  const { balance } = await skyfox.wallet.balance.query();
  expectAmount("the balance after the refund", balance, walletAmount);
  say(`An admin refunds booking ${bookingId}: “${reason}.” It reads ${status}.`);
  say(
    `${rupees(walletAmount)} are in your wallet again; ${rupees(cardAmount)} are on their way to your card.`,
  );
  const { rows } = await skyfox.show.seatMap.query({ showId });
  const seats = rows.flatMap((row) => row.seats).filter((seat) => seatNumbers.includes(seat.seatNumber));
  expectSame(
    `seats ${seatNumbers.join(", ")}`,
    seats.map((seat) => seat.status),
    seatNumbers.map(() => "free"),
  );
  say(`${seatNumbers.join(" and ")} are free again for everyone.`);
}

async function showTransactions(
  skyfox: SkyfoxClient,
  { say, paint }: Terminal,
  expected: ("ADD" | "DEDUCT")[],
): Promise<void> {
  const { items } = await skyfox.wallet.transactions.query();
  expectSame(
    "the wallet's transactions, newest first",
    items.map(({ type }) => type),
    expected,
  );
  say(paint("dim", "Wallet        Amount   Balance"));
  for (const { type, amount, balanceAfter } of items) {
    const sign = type === "ADD" ? "+" : "−";
    say(
      `${type.padEnd(8)} ${(sign + formatAmount(amount)).padStart(11)} ${formatAmount(balanceAfter).padStart(9)}`,
    );
  }
}
