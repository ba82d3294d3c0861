import { Decimal } from "decimal.js";
import { listOwnBookings } from "../src/booking/list-own-bookings.ts";
import type { Booking } from "../src/contract/index.ts";
import type { User } from "../src/deps.ts";
import { getSeatMap } from "../src/show/get-seat-map.ts";
import { getBalance } from "../src/wallet/get-balance.ts";
import { listTransactions } from "../src/wallet/list-transactions.ts";
import type { Card, CardsWithAPlan, Plan } from "./cards-with-a-plan.ts";
import type { TestApp } from "./test-app.ts";

/** One payment of a booking that has begun: what its card was asked for; the rest of the price is the wallet's. */
interface Attempt {
  card: Card | undefined;
  cardPart: Decimal;
  startedAt: Date;
  turn: number;
}

/** A booking as its buyer knows it, and what happened to it. */
export interface Sale {
  bookingId: number;
  buyer: User;
  showId: number;
  seats: string[];
  price: Decimal;
  heldAt: Date;
  /** Whether the buyer has cancelled it. */
  isGivenUp: boolean;
  /** In the order in which they began. */
  attempts: Attempt[];
  /** Whether an answer to the buyer said that it is paid. */
  isPaid: boolean;
  refundTo: "source" | "wallet" | undefined;
  status: Booking["status"];
}

/** Funds that a customer wanted to add. */
interface TopUp {
  buyer: User;
  amount: Decimal;
  card: Card;
  /** Whether an answer or their history said that the funds are added. */
  isAdded: boolean;
}

/**
 * What the customers' money has to be, from what they asked for, what they were answered and what the gateway's own books say: for each
 * booking its state and its parts, for each wallet a sum. Nothing here looks into the server's tables.
 */
export interface MoneyModel {
  readonly sales: Sale[];
  readonly topUps: TopUp[];
  readonly cancelledShows: Set<number>;
  /** What the wallet has, without what payments under way may still take. */
  availableTo(buyer: User): Decimal;
  /** Whether the gateway has taken the money of this payment. */
  isCharged(payment: { card: Card | undefined }): boolean;
  /** Reads what all customers have, and throws unless it is what it has to be. */
  look(): Promise<void>;
  /** What was taken for all payments of a customer, whether or not it was refunded later. */
  takenFrom(buyer: User): { card: Decimal; wallet: Decimal };
  /** Throws unless nothing is open, every charge has its purpose, and what has none went back. */
  assertSettled(): void;
}

/** No customer has anything yet. */
export function createMoneyModel(
  { deps, gateway, clock }: TestApp,
  cards: CardsWithAPlan,
  { buyers, shows }: { buyers: User[]; shows: number[] },
): MoneyModel {
  const sales: Sale[] = [];
  const topUps: TopUp[] = [];
  const cancelledShows = new Set<number>();
  const wallets = new Map(buyers.map((buyer) => [buyer, { balance: zero, available: zero }]));

  function findCharge(card: Card | undefined) {
    const key = card && cards.chargeOf(card)?.key;
    return gateway.books().charges.find((charge) => charge.key === key);
  }

  const isCharged = ({ card }: { card: Card | undefined }) => findCharge(card) !== undefined;

  async function lookAt(buyer: User): Promise<void> {
    const page = { cursor: undefined, limit: 100 };
    const [bookings, history, wallet] = await Promise.all([
      listOwnBookings(deps, buyer, page),
      listTransactions(deps, buyer, page),
      getBalance(deps, buyer),
    ]);
    const own = sales.filter((sale) => sale.buyer === buyer);
    const statuses = new Map(bookings.items.map(({ bookingId, status }) => [bookingId, status]));
    assertSame("bookings", statuses.size, own.length);
    for (const sale of own) {
      sale.status = statuses.get(sale.bookingId)!;
      assertRightState(sale);
    }

    const references = new Set(history.items.map(({ transactionId }) => transactionId));
    const ownTopUps = topUps.filter((topUp) => topUp.buyer === buyer);
    for (const topUp of ownTopUps)
      topUp.isAdded ||= references.has(findCharge(topUp.card)?.transactionId ?? "");
    const added = ownTopUps.filter(({ isAdded }) => isAdded);
    const spent = own.filter(({ status }) => status === "Confirmed").map(walletPart);
    const promised = own.filter(({ status }) => status === "Paying").map(walletPart);
    const given = own.filter(({ refundTo }) => refundTo === "wallet").map(cardPart);
    const balance = sum([...added.map(({ amount }) => amount), ...given]).minus(sum(spent));
    const available = balance.minus(sum(promised));
    assertSame(`balance of ${buyer.username}`, wallet.balance.toFixed(2), balance.toFixed(2));
    assertSame(`available to ${buyer.username}`, wallet.available.toFixed(2), available.toFixed(2));
    wallets.set(buyer, { balance, available });
  }

  function assertRightState(sale: Sale): void {
    const { status, isPaid, bookingId, attempts } = sale;
    const what = `booking ${bookingId}`;
    if (isPaid && status !== "Refunded") assertSame(what, status, "Confirmed");
    if (status === "Cancelled") {
      const declined = attempts.filter(({ card }) => card !== undefined && isDeclined(cards.planOf(card)));
      const isCancelled = sale.isGivenUp || cancelledShows.has(sale.showId) || declined.length >= 3;
      assertSame(`${what} is ${status} for a reason`, isCancelled, true);
    }
    if (status === "Expired") {
      const heldMs = clock.now().getTime() - sale.heldAt.getTime();
      assertSame(`${what} is ${status} after its time`, heldMs >= holdMs, true);
    }
    if (status === "Confirmed" || status === "Refunded") {
      const last = attempts.at(-1);
      const isReallyPaid = last !== undefined && (last.cardPart.isZero() || isCharged(last));
      assertSame(`${what} is ${status}, so that it was paid for`, isReallyPaid, true);
    }
    if (status === "Refunded" && sale.refundTo === undefined) {
      assertSame(`show of ${what}, refunded by nobody, is cancelled`, cancelledShows.has(sale.showId), true);
      sale.refundTo = "source";
    }
    if (sale.refundTo !== undefined) assertSame(what, status, "Refunded");
  }

  // P7, and more: each seat is what its booking says, and free without one.
  async function lookAtSeats(showId: number): Promise<void> {
    const map = await getSeatMap(deps, buyers[0]!, { showId });
    const seats = map.rows.flatMap((row) => row.seats);
    assertSame("seats", seats.length, capacity);
    const shown = seats
      .filter(({ status }) => status !== "free")
      .map(({ seatNumber, status }) => `${seatNumber} ${status}`);
    const claimed = sales
      .filter((sale) => sale.showId === showId)
      .flatMap((sale) => sale.seats.map((seat) => `${seat} ${seatStatusOf(sale)}`))
      .filter((seat) => !seat.endsWith("free"));
    assertSame("seats that are not free", inOrder(shown), inOrder(claimed));
  }

  function listCharges(buyer: User) {
    const attempts = sales.filter((sale) => sale.buyer === buyer).flatMap((sale) => sale.attempts);
    const used = [...topUps.filter((topUp) => topUp.buyer === buyer), ...attempts];
    const keys = new Set(used.map(({ card }) => card && cards.chargeOf(card)?.key));
    return gateway.books().charges.filter(({ key }) => keys.has(key));
  }

  return {
    sales,
    topUps,
    cancelledShows,
    availableTo: (buyer) => wallets.get(buyer)!.available,
    isCharged,
    async look() {
      await Promise.all(buyers.map(lookAt));
      for (const showId of shows) await lookAtSeats(showId);
    },
    takenFrom(buyer) {
      const paid = sales
        .filter((sale) => sale.buyer === buyer)
        .filter(({ status }) => status === "Confirmed" || status === "Refunded");
      return { card: sumOf(listCharges(buyer)), wallet: sum(paid.map(walletPart)) };
    },
    assertSettled() {
      const { refunds } = gateway.books();
      for (const { bookingId, status } of sales)
        assertSame(`booking ${bookingId} is open`, status === "Pending" || status === "Paying", false);
      for (const buyer of buyers) {
        const own = sales.filter((sale) => sale.buyer === buyer);
        const ownTopUps = topUps.filter((topUp) => topUp.buyer === buyer);
        const taken = listCharges(buyer);
        const references = new Set(taken.map(({ transactionId }) => transactionId));
        const returned = refunds.filter(({ transactionId }) => references.has(transactionId));
        const net = sumOf(taken).minus(sumOf(returned));

        // Only what was charged after it counted as not charged is not added: it went back to its card.
        for (const { card } of ownTopUps.filter((topUp) => isCharged(topUp) && !topUp.isAdded))
          assertSame("plan of a card that was charged for nothing", cards.planOf(card), "late");
        const added = ownTopUps.filter(({ isAdded }) => isAdded).map(({ amount }) => amount);
        const kept = own.filter(({ status, refundTo }) => status === "Confirmed" || refundTo === "wallet");
        const owed = sum([...added, ...kept.map(cardPart)]);
        assertSame(`gateway's net of ${buyer.username}`, net.toFixed(2), owed.toFixed(2));
        // What the gateway took of a customer is in their wallet or in their seats: money is neither made nor lost.
        const seats = sum(own.filter(({ status }) => status === "Confirmed").map(({ price }) => price));
        const has = wallets.get(buyer)!.balance.plus(seats);
        assertSame(`what ${buyer.username} has`, has.toFixed(2), net.toFixed(2));
      }
    },
  };
}

/** Throws, in words, unless something is what it has to be. */
export function assertSame(what: string, is: unknown, hasToBe: unknown): void {
  if (is !== hasToBe) throw new Error(`${what}: ${String(is)}, but it has to be ${String(hasToBe)}`);
}

const capacity = 100;
const holdMs = 300_000;
const zero = new Decimal(0);

function sum(amounts: Decimal[]): Decimal {
  return amounts.reduce((total, amount) => total.plus(amount), zero);
}

function sumOf(entries: { amount: string }[]): Decimal {
  return sum(entries.map(({ amount }) => new Decimal(amount)));
}

// The card pays its part, the wallet the rest; of several tries the last one counts.
function cardPart({ attempts }: Sale): Decimal {
  return attempts.at(-1)?.cardPart ?? zero;
}

function walletPart(sale: Sale): Decimal {
  return sale.price.minus(cardPart(sale));
}

function seatStatusOf({ status }: Sale): "free" | "held" | "sold" {
  if (status === "Confirmed") return "sold";
  return status === "Pending" || status === "Paying" ? "held" : "free";
}

function isDeclined(plan: Plan | undefined): boolean {
  return plan === "declined" || plan === "declined-unheard";
}

function inOrder(seats: string[]): string {
  return seats.toSorted().join(", ");
}
