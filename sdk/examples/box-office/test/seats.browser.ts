import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { openOffice, seat } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

const nameOf = (page: Page, seatNumber: string) => seat(page, seatNumber).getAttribute("aria-label");
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute("data-seat"));

test("the map is one tab stop, arrow keys go from seat to seat, and each seat says all of itself", async () => {
  const page = await office.visit(`/show/${(await office.nextShow()).id}`);
  await seat(page, "A1").waitFor();
  expect(await page.locator('[data-seat][tabindex="0"]').count()).toBe(1);
  await seat(page, "A1").focus();
  const steps: [key: string, seat: string][] = [
    ["ArrowLeft", "A1"],
    ["ArrowUp", "A1"],
    ["ArrowRight", "A2"],
    ["ArrowDown", "B2"],
    ["End", "B10"],
    ["ArrowRight", "B10"],
    ["Home", "B1"],
  ];
  for (const [key, at] of steps) {
    await page.keyboard.press(key);
    expect([key, await focused(page)]).toEqual([key, at]);
  }
  expect(await nameOf(page, "B1")).toMatch(/^Row B, seat 1, Standard, ₹\d+\.00, free$/);
  await page.keyboard.press("Space");
  expect(await nameOf(page, "B1")).toMatch(/chosen$/);
  expect(await seat(page, "B1").getAttribute("aria-selected")).toBe("true");
  await page.getByText("1 seat: B1").waitFor();
  // Out of the map with one key, and back to the seat that was left.
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBeNull();
  await page.keyboard.press("Shift+Tab");
  expect(await focused(page)).toBe("B1");
  expect(await page.locator('[data-seat][tabindex="0"]').count()).toBe(1);
});

test("eight tabs of one show all load, and all see a change", async () => {
  const { id: showId } = await office.nextShow();
  const first = await office.visit(`/show/${showId}`);
  const tabs = [first];
  while (tabs.length < 8) {
    const tab = await first.context().newPage();
    await tab.goto(`${office.url}/#/show/${showId}`);
    tabs.push(tab);
  }
  // A tab that is not in front follows the map once it is shown.
  for (const tab of tabs) {
    await tab.bringToFront();
    await tab.getByText("Live", { exact: true }).waitFor();
  }
  const buyer = await office.customer();
  await buyer.client.booking.initialize.mutate({ showId, seatNumbers: ["D4"] });
  for (const tab of tabs) {
    await tab.bringToFront();
    await tab.getByRole("gridcell", { name: /^Row D, seat 4, .*held$/ }).waitFor();
  }
});

test("a map goes on when the server was killed and has started again", async () => {
  const { id: showId } = await office.nextShow();
  const page = await office.visit(`/show/${showId}`);
  const buyer = await office.customer();
  await page.getByText("Live", { exact: true }).waitFor();
  await office.restart();
  await buyer.client.booking.initialize.mutate({ showId, seatNumbers: ["D4"] });
  await page.getByRole("gridcell", { name: /^Row D, seat 4, .*held$/ }).waitFor({ timeout: 20_000 });
  await page.getByText("Live", { exact: true }).waitFor();
});
