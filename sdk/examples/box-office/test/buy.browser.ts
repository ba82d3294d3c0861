import { afterAll, expect, test } from "vitest";
import { openOffice, seat, typeCard } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

test("a newcomer signs up, chooses the best seats, pays, and has a ticket", async () => {
  const show = await office.nextShow();
  const page = await office.visit(`/shows/${show.date}`);
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!["localhost", "127.0.0.1"].includes(new URL(request.url()).hostname)) foreign.push(request.url());
  });
  await page.getByRole("link", { name: show.movie.title }).click();
  await page.getByRole("button", { name: "Choose the best 2 seats" }).click();
  await page.getByRole("button", { name: /^Hold for/ }).click();

  // Only who is signed in may hold; the choice is still there afterwards.
  await page.getByRole("link", { name: "Make an account" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Ravi Iyer");
  await page.getByLabel("Username").fill("ravi iyer");
  await page.getByLabel("E-mail").fill("ravi@example.com");
  await page.getByLabel("Phone number").fill("9876543210");
  await page.getByLabel("Password").fill("Sunny-Day-9");
  await page.getByLabel("Your answer").fill("Nautilus");
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect.poll(() => page.getByLabel("Username").getAttribute("aria-invalid")).toBe("true");
  await page.getByText("The username has 3 to 30 of").waitFor();
  await page.getByLabel("Username").fill("ravi");
  await page.getByRole("button", { name: "Make the account" }).click();

  await page.getByText(/^2 seats: /).waitFor();
  await page.getByRole("button", { name: /^Hold for/ }).click();
  await page.getByText("The seats are yours for").waitFor();
  await typeCard(page, "4242 4242 4242 4242");
  await page.getByRole("button", { name: /^Pay / }).click();
  await page.getByText("Paid. This is your ticket.").waitFor();
  await page.getByRole("img", { name: /^The code of booking/ }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save as PDF" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^ticket-\d+\.pdf$/);
  expect(foreign).toEqual([]);
});

test("a hold whose answer is lost is still this person's, and is not told as another buyer's", async () => {
  const show = await office.nextShow();
  const page = await office.visit(`/show/${show.id}`, await office.customer());
  let tries = 0;
  await page.route("**/trpc/booking.initialize*", async (route) => {
    tries += 1;
    if (tries === 1) await route.fetch();
    await route.abort("connectionreset");
  });
  await seat(page, "E5").click();
  await page.getByRole("button", { name: /^Hold for/ }).click();
  await page.getByRole("link", { name: "Pay for E5" }).waitFor({ timeout: 25_000 });
  await page.getByText("1 seat: E5").waitFor();
  expect(await page.getByText("Another buyer was faster").count()).toBe(0);
});

test("two browsers want one seat: one has it, and both see so within a second", async () => {
  const show = await office.nextShow();
  const [first, second] = await Promise.all(
    [await office.customer(), await office.customer()].map((person) =>
      office.visit(`/show/${show.id}`, person),
    ),
  );
  if (first === undefined || second === undefined) throw new Error("Two visits make two pages.");
  for (const page of [first, second]) await seat(page, "E5").click();
  await first.getByRole("button", { name: /^Hold for/ }).click();
  const heldAt = performance.now();
  await first.getByText("The seats are yours for").waitFor();
  await second.getByText("Another buyer was faster with E5").waitFor();
  await second.getByRole("gridcell", { name: /^Row E, seat 5, .*held$/ }).waitFor();
  expect(performance.now() - heldAt).toBeLessThan(1_000);
  expect(await second.getByRole("button", { name: /^Hold for/ }).isDisabled()).toBe(true);
});
