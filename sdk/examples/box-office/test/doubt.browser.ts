import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { startPaymentGateway } from "../../../../scripts/sandbox/payment-gateway.ts";
import type { GatewayCall } from "../../../../scripts/sandbox/outcomes.ts";
import { findBarriers } from "./barriers.ts";
import { cards, isRefused, openOffice, typeCard } from "./office.ts";

const gateway = await startPaymentGateway({ apiKey: "key-of-the-bank" });
afterAll(gateway.stop);
const office = await openOffice({
  PAYMENT_GATEWAY_URL: gateway.url,
  PAYMENT_GATEWAY_API_KEY: "key-of-the-bank",
});
afterAll(office.close);

const admin = await office.employee("seed-user-1");

/** The payment of a booking on the admin's page. */
const entry = (desk: Page, bookingId: number) =>
  desk.getByRole("listitem").filter({ hasText: `booking ${bookingId}` });

/** A booking whose charge the bank says is pending for ever. Its payment can be settled once it is twenty seconds old. */
async function pendingForEver() {
  const { client } = await office.customer();
  const { id: showId } = await office.nextShow();
  const { bookingId } = await client.booking.initialize.mutate({ showId, seatNumbers: ["E5"] });
  const charge = gateway.script("slow");
  afterAll(charge.release);
  void client.booking.pay.safe({ bookingId, method: "Card", card: cards.pays });
  await charge.arrived;
  return { bookingId, status: async () => (await client.booking.byId.query({ bookingId })).status };
}

/** A refund that the bank refuses again and again. It can be settled once it is twenty seconds old. */
async function refusedRefund() {
  const { client } = await office.customer();
  const { id: showId } = await office.nextShow();
  const { bookingId } = await client.booking.initialize.mutate({ showId, seatNumbers: ["E5"] });
  await client.booking.pay.mutate({ bookingId, method: "Card", card: cards.pays });
  for (let tries = 0; tries < 30; tries += 1) gateway.scriptRefund("declined");
  await admin.client.admin.refundBooking.safe({ bookingId, to: "source", reason: "The seat was wet." });
  return bookingId;
}

// Old enough by the time their tests come.
const pending = await pendingForEver();
const refundedBooking = await refusedRefund();

/** Waits until what is in doubt about a booking is older than twenty seconds. */
async function untilOld(bookingId: number): Promise<void> {
  const isOld = async () => {
    const { items } = await admin.client.admin.paymentsInDoubt.query();
    return items.some((one) => one.bookingId === bookingId && one.ageSeconds > 20);
  };
  await expect.poll(isOld, { timeout: 30_000 }).toBe(true);
}

test("a payment in doubt is told kindly, is seen by an admin, and ends in the ticket and one charge", async () => {
  const customer = await office.customer();
  const { id: showId } = await office.nextShow();
  const { bookingId } = await customer.client.booking.initialize.mutate({
    showId,
    seatNumbers: ["E5", "E6"],
  });
  const page = await office.visit(`/booking/${bookingId}`, customer);
  const desk = await office.visit("/payments", admin);
  const chargesBefore = gateway.books().charges.length;
  // The bank charges, its answer is lost, and for a while it cannot be asked.
  gateway.script("reset-after-effect");
  gateway.setAskRoute("unavailable");
  await typeCard(page);
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Your payment is under way. You need not do anything").waitFor();
  await entry(desk, bookingId).waitFor();
  gateway.setAskRoute("offered");
  await entry(desk, bookingId).getByRole("button", { name: "Ask the bank" }).click();
  await page.getByText("Paid. This is your ticket.").waitFor();
  await desk.getByText(`booking ${bookingId}: It was charged.`).waitFor();
  await entry(desk, bookingId).waitFor({ state: "detached" });
  expect(gateway.books().charges).toHaveLength(chargesBefore + 1);
});

test.each([["stays open"], ["is loaded again"]])(
  "after a payment in doubt that ended unpaid, a page that %s takes the next card at the first press",
  async (how) => {
    const customer = await office.customer();
    const { id: showId } = await office.nextShow();
    const { bookingId } = await customer.client.booking.initialize.mutate({ showId, seatNumbers: ["E5"] });
    const page = await office.visit(`/booking/${bookingId}`, customer);
    const desk = await office.visit("/payments", admin);
    const lost = gateway.script("reset-before-effect");
    gateway.setAskRoute("unavailable");
    await typeCard(page);
    await page.getByRole("button", { name: /^Pay / }).click();
    await page.getByText("Your payment is under way. You need not do anything").waitFor();
    await entry(desk, bookingId).waitFor();
    if (how === "is loaded again") {
      await page.reload();
      await page.getByText("Your payment is under way. You need not do anything").waitFor();
    }
    await declineLate(await lost.arrived);
    gateway.setAskRoute("offered");
    await entry(desk, bookingId).getByRole("button", { name: "Ask the bank" }).click();
    await page.getByRole("button", { name: /^Pay / }).waitFor();
    expect(await page.getByText("The bank takes its time.").count()).toBe(0);
    await typeCard(page);
    await page.getByRole("button", { name: /^Pay / }).click();
    await page.getByText("Paid. This is your ticket.").waitFor();
  },
);

test("axe finds no barrier on the form that settles by hand, and it fits a phone", async () => {
  const ready = async (page: Page) => {
    const payment = entry(page, pending.bookingId);
    await payment.getByText("Settle by hand").click();
    await payment.getByRole("button", { name: "Settle" }).click();
    await payment.locator(".field-error").waitFor();
  };
  const view = { name: "settle", path: "/payments", person: admin, ready };
  expect(await findBarriers(office, view)).toEqual([]);
});

test("an admin settles a payment by hand, as the bank's own books have it", async () => {
  const { bookingId, status } = pending;
  await untilOld(bookingId);
  const desk = await office.visit("/payments", admin);
  const payment = entry(desk, bookingId);
  const settle = () => payment.getByRole("button", { name: "Settle" }).click();
  await payment.getByText("Settle by hand").click();
  const books = payment.getByLabel("The books say");
  await settle();
  await isRefused(books);
  await books.selectOption("The card was charged");
  await settle();
  await isRefused(payment.getByLabel("How you know"));
  await payment.getByLabel("How you know").fill("The bank's portal has it.");
  await books.selectOption("The money was given back");
  await payment.getByLabel("Reference in the books").fill("not a reference");
  await settle();
  await isRefused(payment.getByLabel("Reference in the books"));
  await payment.getByLabel("Reference in the books").fill(`refund-${bookingId}`);
  await settle();
  await payment.getByText("No refund is owed. What is in doubt is the charge.").waitFor();
  await books.selectOption("The card was charged");
  await settle();
  await desk.getByText(`booking ${bookingId}: It was charged.`).waitFor();
  await payment.waitFor({ state: "detached" });
  expect(await status()).toBe("Confirmed");
});

test("an admin settles a refund that the bank does not make, and is led from the charge to it", async () => {
  await untilOld(refundedBooking);
  const desk = await office.visit("/payments", admin);
  const payment = entry(desk, refundedBooking);
  await payment.getByText("Settle by hand").click();
  const settleAs = async (words: string) => {
    await payment.getByLabel("The books say").selectOption(words);
    await payment.getByRole("button", { name: "Settle" }).click();
  };
  await payment.getByLabel("How you know").fill("The bank's portal has it.");
  await settleAs("The card was charged");
  await payment.getByText(/^The charge is settled\. If it is still in the list/).waitFor();
  await payment.getByLabel("The books say").selectOption("The money was given back");
  await payment.getByLabel("Reference in the books").fill(`refund-${refundedBooking}`);
  await settleAs("The money was given back");
  await desk.getByText(`booking ${refundedBooking}: It was given back.`).waitFor();
  await payment.waitFor({ state: "detached" });
  const { items } = await admin.client.admin.paymentsInDoubt.query();
  expect(items.filter(({ bookingId }) => bookingId === refundedBooking)).toEqual([]);
});

// The bank takes up the call after all, and declines its card.
async function declineLate({ key, amount }: GatewayCall): Promise<void> {
  gateway.script("declined");
  const { ok } = await fetch(`${gateway.url}/payment`, {
    method: "POST",
    headers: {
      "x-api-key": "key-of-the-bank",
      "idempotency-key": key,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      card_number: "4242424242424242",
      cvv: "123",
      expiry: "12/40",
      name: "Asha Rao",
      amount,
    }),
  });
  expect(ok).toBe(true);
}
