import type { Request } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { openOffice, seat } from "./office.ts";

const short = await openOffice({ HOLD_SECONDS: "5" });
const long = await openOffice({ HOLD_SECONDS: "1200" });
afterAll(short.close);
afterAll(long.close);

test("a hold runs out on the screen, and the seats are free again for all", async () => {
  const { id: showId } = await short.nextShow();
  const page = await short.visit(`/show/${showId}`, await short.customer());
  const other = await short.visit(`/show/${showId}`);
  await seat(page, "E5").click();
  await page.getByRole("button", { name: /^Hold for/ }).click();
  await page.getByText(/The seats are yours for 0:0[1-5]/).waitFor();
  await other.getByRole("gridcell", { name: /^Row E, seat 5, .*held$/ }).waitFor();
  await page.getByText("Time ran out, and the seats went back on sale. Nothing was charged.").waitFor();
  await other.getByRole("gridcell", { name: /^Row E, seat 5, .*free$/ }).waitFor();
});

test("a page that is not answered when a hold runs out asks again", async () => {
  const person = await short.customer();
  const { id: showId } = await short.nextShow();
  const { bookingId } = await person.client.booking.initialize.mutate({ showId, seatNumbers: ["E5"] });
  const page = await short.visit(`/booking/${bookingId}`, person);
  await page.getByText(/The seats are yours for 0:0[1-5]/).waitFor();
  let lost = 0;
  await page.route("**/trpc/booking.byId*", async (route) => {
    lost += 1;
    await route.abort("connectionreset");
  });
  // More often than the SDK repeats one question by itself, also when another one cut it short.
  await expect.poll(() => lost, { timeout: 25_000 }).toBeGreaterThan(5);
  await page.unrouteAll();
  await page.getByText("Time ran out, and the seats went back on sale. Nothing was charged.").waitFor();
});

test("a page whose timers stood still for ten minutes shows what is left the moment it is shown", async () => {
  const person = await long.customer();
  const { id: showId } = await long.nextShow();
  const { bookingId } = await person.client.booking.initialize.mutate({ showId, seatNumbers: ["E5"] });
  const page = await long.visit("/sign-in", person);
  // Timers that are due while the page is frozen are dropped, and its clock goes on.
  await page.addInitScript(() => {
    const { setTimeout: wait, Date: RealDate } = globalThis;
    const freeze = { ms: 0 };
    class AheadDate extends RealDate {
      constructor(...given: [] | [number]) {
        super(given.length === 0 ? RealDate.now() + freeze.ms : given[0]);
      }
    }
    Object.assign(globalThis, {
      freeze,
      Date: AheadDate,
      setTimeout: (run: () => void, ms: number) => wait(() => freeze.ms === 0 && run(), ms),
    });
  });
  const underWay = new Set<Request>();
  page.on("request", (request) => void (request.url().includes("/trpc/") && underWay.add(request)));
  page.on("requestfinished", (request) => void underWay.delete(request));
  page.on("requestfailed", (request) => void underWay.delete(request));
  await page.goto(`${long.url}/?again#/booking/${bookingId}`);
  await page.getByText(/The seats are yours for 19:/).waitFor();
  // What the server says meanwhile is not heard, also to what was asked before: its clock has not gone on.
  await page.route("**/trpc/**", (route) => route.abort());
  await expect.poll(() => underWay.size).toBe(0);
  await page.evaluate(() => {
    (globalThis as unknown as { freeze: { ms: number } }).freeze.ms = 600_000;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect.poll(() => page.locator(".countdown").textContent()).toMatch(/^9:[45]\d$/);
});
