import { afterAll, expect, test } from "vitest";
import { cards, openOffice, typeCard, type Person } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

/** A customer at the page that pays for two seats. */
async function atTheTill() {
  const person = await office.customer();
  const { id: showId } = await office.nextShow();
  const { bookingId } = await person.client.booking.initialize.mutate({ showId, seatNumbers: ["E5", "E6"] });
  const page = await office.visit(`/booking/${bookingId}`, person);
  return { person, bookingId, page, charges: () => countCharges(person) };
}

async function countCharges({ client }: Person): Promise<number> {
  const paid = await Array.fromAsync(client.booking.list.all({ status: "Confirmed" }));
  return new Set(paid.map(({ transactionId }) => transactionId)).size;
}

test("a card pasted with spaces and one that the browser fills in pay", async () => {
  const { page, person, bookingId } = await atTheTill();
  // As a page is filled by a browser: the value is set, and an event says so.
  for (const [name, value] of [
    ["cc-number", "4242 4242 4242 4242 "],
    ["cc-exp", "12/2040"],
    ["cc-csc", "123"],
    ["cc-name", "Asha Rao"],
  ] as const)
    await page.locator(`[autocomplete="${name}"]`).fill(value);
  await page.getByText("Card number (visa)").waitFor();
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(await person.client.booking.byId.query({ bookingId })).toMatchObject({ status: "Confirmed" });
});

test("a declined card is told kindly, and another one pays", async () => {
  const { page } = await atTheTill();
  await typeCard(page, "4000 0000 0000 0002");
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("The bank declined this card, and nothing was charged.").waitFor();
  await page.getByLabel(/^Card number/).fill("4242424242424242");
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Paid. This is your ticket.").waitFor();
});

test("a page that is loaded again in the middle of a payment shows the ticket, and one payment was made", async () => {
  const { page, charges } = await atTheTill();
  await typeCard(page, cards.slow.number);
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Your payment is under way.").waitFor();
  await page.reload();
  await page.getByText("Your payment is under way.").waitFor();
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(await charges()).toBe(1);
});

test("a payment that the page did not hear of is pressed again with the same key, and pays once", async () => {
  const { page, charges } = await atTheTill();
  await typeCard(page);
  const keys: (string | undefined)[] = [];
  let isCut = true;
  await page.route("**/trpc/booking.pay*", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    // The last of the first press, which the SDK repeats three times by itself, arrives; its answer does not.
    if (isCut && keys.length === 4) await route.fetch();
    await (isCut ? route.abort("connectionreset") : route.continue());
  });
  // What became of the booking is not heard of either, so that the form stays.
  await page.route("**/trpc/booking.byId*", (route) => route.abort("connectionreset"));
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("We did not hear back.").waitFor({ timeout: 25_000 });
  isCut = false;
  await page.getByRole("button", { name: /^Pay / }).click();
  await expect.poll(() => keys.length).toBe(5);
  await page.unrouteAll();
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(new Set(keys).size).toBe(1);
  expect(await charges()).toBe(1);
});

test("after a reload before the payment arrived, the next press is still the same intent", async () => {
  const { page, charges } = await atTheTill();
  const keys: (string | undefined)[] = [];
  await page.route("**/trpc/booking.pay*", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) await route.continue();
  });
  for (const round of [1, 2]) {
    await typeCard(page);
    await page.getByRole("button", { name: /^Pay / }).click();
    await expect.poll(() => keys.length).toBe(round);
    if (round === 1) await page.reload();
  }
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(keys[1]).toBe(keys[0]);
  expect(await charges()).toBe(1);
});

test("a press whose answer was lost, then one in another way, is told kindly, and the next one pays", async () => {
  const { page, person, charges } = await atTheTill();
  const isLost = Promise.withResolvers<void>();
  await page.route(
    "**/trpc/booking.pay*",
    async (route) => {
      await route.fetch();
      isLost.resolve();
    },
    { times: 1 },
  );
  await page.getByLabel(/From the wallet/).click();
  await typeCard(page, "4000 0000 0000 0002");
  await page.getByRole("button", { name: /^Pay / }).click();
  await isLost.promise;
  await page.reload();
  // With enough in the wallet no card is asked for: the same intent, and another input.
  await person.client.wallet.addFunds.mutate({ amount: "5000", card: cards.pays });
  await page.getByLabel(/From the wallet/).click();
  await page.getByText("(₹5,000.00)").waitFor();
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("You pressed before in another way, and we did not hear back.").waitFor();
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(await charges()).toBe(1);
});

test("Back after a payment shows the paid booking, also out of the back-forward cache", async () => {
  const { page, bookingId, person } = await atTheTill();
  await typeCard(page, cards.slow.number);
  await page.evaluate(() =>
    addEventListener("pageshow", ({ persisted }) => (document.body.id = `kept-${persisted}`)),
  );
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Your payment is under way.").waitFor();
  await page.goto("about:blank");
  await expect
    .poll(async () => (await person.client.booking.byId.query({ bookingId })).status, { timeout: 20_000 })
    .toBe("Confirmed");
  // A page that was kept is not loaded again.
  await page.goBack({ waitUntil: "commit" });
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(await page.evaluate(() => document.body.id)).toBe("kept-true");
  expect(await page.getByRole("button", { name: /Paying/ }).count()).toBe(0);
});

test("Back to a booking that was paid for elsewhere meanwhile shows the ticket and no form", async () => {
  const { page, bookingId, person } = await atTheTill();
  await page.getByRole("button", { name: /^Pay / }).waitFor();
  await page.goto("about:blank");
  await person.client.booking.pay.mutate({ bookingId, method: "Card", card: cards.pays });
  await page.goBack({ waitUntil: "commit" });
  await page.getByText("Paid. This is your ticket.").waitFor();
  expect(await page.getByRole("button", { name: /^Pay / }).count()).toBe(0);
});

test("a top-up whose answer is lost is told as the earlier one when it is pressed again, and was charged once", async () => {
  const person = await office.customer();
  const page = await office.visit("/wallet", person);
  const keys: (string | undefined)[] = [];
  let isCut = true;
  await page.route("**/trpc/wallet.addFunds*", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length === 1) await route.fetch();
    await (isCut ? route.abort("connectionreset") : route.continue());
  });
  const press = () => page.getByRole("button", { name: "Add to the wallet" }).click();
  await typeCard(page);
  await press();
  await page.getByRole("listitem").getByText("Added").waitFor({ timeout: 25_000 });
  const kept = await page.evaluate(() => Object.keys(sessionStorage));
  // The next account at this tab has intents of its own.
  expect(kept).toContain(`skyfox-intent:top-up-${person.session.username}-500`);
  isCut = false;
  await press();
  await page.getByText("That was your earlier payment, which has arrived.").waitFor();
  expect(new Set(keys).size).toBe(1);
  expect((await person.client.wallet.balance.query()).balance.toString()).toBe("500");
  await press();
  await page.getByText("Added. Your wallet has").waitFor();
  expect((await person.client.wallet.balance.query()).balance.toString()).toBe("1000");
});
