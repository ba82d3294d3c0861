import { afterAll, expect, test } from "vitest";
import { openOffice } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

test("the reference at /docs lists the calls, and tries one with the key of development", async () => {
  const page = await office.visit("/");
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== office.url) foreign.push(request.url());
  });
  await page.goto(`${office.url}/docs`);
  const call = page.locator("#operations-show-showCinema");
  await call.waitFor();
  expect(await page.locator(".opblock").count()).toBeGreaterThan(50);
  await call.locator(".opblock-summary-control").click();
  await call.getByRole("button", { name: "Try it out" }).click();
  await call.getByRole("button", { name: "Execute" }).click();
  const answer = call.locator(".live-responses-table .response");
  await answer.waitFor();
  expect(await answer.locator(".response-col_status").textContent()).toContain("200");
  expect(await answer.textContent()).toContain("Asia/Kolkata");
  expect([complaints, foreign]).toEqual([[], []]);
});
