import { createHash } from "node:crypto";
import { getServerSecret, insertAccount, insertStaff } from "@skyfox/db";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, testAnswer, testPassword, tokenOf } from "../../test/given.ts";
import { mutate, type Answer } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { updateStaff } from "../staff/update-staff.ts";
import type { LogInOutput, UnlockAccountOutput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { readDeviceToken, signDeviceToken } from "./device-tokens.ts";
import { changePassword } from "./change-password.ts";
import { resetPassword, verifySecurityAnswer } from "./recover-account.ts";

const app = await createTestApp({ addressLimitFactor: 1, trustedProxies: 1 });
const { deps } = app;
const key = await getServerSecret(deps.db, "device tokens");
const yearMs = 365 * 24 * 3_600_000;
beforeEach(async () => {
  app.clock.set(testStart);
  await app.forgetCounts();
});

const home = "198.51.100.1";
const address = (number: number) => `203.0.113.${number}`;
const emailOf = ({ username }: User) => `${username}@example.com`;

interface Try {
  from?: string;
  password?: string;
  deviceToken?: unknown;
}

function logIn(username: string, { from = home, password = testPassword, ...rest }: Try = {}) {
  const headers = { "x-forwarded-for": from };
  return mutate<LogInOutput>(app, "auth.login", { username, password, ...rest }, { headers });
}

function outcomeOf({ data, error }: Answer<LogInOutput>): string {
  return data === undefined ? (error?.data.domain?.code ?? "none") : "let in";
}

const tryToLogIn = async (username: string, call: Try = {}) => outcomeOf(await logIn(username, call));

async function guess(username: string, times: number, call: Try = {}): Promise<string[]> {
  const outcomes: string[] = [];
  while (outcomes.length < times)
    outcomes.push(await tryToLogIn(username, { from: address(1), password: "wrong", ...call }));
  return outcomes;
}

async function givenDevice(username: string): Promise<string> {
  const { data } = await logIn(username);
  return data!.deviceToken;
}

const deviceOf = (token: string) => readDeviceToken(key, token, deps.clock.now());

describe("the right password from a known device works", () => {
  test("during thirty calls from one address against each of the staff, and a customer", async () => {
    const people: [string, string][] = [];
    for (const role of ["customer", "staff", "admin"] as const) {
      const { username } = await (role === "customer" ? givenCustomer(deps) : givenStaff(deps, role));
      people.push([username, await givenDevice(username)]);
    }
    for (const [username] of people) {
      const outcomes = await guess(username, 30);
      expect(outcomes.filter((one) => one === "INVALID_CREDENTIALS")).toHaveLength(10);
    }
    for (const [username, deviceToken] of people) {
      expect(await tryToLogIn(username)).toBe("RATE_LIMITED");
      expect(await tryToLogIn(username, { deviceToken })).toBe("let in");
      expect(await tryToLogIn(username, { deviceToken, from: address(1) })).toBe("let in");
    }
  });
});

describe("a known device", () => {
  test("is the same one at each login, with a token that is good for a year from then", async () => {
    const { username } = await givenCustomer(deps);
    const first = await givenDevice(username);
    const { device } = deviceOf(first)!;
    app.clock.advance(yearMs - 1);
    const { data } = await logIn(username, { deviceToken: first });
    expect(deviceOf(data!.deviceToken)).toEqual({
      device,
      username,
      issuedAt: app.clock.now().getTime(),
    });
    app.clock.advance(1);
    expect(deviceOf(first)).toBeUndefined();
    const later = await logIn(username, { deviceToken: first });
    expect(deviceOf(later.data!.deviceToken)?.device).not.toBe(device);
    expect(deviceOf(data!.deviceToken)?.device).toBe(device);
  });

  test("has ten guesses of its own: they count for no other device and no stranger, nor at its address", async () => {
    const { username } = await givenStaff(deps, "staff");
    const [deviceToken, other] = [await givenDevice(username), await givenDevice(username)];
    const outcomes = await guess(username, 11, { deviceToken });
    expect(outcomes).toEqual([...Array<string>(10).fill("INVALID_CREDENTIALS"), "RATE_LIMITED"]);
    expect(await tryToLogIn(username, { deviceToken, from: address(2) })).toBe("RATE_LIMITED");
    expect(await tryToLogIn(username, { deviceToken: other, from: address(1) })).toBe("let in");
    expect(await tryToLogIn(username, { from: address(1) })).toBe("let in");
    const rows = await app.sql.query(
      "select split_part(key, ':', 1) as limit, split_part(key, ':', 2) as kind, points from rate_limit where points > 0",
    );
    expect(rows).toHaveLength(2);
    expect(rows).toEqual(
      expect.arrayContaining([
        { limit: "wrongPasswordsOfDevices", kind: "device", points: 10 },
        { limit: "wrongPasswordsOfDevices", kind: "account", points: 10 },
      ]),
    );
  });

  test("guesses no more than others do where there are a hundred of them", async () => {
    const count = (device: number) =>
      refusalOf(
        deps.limits.count("wrongPasswordsOfDevices", {
          account: "of-many",
          device: String(device),
          address: home,
        }),
      );
    for (let number = 0; number < 100; number += 1) expect(await count(number % 20)).toBe("accepted");
    expect(await count(0)).toBe("RATE_LIMITED");
    expect(await count(21)).toBe("RATE_LIMITED");
  });
});

describe("a token that makes no device known", () => {
  const changeLastBit = (token: string) => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(token.at(-1)!);
    return token.slice(0, -1) + alphabet[last ^ 1]!;
  };

  test("is ignored: strangers' guesses count, and the login gives a new one", async () => {
    const [user, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const { username } = user;
    const given = await givenDevice(username);
    const { device } = deviceOf(given)!;
    const [payload = "", signature = ""] = given.split(".");
    const issuedAt = app.clock.now().getTime();
    const forged = Buffer.from(JSON.stringify({ device, username: other.username, issuedAt }));
    const otherKey = createHash("sha256").update("another key").digest();
    const tokens = [
      "",
      ".",
      "x".repeat(500),
      "\u202e.\u202e",
      payload,
      `${given}.`,
      `${given}=`,
      ` ${given}`,
      `${given}.${signature}`,
      `${payload}.`,
      changeLastBit(given),
      `${payload.slice(0, -1)}A.${signature}`,
      `${forged.toString("base64url")}.${signature}`,
      signDeviceToken(otherKey, { device, username, issuedAt }),
      signDeviceToken(key, { device, username, issuedAt: issuedAt - yearMs }),
      signDeviceToken(key, { device: "short", username, issuedAt }),
      await givenDevice(other.username),
      await tokenOf(deps, user),
      await deps.tickets.sign({ bookingId: 1, showId: 1, seatNumbers: ["A1"] }),
    ];
    for (const deviceToken of tokens) {
      const { data } = await logIn(username, { deviceToken });
      const now = deviceOf(data!.deviceToken);
      expect([deviceToken, now?.username, now?.device === device]).toEqual([deviceToken, username, false]);
    }
    await guess(username, 10);
    for (const deviceToken of tokens) {
      expect([deviceToken, await tryToLogIn(username, { deviceToken })]).toEqual([
        deviceToken,
        "RATE_LIMITED",
      ]);
    }
    expect(await tryToLogIn(username, { deviceToken: given })).toBe("let in");
    expect((await logIn(username, { deviceToken: "x".repeat(501) })).status).toBe(400);
    expect((await logIn(username, { deviceToken: 1 })).status).toBe(400);
  });

  test("is no session's token, and one of an account that was deleted is not one of the next with its name", async () => {
    const username = "comes-again";
    const passwordHash = await deps.passwords.hash(testPassword);
    const employ = () =>
      deps.db.transaction().execute(async (tx) => {
        const createdAt = deps.clock.now();
        await insertAccount(tx, { username, passwordHash, role: "staff", createdAt });
        await insertStaff(tx, { username, name: "Comes Again", counterNo: null });
      });
    await employ();
    const deviceToken = await givenDevice(username);
    const me = await mutate(app, "auth.logout", {}, { token: deviceToken });
    expect(me.error?.data.domain?.code).toBe("INVALID_TOKEN");
    await app.sql.query("delete from usertable where username = $1", [username]);
    app.clock.advance(1);
    await employ();
    await guess(username, 10);
    expect(await tryToLogIn(username, { deviceToken })).toBe("RATE_LIMITED");
  });
});

describe("a change of the password by a person who is signed in", () => {
  const change = (user: User, currentPassword: string, newPassword = "Another-Horse-8") =>
    refusalOf(changePassword(deps, user, { currentPassword, newPassword }));

  test("is refused by no failed login of others, and after ten wrong passwords of one's own", async () => {
    const user = await givenStaff(deps, "staff");
    await guess(user.username, 30);
    expect(await tryToLogIn(user.username)).toBe("RATE_LIMITED");
    for (let number = 0; number < 10; number += 1)
      expect(await change(user, "wrong")).toBe("INCORRECT_PASSWORD");
    expect(await change(user, testPassword)).toBe("RATE_LIMITED");
    const other = { ...(await givenStaff(deps, "staff")), address: user.address };
    expect(await change(other, testPassword)).toBe("accepted");
    await app.sql.query("update rate_limit set expire = 1 where key like 'wrongCurrentPasswords:%'");
    expect(await change(user, testPassword)).toBe("accepted");
  });

  test("is refused where a hundred wrong passwords came from its address", async () => {
    const count = (account: number) =>
      refusalOf(
        deps.limits.count("wrongCurrentPasswords", { account: String(account), address: address(1) }),
      );
    for (let number = 0; number < 100; number += 1) expect(await count(number)).toBe("accepted");
    expect(await count(101)).toBe("RATE_LIMITED");
  });
});

describe("what was counted on an account is forgotten", () => {
  async function lock(user: User, deviceToken: string): Promise<void> {
    await guess(user.username, 10);
    await guess(user.username, 4, { deviceToken });
    await refusalOf(changePassword(deps, user, { currentPassword: "wrong", newPassword: "Another-Horse-8" }));
  }

  const liveKeys = async () =>
    (
      await app.sql.query(
        "select key from rate_limit where points > 0 and split_part(key, ':', 2) <> 'address'",
      )
    ).length;

  const unlock = async (username: string) => {
    const token = await tokenOf(deps, await givenStaff(deps, "admin"));
    return await mutate<UnlockAccountOutput>(app, "admin.unlockAccount", { username }, { token });
  };

  test("by an admin: passwords, answers and devices, each guess once, and it is in the audit", async () => {
    const [user, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const deviceToken = await givenDevice(user.username);
    await lock(user, deviceToken);
    await guess(other.username, 3);
    for (let number = 0; number < 3; number += 1) {
      const email = emailOf(user);
      await refusalOf(verifySecurityAnswer(deps, user, { email, securityAnswer: "wrong" }));
    }
    expect(await tryToLogIn(user.username)).toBe("RATE_LIMITED");
    expect(await liveKeys()).toBe(7);
    const { data } = await unlock(` ${user.username.toUpperCase()} `);
    // Ten of strangers, four of a device, a wrong current password and three answers.
    expect(data).toEqual({ username: user.username, cleared: 18 });
    expect(await liveKeys()).toBe(1);
    expect(await tryToLogIn(user.username)).toBe("let in");
    const rows = await app.sql.query(
      "select actor, details from audit_entry where subject = $1 and action = 'account-unlocked'",
      [user.username],
    );
    expect(rows).toEqual([{ actor: expect.stringMatching(/^admin-/) as string, details: { cleared: 18 } }]);
    expect((await unlock(user.username)).data).toEqual({ username: user.username, cleared: 0 });
  });

  test("by an admin also where no account has the name, which stays out of the audit", async () => {
    await guess("Not-A-Name", 4);
    expect((await unlock("not-a-NAME")).data).toEqual({ username: "not-a-name", cleared: 4 });
    expect((await unlock("nobody-at-all")).data).toEqual({ username: "nobody-at-all", cleared: 0 });
    const rows = await app.sql.query("select 1 from audit_entry a where a.*::text ilike '%not-a-name%'");
    expect(rows).toEqual([]);
    expect((await unlock("")).status).toBe(400);
  });

  test("by an admin, but not what had ended already", async () => {
    const { username } = await givenCustomer(deps);
    await guess(username, 4);
    await app.sql.query("update rate_limit set expire = 1");
    expect((await unlock(username)).data).toEqual({ username, cleared: 0 });
  });

  const newPassword = "Another-Horse-8";
  test.each<[string, (user: User) => Promise<unknown>]>([
    [
      "one's own change",
      (user) => changePassword(deps, user, { currentPassword: testPassword, newPassword }),
    ],
    [
      "recovery",
      async (user) => {
        const email = emailOf(user);
        const { resetToken } = await verifySecurityAnswer(deps, user, { email, securityAnswer: testAnswer });
        await resetPassword(deps, user, { email, resetToken, newPassword });
      },
    ],
    [
      "an admin",
      async ({ username }) =>
        updateStaff(deps, await givenStaff(deps, "admin"), { username, password: newPassword }),
    ],
  ])("by a new password through %s", async (how, change) => {
    const user = await (how === "an admin" ? givenStaff(deps, "staff") : givenCustomer(deps));
    await lock(user, await givenDevice(user.username));
    expect(await tryToLogIn(user.username)).toBe("RATE_LIMITED");
    await change(user);
    expect(await liveKeys()).toBe(0);
    expect(await tryToLogIn(user.username, { password: newPassword })).toBe("let in");
  });

  test("by no other change of an admin, and by no password that is refused", async () => {
    const [admin, { username }] = [await givenStaff(deps, "admin"), await givenStaff(deps, "staff")];
    await guess(username, 10);
    await updateStaff(deps, admin, { username, counterNo: 9 });
    await refusalOf(updateStaff(deps, admin, { username, password: testPassword }));
    expect(await tryToLogIn(username)).toBe("RATE_LIMITED");
  });
});
