import { afterAll, expect, test } from "vitest";
import { startPaymentGateway } from "../../../../scripts/sandbox/payment-gateway.ts";
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
