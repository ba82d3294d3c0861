import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { QueryClient } from "@tanstack/react-query";
import { createElement, type ComponentType, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { testCards } from "../../scripts/sandbox/cards.ts";
import { seedDemo } from "../../scripts/seed.ts";
import { goodCard } from "../../server/test/given.ts";
import { createTestApp, testApiKey } from "../../server/test/test-app.ts";
import type { ParsedCard } from "../src/forms.ts";
import {
  createCustomerClient,
  formatAmount,
  type Card,
  type CustomerClient,
  type Hold,
  type IntentStorage,
  type Outcome,
  type TicketKeys,
} from "../src/index.ts";
import type { SkyfoxQuery } from "../src/react-query.ts";
import { writeExamples } from "./examples.ts";

const addresses = /^http:\/\/(localhost|192\.168\.1\.20):8080\//;
const passOn = globalThis.fetch;

const app = await createTestApp();
const { folder, first, remove } = await writeExamples();
let printed: string[] = [];

beforeAll(async () => {
  const { cinemaTimeZone } = app.deps.settings;
  await seedDemo(app.deps.db, { now: app.clock.now(), cinemaTimeZone, movies: app.deps.movies });
});

afterAll(remove);

beforeEach(() => {
  printed = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
  // The server that `npm start` would have at these addresses, with the key of development.
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    if (!addresses.test(url)) return await passOn(url, init);
    const headers = new Headers(init?.headers);
    if (headers.get("x-api-key") === "skyfox-development-key") headers.set("x-api-key", testApiKey);
    return await app.app.request(url, { ...init, headers });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function run<Exports>(name: string): Promise<Exports> {
  return (await import(join(folder, name))) as Exports;
}

const account = { username: "customer.one", password: "Seven-Seas-7" };

function connect(token: string | null = null): CustomerClient {
  return createCustomerClient({
    url: "http://localhost:8080",
    apiKey: "skyfox-development-key",
    token: () => token,
  });
}

async function logIn() {
  return await connect().auth.login.mutate(account);
}

async function givenCustomer(): Promise<CustomerClient> {
  return connect((await logIn()).token);
}

async function givenHold(skyfox: CustomerClient): Promise<Hold> {
  const shows = await skyfox.show.list.query({ date: "2026-03-12" });
  return await skyfox.booking.initializeBest.mutate({ showId: shows[0]!.id, count: 1 });
}

const declinedCard = { ...goodCard, number: testCards.declined };

function inMemory(): IntentStorage {
  const items = new Map<string, string>();
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}

test("the example of the README has at most a dozen lines, and holds seats", async () => {
  expect(first.trim().split("\n").length).toBeLessThanOrEqual(14);
  // Its own clock is the machine's.
  vi.useFakeTimers({ now: app.clock.now(), toFake: ["Date"] });
  await run("first.ts");
  vi.useRealTimers();
  expect(printed).toEqual([expect.objectContaining({ seatNumbers: ["A1", "A2"] })]);
});

test("buy.ts buys two seats", async () => {
  await run("buy.ts");
  expect(printed).toEqual([
    expect.stringMatching(/^.+: [A-Z]\d+ and [A-Z]\d+ for \d+\.00$/),
    expect.stringMatching(/^Booking \d+ is Confirmed\.$/),
  ]);
});

test("pay.ts says how a payment ended", async () => {
  type Pay = (skyfox: CustomerClient, bookingId: number, card: Card) => Promise<string>;
  const { pay } = await run<{ pay: Pay }>("pay.ts");
  const skyfox = await givenCustomer();
  const { bookingId } = await givenHold(skyfox);
  expect(await pay(skyfox, bookingId, declinedCard)).toBe("Declined. Try another card.");
  expect(await pay(skyfox, bookingId, goodCard)).toBe(`Paid: booking ${bookingId}.`);
  expect(await pay(skyfox, bookingId, goodCard)).toBe("The booking is not in a state that allows this.");
  await skyfox.auth.logout.mutate();
  expect(await pay(skyfox, bookingId, goodCard)).toBe("Log in again.");
});

test("checkout.ts charges once, however often it is pressed, and lets another card try after a decline", async () => {
  type CheckOut = (
    skyfox: CustomerClient,
    bookingId: number,
    card: Card,
    storage: IntentStorage,
  ) => Promise<Outcome<"booking.pay">>;
  const { checkOut } = await run<{ checkOut: CheckOut }>("checkout.ts");
  const skyfox = await givenCustomer();
  const { bookingId } = await givenHold(skyfox);
  const storage = inMemory();
  const declined = await checkOut(skyfox, bookingId, declinedCard, storage);
  expect(declined).toMatchObject({ error: { code: "PAYMENT_DECLINED" } });
  const before = app.gateway.books().charges.length;
  const presses = await Promise.all([1, 2].map(() => checkOut(skyfox, bookingId, goodCard, storage)));
  expect(presses.map(({ ok }) => ok)).toEqual([true, true]);
  expect(app.gateway.books().charges.length).toBe(before + 1);
});

test("seat-map.ts draws the map and the time", async () => {
  type Draw = (text: string) => void;
  type Follow = (skyfox: CustomerClient, showId: number, draw: Draw, signal: AbortSignal) => void;
  type ShowTime = (hold: Hold, draw: Draw) => () => void;
  const { follow, showTime } = await run<{ follow: Follow; showTime: ShowTime }>("seat-map.ts");
  const skyfox = await givenCustomer();
  const hold = await givenHold(skyfox);
  const leaving = new AbortController();
  const { promise: map, resolve } = Promise.withResolvers<string>();
  follow(skyfox, hold.showId, resolve, leaving.signal);
  expect(await map).toMatch(/^\d+ seats are free; the best two: [A-Z]\d+ and [A-Z]\d+$/);
  leaving.abort();
  const drawn: string[] = [];
  const stop = showTime(hold, (text) => void drawn.push(text));
  stop();
  expect(drawn).toEqual([expect.stringMatching(/^(300|29\d) s$/)]);
});

test("card-form.ts reads a form", async () => {
  const { readCard } = await run<{ readCard: (form: FormData) => ParsedCard }>("card-form.ts");
  const form = new FormData();
  form.set("cc-number", "4242 4242 4242 4242");
  form.set("cc-exp", "12 / 2039");
  form.set("cc-csc", "123");
  form.set("cc-name", "Customer One");
  const card = { expiryMonth: "12", expiryYear: "39" };
  expect(readCard(form)).toMatchObject({ ok: true, brand: "visa", card });
  form.set("cc-number", "4242");
  expect(readCard(form)).toMatchObject({ ok: false, problems: [{ field: "number" }] });
});

test("door.ts admits a ticket, and nothing else", async () => {
  type Admit = (scanned: string, keys: TicketKeys) => Promise<string>;
  const { admit } = await run<{ admit: Admit }>("door.ts");
  const keys = await (await givenCustomer()).tickets.keys();
  const token = await app.deps.tickets.sign({ bookingId: 1, showId: 1, seatNumbers: ["A1", "A2"] });
  expect(await admit(token, keys)).toBe("Seats A1, A2");
  expect(await admit("no ticket", keys)).toBe("Not let in: malformed");
});

test("takings.ts writes the bookings to a file", async () => {
  const skyfox = await givenCustomer();
  const { bookingId } = await givenHold(skyfox);
  await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });
  const here = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(here));
  await run("takings.ts");
  expect(printed).toEqual([expect.stringMatching(/^\S+\.csv is written\. \d+ people come today\.$/)]);
  const [filename = ""] = printed[0]!.split(" ");
  expect(await readFile(join(folder, filename), "utf8")).toContain("Customer One");
});

test("the page of Next.js shows what is on, and its button holds two seats", async () => {
  const { default: Page } = await run<{ default: () => Promise<ReactNode> }>("app/page.tsx");
  const page = renderToStaticMarkup(await Page());
  const show = (await connect().show.list.query()).at(-1);
  expect(page).toContain(
    `<li>${show!.movie.title}, ${show!.slot.startTime}, ${formatAmount(show!.cost)} <button>`,
  );
  const { holdTwo } = await run<{ holdTwo: (showId: number) => Promise<string> }>("app/buy-button.tsx");
  expect(await holdTwo(show!.id)).toBe("Log in first: this call needs a token.");
  const { token } = await logIn();
  vi.stubGlobal("sessionStorage", { getItem: () => token });
  expect(await holdTwo(show!.id)).toMatch(/^Yours until /);
});

test("the app of Vite and React shows what is on", async () => {
  const { App, queryClient, skyfox } = await run<{
    App: ComponentType;
    queryClient: QueryClient;
    skyfox: SkyfoxQuery<CustomerClient>;
  }>("src/app.tsx");
  expect(renderToStaticMarkup(createElement(App))).toBe("<p>One moment.</p>");
  const [show] = await queryClient.fetchQuery(skyfox.show.list.queryOptions());
  const page = renderToStaticMarkup(createElement(App));
  expect(page).toContain(`<button>${show!.movie.title}, ${show!.slot.startTime}</button>`);
});

test("the client of React Native keeps its tokens where the phone keeps secrets", async () => {
  type Phone = { skyfox: CustomerClient; logIn: (username: string, password: string) => Promise<void> };
  const phone = await run<Phone>("skyfox.ts");
  await phone.logIn(account.username, account.password);
  expect(await phone.skyfox.auth.me.query()).toMatchObject({ username: "customer.one" });
  type Store = { getItemAsync: (name: string) => Promise<string | null> };
  const { getItemAsync } = await run<Store>("node_modules/expo-secure-store/index.js");
  expect(await getItemAsync("device.customer.one")).toEqual(expect.any(String));
});

test("tests.ts needs no server", async () => {
  vi.stubGlobal("fetch", () => expect.fail("It called a server."));
  await run("tests.ts");
});
