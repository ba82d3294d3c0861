import { afterAll, expect, test } from "vitest";
import { startPaymentGateway } from "../../../../scripts/sandbox/payment-gateway.ts";
import type { GatewayCall } from "../../../../scripts/sandbox/outcomes.ts";
import { openOffice, typeCard } from "./office.ts";

const gateway = await startPaymentGateway({ apiKey: "key-of-the-bank" });
afterAll(gateway.stop);
const office = await openOffice({
  PAYMENT_GATEWAY_URL: gateway.url,
  PAYMENT_GATEWAY_API_KEY: "key-of-the-bank",
});
afterAll(office.close);

test("a payment in doubt is told kindly, is seen by an admin, and ends in the ticket and one charge", async () => {
  const customer = await office.customer();
  const { id: showId } = await office.nextShow();
  const { bookingId } = await customer.client.booking.initialize.mutate({
    showId,
    seatNumbers: ["E5", "E6"],
  });
  const page = await office.visit(`/booking/${bookingId}`, customer);
  const desk = await office.visit("/payments", await office.employee("seed-user-1"));
  // The bank charges, its answer is lost, and for a while it cannot be asked.
  gateway.script("reset-after-effect");
  gateway.setAskRoute("unavailable");
  await typeCard(page);
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Your payment is under way. You need not do anything").waitFor();
  await desk.getByText(`booking ${bookingId}`).waitFor();
  gateway.setAskRoute("offered");
  await desk.getByRole("button", { name: "Ask the bank" }).click();
  await page.getByText("Paid. This is your ticket.").waitFor();
  await desk.getByText("There are none.").waitFor();
  expect(gateway.books().charges).toHaveLength(1);
});

test.each([["stays open"], ["is loaded again"]])(
  "after a payment in doubt that ended unpaid, a page that %s takes the next card at the first press",
  async (how) => {
    const customer = await office.customer();
    const { id: showId } = await office.nextShow();
    const { bookingId } = await customer.client.booking.initialize.mutate({ showId, seatNumbers: ["E5"] });
    const page = await office.visit(`/booking/${bookingId}`, customer);
    const desk = await office.visit("/payments", await office.employee("seed-user-1"));
    const lost = gateway.script("reset-before-effect");
    gateway.setAskRoute("unavailable");
    await typeCard(page);
    await page.getByRole("button", { name: /^Pay / }).click();
    await page.getByText("Your payment is under way. You need not do anything").waitFor();
    await desk.getByText(`booking ${bookingId}`).waitFor();
    if (how === "is loaded again") {
      await page.reload();
      await page.getByText("Your payment is under way. You need not do anything").waitFor();
    }
    await declineLate(await lost.arrived);
    gateway.setAskRoute("offered");
    await desk.getByRole("button", { name: "Ask the bank" }).click();
    await page.getByRole("button", { name: /^Pay / }).waitFor();
    expect(await page.getByText("The bank takes its time.").count()).toBe(0);
    await typeCard(page);
    await page.getByRole("button", { name: /^Pay / }).click();
    await page.getByText("Paid. This is your ticket.").waitFor();
  },
);

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
