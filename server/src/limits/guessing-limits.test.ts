import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, testAnswer, testPassword } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { logIn } from "../auth/log-in.ts";
import { checkSecurityAnswer } from "../auth/security-answers.ts";

const app = await createTestApp({ addressLimitFactor: 1, trustedProxies: 1 });
const { deps } = app;
beforeEach(() => app.sql.query("truncate rate_limit"));

const from = (address: string) => ({ address, requestId: "of-the-tests" });
const address = (number: number) => `203.0.113.${number}`;

describe("guessing passwords", () => {
  test("of one account, from a hundred addresses at once, is bounded by ten", async () => {
    const { username } = await givenCustomer(deps);
    const tries = Array.from(
      { length: 100 },
      (_, number) => () => logIn(deps, from(address(number)), { username, password: `wrong ${number}` }),
    );
    const { lost } = outcomesOf(await together(tries));
    expect(lost.filter((code) => code === "INVALID_CREDENTIALS").length).toBeLessThanOrEqual(10);
    expect(new Set(lost)).toEqual(new Set(["INVALID_CREDENTIALS", "RATE_LIMITED"]));
    // The right password is no way around, and a refused try counts nothing.
    const right = { username, password: testPassword };
    expect(await refusalOf(logIn(deps, from("198.51.100.1"), right))).toBe("RATE_LIMITED");
    const rows = await app.sql.query("select max(points) as points from rate_limit");
    expect(rows).toEqual([{ points: 10 }]);
  });

  test("of many accounts from one address is bounded by a hundred", async () => {
    const codes: unknown[] = [];
    for (let number = 0; number < 105; number += 1) {
      const username = `nobody-${number}`;
      codes.push(await refusalOf(logIn(deps, from("198.51.100.2"), { username, password: "x" })));
    }
    expect(codes.filter((code) => code === "INVALID_CREDENTIALS")).toHaveLength(100);
    expect(codes.slice(100)).toEqual(Array(5).fill("RATE_LIMITED"));
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
