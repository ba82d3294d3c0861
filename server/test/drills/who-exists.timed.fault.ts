import { expect, test } from "vitest";
import { givenCustomers, givenStaff, testAnswer, testPassword } from "../given.ts";
import { mutate, query, type Answer } from "../rpc-call.ts";
import { createTestApp } from "../test-app.ts";

const app = await createTestApp({ hashesAsInProduction: true });
const tries = 200;
const warmUps = 10;

// No account is tried twice in one drill, so that no limit of an account plays a part.
const customers = await givenCustomers(app.deps, tries + warmUps);
const disabled = await Promise.all(
  Array.from({ length: tries + warmUps }, () => givenStaff(app.deps, "staff")),
);
await app.sql.query("update usertable set disabled_at = now() where role = 'staff'");

const nobody = (number: number) => `nobody-${number}`;
const customer = (number: number) => customers[number]?.username ?? "";
const emailOf = (username: string) => `${username}@example.com`;
const logIn = (username: string, password: string) => mutate(app, "auth.login", { username, password });
const resetToken = "A".repeat(43);

interface Drill {
  known(number: number): Promise<Answer<unknown>>;
  unknown(number: number): Promise<Answer<unknown>>;
}

const drills: Record<string, Drill> = {
  "login with a wrong password": {
    known: (number) => logIn(customer(number), "wrong"),
    unknown: (number) => logIn(nobody(number), "wrong"),
  },
  "login with a wrong password whose letters are typed apart": {
    known: (number) => logIn(customer(number), "wro\u0308ng"),
    unknown: (number) => logIn(nobody(number), "wro\u0308ng"),
  },
  "login of a disabled account, with the right password": {
    known: (number) => logIn(disabled[number]?.username ?? "", testPassword),
    unknown: (number) => logIn(nobody(number), testPassword),
  },
  "the security question": bothBy((email) => query(app, "auth.securityQuestion", { email })),
  "a wrong security answer": bothBy((email) =>
    mutate(app, "auth.verifySecurityAnswer", { email, securityAnswer: `not ${testAnswer}` }),
  ),
  "a wrong reset token": bothBy((email) =>
    mutate(app, "auth.resetPassword", { email, resetToken, newPassword: "Another-Horse-8" }),
  ),
};

function bothBy(ask: (email: string) => Promise<Answer<unknown>>): Drill {
  return {
    known: (number) => ask(emailOf(customer(number))),
    unknown: (number) => ask(emailOf(nobody(number))),
  };
}

test.each(Object.entries(drills))(
  "S4: %s does not reveal who exists",
  { timeout: 120_000 },
  async (name, drill) => {
    await app.forgetCounts();
    const times = { known: [] as number[], unknown: [] as number[] };
    const told = { known: new Set<string>(), unknown: new Set<string>() };
    for (let number = 0; number < tries + warmUps; number += 1) {
      // In turns first, so that neither has the better place.
      const order = number % 2 === 0 ? (["known", "unknown"] as const) : (["unknown", "known"] as const);
      for (const kind of order) {
        const startedAt = performance.now();
        const answer = await drill[kind](number);
        const ms = performance.now() - startedAt;
        told[kind].add(whatIsTold(answer));
        if (number >= warmUps) times[kind].push(ms);
      }
    }
    const [known, unknown] = [medianOf(times.known), medianOf(times.unknown)];
    console.log(
      `S4: ${name}: medians of ${tries} tries ${known.toFixed(2)} ms known, ${unknown.toFixed(2)} ms unknown, ` +
        `gap ${(known - unknown).toFixed(2)} ms.`,
    );
    expect([...told.known]).toHaveLength(1);
    expect(told.known).toEqual(told.unknown);
    expect(Math.abs(known - unknown)).toBeLessThan(5);
  },
);

/** Status, headers and body, without what differs from call to call; which question it is may differ too. */
function whatIsTold({ status, headers, text, error }: Answer<unknown>): string {
  const body = text
    .replace(error?.data.requestId ?? "", "")
    .replace(/"questionId":\d+,"question":"[^"]+"/, '"questionId":0,"question":""');
  const plain = [...headers].filter(([header]) => header !== "x-request-id" && header !== "content-length");
  return JSON.stringify([status, plain, body]);
}

function medianOf(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
