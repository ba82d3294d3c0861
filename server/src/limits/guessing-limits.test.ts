import { beforeEach, describe, expect, test } from "vitest";
import {
  declinedCard,
  givenCustomer,
  givenCustomers,
  givenShow,
  givenStaff,
  goodCard,
  testAnswer,
  testPassword,
  tokenOf,
} from "../../test/given.ts";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { whenOver } from "../../test/when-over.ts";
import { logIn } from "../auth/log-in.ts";
import { checkSecurityAnswer } from "../auth/security-answers.ts";
import { getBooking } from "../booking/get-booking.ts";
import { holdSeats } from "../booking/hold-seats.ts";
import { payBooking } from "../booking/pay-booking.ts";
import type { User } from "../deps.ts";

const app = await createTestApp({ addressLimitFactor: 1, trustedProxies: 1 });
const { deps, clock, gateway } = app;
beforeEach(() => app.forgetCounts());

const from = (address: string) => ({ address, requestId: "of-the-tests" });
const address = (number: number) => `203.0.113.${number}`;

/** Logs in over HTTP, and tells how that went. */
async function tryToLogIn(input: { username: string; deviceToken?: string | undefined }, caller: string) {
  const { status } = await mutate(
    app,
    "auth.login",
    { password: testPassword, ...input },
    { headers: { "x-forwarded-for": caller } },
  );
  return status;
}

async function givenDevice(username: string, caller: string) {
  const { deviceToken } = await logIn(deps, from(caller), { username, password: testPassword });
  return { username, deviceToken };
}

describe("guessing passwords", () => {
  test("of one account, a thousand times from a hundred addresses at once, is bounded by ten and locks no known device out", async () => {
    const { username } = await givenStaff(deps, "admin");
    const known = await givenDevice(username, "198.51.100.1");
    const tries = Array.from(
      { length: 100 },
      (_, number) => () => logIn(deps, from(address(number)), { username, password: `wrong ${number}` }),
    );
    const lost: unknown[] = [];
    for (let time = 0; time < 10; time += 1) {
      const [settled, status] = await Promise.all([together(tries), tryToLogIn(known, "198.51.100.1")]);
      lost.push(...outcomesOf(settled).lost);
      expect(status).toBe(200);
    }
    expect(lost).toHaveLength(1_000);
    expect(lost.filter((code) => code === "INVALID_CREDENTIALS").length).toBeLessThanOrEqual(10);
    expect(new Set(lost)).toEqual(new Set(["INVALID_CREDENTIALS", "RATE_LIMITED"]));
    // The right password is no way around for a stranger, and a refused try counts nothing.
    expect(await tryToLogIn({ username }, "198.51.100.1")).toBe(429);
    const rows = await app.sql.query("select max(points) as points from rate_limit");
    expect(rows).toEqual([{ points: 10 }]);
  });

  test("of a thousand accounts from one address, fifty at once, is bounded by a hundred and locks no known device out", async () => {
    const people = [
      await givenCustomer(deps),
      await givenStaff(deps, "staff"),
      await givenStaff(deps, "admin"),
    ];
    const known = [];
    for (const { username } of people) known.push(await givenDevice(username, "198.51.100.2"));
    const codes: unknown[] = [];
    while (codes.length < 1_000) {
      const tries = Array.from({ length: 50 }, (_, number) => {
        const username = `nobody-${codes.length + number}`;
        return () => logIn(deps, from("198.51.100.2"), { username, password: "x" });
      });
      codes.push(...outcomesOf(await together(tries)).lost);
    }
    expect(codes.filter((code) => code === "INVALID_CREDENTIALS")).toHaveLength(100);
    expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(900);
    for (const device of known) {
      expect(await tryToLogIn({ username: device.username }, "198.51.100.2")).toBe(429);
      expect(await tryToLogIn(device, "198.51.100.2")).toBe(200);
    }
  });

  test("from one /64 is bounded by a hundred, and from all of a /48 by a thousand", async () => {
    const count = (caller: string) => refusalOf(deps.limits.count("wrongPasswords", from(caller)));
    const of64 = (network: number) => `2001:db8:1:${network.toString(16)}`;
    for (let number = 0; number < 100; number += 1)
      expect(await count(`${of64(0)}::${number.toString(16)}`)).toBe("accepted");
    expect(await count(`${of64(0)}:ffff::1`)).toBe("RATE_LIMITED");
    const spread = Array.from({ length: 900 }, (_, number) => () => count(`${of64(1 + number)}::1`));
    expect(new Set(outcomesOf(await together(spread)).won)).toEqual(new Set(["accepted"]));
    expect(await count(`${of64(5_000)}::1`)).toBe("RATE_LIMITED");
    expect(await count("2001:db8:2::1")).toBe("accepted");
  });

  test("the refusal says when to come back, also in its header", async () => {
    const { username } = await givenCustomer(deps);
    const call = () =>
      mutate(
        app,
        "auth.login",
        { username, password: "wrong" },
        { headers: { "x-forwarded-for": "198.51.100.3" } },
      );
    for (let number = 0; number < 10; number += 1) expect((await call()).status).toBe(401);
    const refused = await call();
    expect(refused.status).toBe(429);
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(800);
    expect(seconds).toBeLessThanOrEqual(900);
    expect(refused.error?.data.domain).toEqual({
      code: "RATE_LIMITED",
      details: { retryAfterSeconds: seconds },
    });
  });

  test("right passwords count nothing, and when the window is over tries are free again", async () => {
    const { username } = await givenCustomer(deps);
    const caller = from("198.51.100.4");
    const tryOnce = (password: string) => refusalOf(logIn(deps, caller, { username, password }));
    for (let number = 0; number < 12; number += 1) expect(await tryOnce(testPassword)).toBe("accepted");
    for (let number = 0; number < 10; number += 1) await tryOnce("wrong");
    expect(await tryOnce(testPassword)).toBe("RATE_LIMITED");
    await app.sql.query("update rate_limit set expire = 1");
    expect(await tryOnce(testPassword)).toBe("accepted");
  });

  test("locks are in the audit once, and what was typed is nowhere", async () => {
    const { username } = await givenCustomer(deps);
    for (let number = 0; number < 12; number += 1) {
      await refusalOf(logIn(deps, from("198.51.100.5"), { username, password: "wrong" }));
    }
    const rows = await app.sql.query(
      "select action, count(*)::int as count from audit_entry where subject = $1 group by action order by action",
      [username],
    );
    expect(rows).toEqual([
      { action: "login-failed", count: 9 },
      { action: "login-locked", count: 1 },
    ]);
    await refusalOf(logIn(deps, from("198.51.100.5"), { username: "my-secret", password: "wrong" }));
    const found = await app.sql.query(
      "select 1 from audit_entry a, rate_limit r where concat(a.*, r.*) like '%my-secret%'",
    );
    expect(found).toEqual([]);
  });
});

test("the sixth guess at a security answer is refused for the account, from whatever address", async () => {
  const customer = await givenCustomer(deps);
  const account = { username: customer.username, securityAnswerHash: "unreadable" };
  const guess = (number: number) =>
    refusalOf(
      checkSecurityAnswer(deps, from(address(number)), { account, limitedAs: customer.username }, testAnswer),
    );
  const codes: unknown[] = [];
  for (let number = 0; number < 7; number += 1) codes.push(await guess(number));
  expect(codes).toEqual([
    ...Array<string>(5).fill("INVALID_SECURITY_ANSWER"),
    "RATE_LIMITED",
    "RATE_LIMITED",
  ]);
  // A try that the quarter of an hour refuses is none of the day's ten.
  expect(await pointsOf("wrongAnswersADay")).toEqual([5]);
});

test("a batch counts call by call: sixty look-ups of questions an address", async () => {
  const input = encodeURIComponent(
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [index, { json: { email: "a@example.com" } }]),
      ),
    ),
  );
  const path = Array.from({ length: 10 }, () => "auth.securityQuestion").join(",");
  const headers = { "x-api-key": "key-of-the-tests", "x-forwarded-for": "198.51.100.6" };
  const statuses: number[] = [];
  for (let batch = 0; batch < 7; batch += 1) {
    const response = await app.app.request(`/trpc/${path}?batch=1&input=${input}`, { headers });
    const answers = (await response.json()) as { error?: unknown }[];
    statuses.push(answers.filter(({ error }) => error === undefined).length);
  }
  expect(statuses).toEqual([10, 10, 10, 10, 10, 10, 0]);
  const elsewhere = await query(app, "auth.securityQuestion", { email: "a@example.com" });
  expect(elsewhere.status).toBe(200);
});

describe("asking for seats", () => {
  const noShow = 999_999_999;
  const ask = (user: User, showId = noShow) => holdSeats(deps, user, { showId, seatNumbers: ["A1"] });

  test("is let through for the 120th time in a minute and refused for the 121st, whatever became of the others", async () => {
    const customer = await givenCustomer(deps);
    const taken = await givenShow(app);
    await ask(await givenCustomer(deps), taken);
    for (let number = 1; number < 120; number += 1) {
      expect(await refusalOf(ask(customer, taken))).toBe("SEATS_UNAVAILABLE");
    }
    expect(await refusalOf(ask(customer, await givenShow(app)))).toBe("accepted");

    const free = await givenShow(app);
    const input = { showId: free, seatNumbers: ["A1"] };
    const refused = await mutate(app, "booking.initialize", input, { token: await tokenOf(deps, customer) });
    expect(refused.status).toBe(429);
    const retryAfterSeconds = Number(refused.headers.get("retry-after"));
    expect(retryAfterSeconds).toBeGreaterThan(30);
    expect(retryAfterSeconds).toBeLessThanOrEqual(60);
    expect(refused.error?.data.domain).toEqual({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
    expect(await refusalOf(ask(customer, free))).toBe("RATE_LIMITED");
    expect(await pointsOf("holds:account")).toEqual([1, 120]);

    expect(await refusalOf(ask(await givenCustomer(deps), free))).toBe("accepted");
    clock.advance(60_000);
    expect(await refusalOf(ask(customer, await givenShow(app)))).toBe("accepted");
  });

  test("two hundred times at once, from as many addresses, is let through 120 times", async () => {
    const customer = await givenCustomer(deps);
    const tries = Array.from(
      { length: 200 },
      (_, number) => () => ask({ ...customer, ...from(address(number)) }),
    );
    const { lost } = outcomesOf(await together(tries));
    expect(lost.filter((code) => code === "SHOW_NOT_FOUND")).toHaveLength(120);
    expect(lost.filter((code) => code === "RATE_LIMITED")).toHaveLength(80);
  });

  test("counts once a call, however many others go for the same seat", async () => {
    const customers = await givenCustomers(deps, 50);
    const showId = await givenShow(app);
    const { won } = outcomesOf(await together(customers.map((one) => () => ask(one, showId))));
    expect(won).toHaveLength(1);
    expect(await pointsOf("holds")).toEqual(Array<number>(100).fill(1));
  });

  test("is let through 600 times a minute from one address, for all accounts together", async () => {
    const customers = (await givenCustomers(deps, 65)).map((one) => ({ ...one, ...from("198.51.100.7") }));
    const tries = customers.flatMap((one) => Array.from({ length: 10 }, () => () => ask(one)));
    const { lost } = outcomesOf(await together(tries));
    expect(lost.filter((code) => code === "SHOW_NOT_FOUND")).toHaveLength(600);
    expect(lost.filter((code) => code === "RATE_LIMITED")).toHaveLength(50);
    expect(await refusalOf(ask({ ...customers[0]!, ...from("198.51.100.8") }))).toBe("SHOW_NOT_FOUND");
  });
});

describe("failed cards", () => {
  // The verb is given what the schema would not let through, so that the gateway finds the mistake.
  const rejectedCard = { ...goodCard, number: "4242424242424241" };
  const pay = (user: User, bookingId: number, card = goodCard) =>
    payBooking(deps, user, { bookingId, method: "Card", card });
  const hold = async (user: User) =>
    holdSeats(deps, user, { showId: await givenShow(app), seatNumbers: ["A1"] });

  test("are twenty at most: after them the right card is refused too, and the hold stays as it was", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId, expiresAt } = await hold(customer);
    for (let number = 0; number < 18; number += 1) {
      expect(await refusalOf(pay(customer, bookingId, rejectedCard))).toBe("PAYMENT_VALIDATION_FAILED");
    }
    for (let number = 0; number < 2; number += 1) {
      expect(await refusalOf(pay(customer, bookingId, declinedCard))).toBe("PAYMENT_DECLINED");
    }
    const calls = gateway.calls().length;
    const input = { bookingId, method: "Card", card: goodCard };
    const refused = await mutate(app, "booking.pay", input, { token: await tokenOf(deps, customer) });
    const retryAfterSeconds = Number(refused.headers.get("retry-after"));
    expect(retryAfterSeconds).toBeGreaterThan(800);
    expect(retryAfterSeconds).toBeLessThanOrEqual(900);
    expect([refused.status, refused.error?.data.domain]).toEqual([
      429,
      { code: "RATE_LIMITED", details: { retryAfterSeconds } },
    ]);
    expect(gateway.calls()).toHaveLength(calls);
    expect(await pointsOf("failedCards:account")).toEqual([20]);

    expect(await getBooking(deps, customer, { bookingId })).toMatchObject({ status: "Pending", expiresAt });
    clock.advance(300_000);
    await deps.monitors.settled();
    const [row] = await app.sql.query("select status from booking where id = $1", [bookingId]);
    expect(row).toEqual({ status: "Expired" });
  });

  test("leave the twentieth try, and when the window is over all of them", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await hold(customer);
    for (let number = 0; number < 19; number += 1) await refusalOf(pay(customer, bookingId, rejectedCard));
    expect(await refusalOf(pay(customer, bookingId))).toBe("accepted");
    await app.shareCounts();
    const another = (await hold(customer)).bookingId;
    expect(await refusalOf(pay(customer, another, rejectedCard))).toBe("PAYMENT_VALIDATION_FAILED");
    expect(await refusalOf(pay(customer, another))).toBe("RATE_LIMITED");
    await app.sql.query("update rate_limit set expire = 1");
    expect(await refusalOf(pay(customer, another))).toBe("accepted");
  });

  test("are none of those that paid, that could not be tried, or whose outcome is unknown", async () => {
    const customer = await givenCustomer(deps);
    expect(await refusalOf(pay(customer, 999_999_999))).toBe("BOOKING_NOT_FOUND");
    const paid = (await hold(customer)).bookingId;
    const old = { ...goodCard, expiryMonth: "02", expiryYear: "26" };
    expect(await refusalOf(pay(customer, paid, old))).toBe("VALIDATION_ERROR");
    gateway.script("forbidden");
    expect(await refusalOf(pay(customer, paid))).toBe("PAYMENT_GATEWAY_UNAVAILABLE");
    expect(await refusalOf(pay(customer, paid))).toBe("accepted");
    expect(await refusalOf(pay(customer, paid))).toBe("INVALID_BOOKING_STATUS");
    const unknown = (await hold(customer)).bookingId;
    gateway.script("error-after-success");
    expect(await refusalOf(pay(customer, unknown))).toBe("PAYMENT_OUTCOME_UNKNOWN");
    expect(await refusalOf(pay(customer, unknown))).toBe("PAYMENT_OUTCOME_UNKNOWN");
    expect(await pointsOf("failedCards")).toEqual([0, 0]);
  });

  test("that are tried side by side are no more than twenty", async () => {
    const customer = await givenCustomer(deps);
    const bookings: number[] = [];
    while (bookings.length < 5) bookings.push((await hold(customer)).bookingId);
    const tries = bookings.flatMap((bookingId) =>
      Array.from({ length: 6 }, () => () => pay(customer, bookingId, rejectedCard)),
    );
    const calls = gateway.calls().length;
    // Each time at least one gets as far as the gateway, while any may.
    for (let time = 0; time < 20; time += 1) await together(tries);
    expect(gateway.calls()).toHaveLength(calls + 20);
  });

  test("are a hundred at most from one address, for all accounts together", async () => {
    const customers = (await givenCustomers(deps, 6)).map((one) => ({ ...one, ...from("198.51.100.9") }));
    const bookings: number[] = [];
    for (const customer of customers) bookings.push((await hold(customer)).bookingId);
    const codes: unknown[] = [];
    for (let number = 0; number < 102; number += 1) {
      const index = number % customers.length;
      codes.push(await refusalOf(pay(customers[index]!, bookings[index]!, rejectedCard)));
    }
    expect(codes).toEqual([
      ...Array<string>(100).fill("PAYMENT_VALIDATION_FAILED"),
      "RATE_LIMITED",
      "RATE_LIMITED",
    ]);
    const elsewhere = { ...customers[0]!, ...from("198.51.100.10") };
    expect(await refusalOf(pay(elsewhere, bookings[0]!))).toBe("accepted");
  });

  test("are given back once when the answer of the statement that records a charge is lost", async () => {
    const proxy = await startDatabaseProxy(app.databaseUrl);
    whenOver(() => proxy.close());
    const server = await createTestApp({ beside: app, databaseUrl: () => proxy.url });
    const customer = await givenCustomer(deps);
    const { bookingId } = await hold(customer);
    expect(await refusalOf(pay(customer, bookingId, rejectedCard))).toBe("PAYMENT_VALIDATION_FAILED");
    const lost = proxy.intercept(({ sql }) => sql.includes("accept_payment"), "after");
    const input = { bookingId, method: "Card" as const, card: goodCard };
    expect(await payBooking(server.deps, customer, input)).toMatchObject({ status: "Confirmed" });
    await lost.reached;
    await server.shareCounts();
    expect(await pointsOf("failedCards")).toEqual([1, 1]);
  });

  test("are given back behind the calls: no call waits for the window of its address", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await hold(customer);
    const charge = app.gateway.script("slow");
    const paying = pay(customer, bookingId);
    await charge.arrived;
    await app.sql.query("begin; select from rate_limit for update");
    try {
      await charge.release();
      expect(await paying).toMatchObject({ status: "Confirmed" });
    } finally {
      await app.sql.query("commit");
    }
  });

  test("spoil no payment: it is answered as it went, also when its count cannot be corrected", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await hold(customer);
    const charge = gateway.script("slow");
    const paying = pay(customer, bookingId);
    await charge.arrived;
    await app.sql.query("alter table rate_limit rename to gone");
    try {
      await charge.release();
      expect(await paying).toMatchObject({ status: "Confirmed" });
      await app.shareCounts();
    } finally {
      await app.sql.query("alter table gone rename to rate_limit");
    }
    expect(app.logger.lines).toContainEqual(
      expect.objectContaining({ level: "warn", msg: expect.stringContaining("stay counted") as string }),
    );
  });
});

async function pointsOf(keys: string): Promise<unknown[]> {
  await app.shareCounts();
  const rows = await app.sql.query("select points from rate_limit where key like $1 order by points", [
    `${keys}:%`,
  ]);
  return rows.map(({ points }) => points);
}
