import { insertAccount, insertStaff } from "@skyfox/db";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, testAnswer, testPassword, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { refusalOf } from "../../test/together.ts";
import { updateStaff } from "../staff/update-staff.ts";
import type { LogInOutput } from "../contract/index.ts";
import { changePassword } from "./change-password.ts";
import { logIn as logInByVerb } from "./log-in.ts";
import { createPasswordHasher } from "./passwords.ts";
import { resetPassword, verifySecurityAnswer } from "./recover-account.ts";
import { updateProfile } from "./update-profile.ts";

const app = await createTestApp();

const logIn = (username: unknown, password: unknown = testPassword) =>
  mutate<LogInOutput>(app, "auth.login", { username, password });

describe("a login", () => {
  test.each(["customer", "staff", "admin"] as const)("of a %s opens a session of 24 hours", async (role) => {
    const { username } =
      role === "customer" ? await givenCustomer(app.deps) : await givenStaff(app.deps, role);
    app.clock.advance(123);
    const now = app.clock.now();
    const { status, data } = await logIn(username);
    expect(status).toBe(200);
    expect(data?.user).toEqual({ username, role, name: expect.any(String) as string });

    const issued = Math.floor(now.getTime() / 1_000);
    expect(data?.expiresAt).toEqual(new Date((issued + 86_400) * 1_000));
    expect(decodeProtectedHeader(data!.token)).toEqual({ alg: "HS256", kid: "default", typ: "JWT" });
    const { sid, ...claims } = decodeJwt(data!.token);
    expect(claims).toEqual({
      iss: "skyfox",
      aud: "skyfox-api",
      sub: username,
      role,
      iat: issued,
      exp: issued + 86_400,
    });
    const sessions = await app.sql.query(
      "select username, created_at, expires_at, ended_at from session where id = $1",
      [sid],
    );
    expect(sessions).toEqual([{ username, created_at: now, expires_at: data?.expiresAt, ended_at: null }]);
  });

  test("opens a session of its own each time", async () => {
    const { username } = await givenCustomer(app.deps);
    const answers = await Promise.all(Array.from({ length: 5 }, () => logIn(username)));
    expect(new Set(answers.map(({ data }) => decodeJwt(data!.token)["sid"])).size).toBe(5);
  });

  test("is refused alike for a wrong password, an unknown user and a deleted one", async () => {
    const { username } = await givenCustomer(app.deps);
    const gone = await givenStaff(app.deps, "staff");
    await app.sql.query("delete from usertable where username = $1", [gone.username]);
    const answers = await Promise.all([
      logIn(username, "wrong"),
      logIn("nobody-at-all", testPassword),
      logIn(gone.username),
      logIn(username, `${testPassword} `),
      logIn(username, testPassword.toUpperCase()),
    ]);
    const compared = answers.map(({ status, error }) => ({
      status,
      error: { ...error, data: { ...error?.data, requestId: "" } },
    }));
    for (const one of compared) expect(one).toEqual(compared[0]);
    expect(compared[0]).toMatchObject({
      status: 401,
      error: { data: { domain: { code: "INVALID_CREDENTIALS", details: null }, fields: null } },
    });
  });

  test("takes any text of 1 to 128 characters", async () => {
    const wide = "\u{10428}";
    for (const text of ["x", "x".repeat(128), wide.repeat(128), " ", "' or 1=1 --", "%", "\u202e"]) {
      expect((await logIn(text, text)).error?.data.domain?.code).toBe("INVALID_CREDENTIALS");
    }
    for (const text of ["", "x".repeat(129), wide.repeat(129), null, 1, true, ["x"], { x: 1 }]) {
      const { status, error } = await logIn(text, text);
      expect(status).toBe(400);
      expect(error?.data.fields?.map(({ field }) => field)).toEqual(["username", "password"]);
    }
  });
});

describe("a username", () => {
  const passwordHash = createPasswordHasher().hash(testPassword);
  const otherPassword = "Another-Horse-8";
  const otherHash = createPasswordHasher().hash(otherPassword);

  /** Staff of an older database, whose names may have capitals. */
  async function givenOldName(username: string, hash = passwordHash) {
    const account = {
      username,
      passwordHash: await hash,
      role: "staff" as const,
      createdAt: app.clock.now(),
    };
    await app.deps.db.transaction().execute(async (tx) => {
      await insertAccount(tx, account);
      await insertStaff(tx, { username, name: "Old Name", counterNo: null });
    });
  }

  const outcomeOf = async (username: string, password = testPassword) => {
    const { data, error } = await logIn(username, password);
    return data?.user.username ?? error?.data.domain?.code;
  };

  test("is trimmed and folded", async () => {
    const { username } = await givenCustomer(app.deps);
    for (const typed of [
      username.toUpperCase(),
      ` ${username}`,
      `${username}\n`,
      `\t${username.toUpperCase()} `,
    ])
      expect(await outcomeOf(typed)).toBe(username);
  });

  test("of an older database is found in any case, and everything after keeps its spelling", async () => {
    await givenOldName("Old.Spelling");
    for (const typed of ["Old.Spelling", "old.spelling", " OLD.SPELLING "])
      expect(await outcomeOf(typed)).toBe("Old.Spelling");
    const rows = await app.sql.query(
      "select distinct subject from audit_entry where lower(subject) = 'old.spelling'",
    );
    expect(rows).toEqual([{ subject: "Old.Spelling" }]);
    const token = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));
    const changed = await mutate(
      app,
      "admin.updateStaff",
      { username: " old.SPELLING", counterNo: 7 },
      { token },
    );
    expect(changed.data).toMatchObject({ username: "Old.Spelling", counterNo: 7 });
    const unlocked = await mutate(app, "admin.unlockAccount", { username: "OLD.spelling" }, { token });
    expect(unlocked.data).toEqual({ username: "Old.Spelling", cleared: 0 });
  });

  test("that differs from another by its case only is that of the one that is spelled so", async () => {
    await givenOldName("Twin.Name");
    await givenOldName("twin.name", otherHash);
    expect(await outcomeOf("Twin.Name")).toBe("Twin.Name");
    expect(await outcomeOf("twin.name")).toBe("INVALID_CREDENTIALS");
    expect(await outcomeOf("twin.name", otherPassword)).toBe("twin.name");
    expect(await outcomeOf("TWIN.name")).toBe("INVALID_CREDENTIALS");
    expect(await outcomeOf("TWIN.name", otherPassword)).toBe("INVALID_CREDENTIALS");
  });

  test("that differs from another by its case only has guesses of its own", async () => {
    await givenOldName("Other.Twin");
    await givenOldName("other.twin", otherHash);
    for (let number = 0; number < 10; number += 1)
      expect(await outcomeOf("Other.Twin", "wrong")).toBe("INVALID_CREDENTIALS");
    expect(await outcomeOf("Other.Twin")).toBe("RATE_LIMITED");
    expect(await outcomeOf("other.twin", otherPassword)).toBe("other.twin");
    // And what the one's owner does forgives nothing of the other's.
    expect(await outcomeOf("Other.Twin")).toBe("RATE_LIMITED");
  });

  test("in whatever case has ten guesses, whether there is an account or not", async () => {
    await givenOldName("Guessed.Name");
    for (const name of ["Guessed.Name", "Not.A.Name"]) {
      const typed = [name, name.toLowerCase(), name.toUpperCase(), ` ${name}`, `${name} `];
      for (let number = 0; number < 10; number += 1)
        expect(await outcomeOf(typed[number % typed.length]!, "wrong")).toBe("INVALID_CREDENTIALS");
      for (const one of typed) expect(await outcomeOf(one)).toBe("RATE_LIMITED");
    }
  });
});

describe("a password", () => {
  const [composed, apart] = ["Z\u00fcrich-H\u00f4rse-9", "Zu\u0308rich-Ho\u0302rse-9"];

  async function givenHash(password: string) {
    const { username } = await givenCustomer(app.deps);
    const hash = await createPasswordHasher().hash(password);
    await app.sql.query("update usertable set password = $2 where username = $1", [username, hash]);
    await app.sql.query("update password_history set previous_password_1 = $2 where username = $1", [
      username,
      hash,
    ]);
    const kept = async () => {
      const [row] = await app.sql.query(
        "select u.password, h.previous_password_1 as history from usertable u join password_history h using (username) where username = $1",
        [username],
      );
      expect(row?.["history"]).toBe(row?.["password"]);
      return row?.["password"] as string;
    };
    return { username, hash, kept };
  }

  test("is the same however its letters are typed", async () => {
    const { username, hash, kept } = await givenHash(composed);
    expect((await logIn(username, apart)).status).toBe(200);
    expect((await logIn(username, composed)).status).toBe(200);
    expect(await kept()).toBe(hash);
  });

  test("that was hashed as it was typed is right when typed so, and is hashed anew", async () => {
    const { username, kept } = await givenHash(apart);
    expect((await logIn(username, composed)).status).toBe(401);
    expect((await logIn(username, apart)).status).toBe(200);
    expect(await createPasswordHasher().fits(await kept(), composed)).toBe(true);
    expect((await logIn(username, composed)).status).toBe(200);
  });

  test("that was hashed as it was typed is right in all of several logins at once", async () => {
    const { username } = await givenHash(apart);
    const answers = await Promise.all(Array.from({ length: 8 }, () => logIn(username, apart)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  test("costs an unknown user as many checks as a known one", async () => {
    const { username } = await givenCustomer(app.deps);
    const countChecks = async (name: string, password: string) => {
      let checks = 0;
      const passwords = { ...app.deps.passwords };
      const deps = {
        ...app.deps,
        passwords: {
          ...passwords,
          fits: (stored: string | undefined, secret: string) => {
            checks += 1;
            return passwords.fits(stored, secret);
          },
        },
      };
      await refusalOf(
        logInByVerb(deps, { address: "198.51.100.1", requestId: "r" }, { username: name, password }),
      );
      return checks;
    };
    for (const [password, checks] of [
      ["wrong", 1],
      [composed, 1],
      [apart, 2],
    ] as const) {
      expect(await countChecks(username, password)).toBe(checks);
      expect(await countChecks("nobody-at-all", password)).toBe(checks);
    }
  });

  test("may have 128 characters, however many marks it is typed with", async () => {
    const long = `Aa!${"\u00e9".repeat(125)}`;
    const { username } = await givenHash(long);
    expect((await logIn(username, long.normalize("NFD"))).status).toBe(200);
    expect((await logIn(username, `${long}e`)).status).toBe(400);
  });
});

describe("the notices of a login", () => {
  const caller = { address: "198.51.100.1", requestId: "of-the-tests" };
  const newPassword = "Another-Horse-8";
  const email = (username: string) => `${username}@example.com`;
  const guessAnswer = (username: string) =>
    mutate(app, "auth.verifySecurityAnswer", { email: email(username), securityAnswer: "wrong" });
  const noticesOf = async (username: string, password = testPassword) =>
    (await logIn(username, password)).data?.notices;
  const at = () => {
    app.clock.advance(1_000);
    return app.clock.now();
  };

  test("are none at first, and what happened since the last one, newest first and once", async () => {
    const user = await givenCustomer(app.deps);
    const { username } = user;
    const first = at();
    await guessAnswer(username);
    expect(await noticesOf(username)).toEqual([{ kind: "failed-recovery", at: first }]);
    expect(await noticesOf(username)).toEqual([]);

    const second = at();
    await guessAnswer(username);
    const third = at();
    await changePassword(app.deps, user, { currentPassword: testPassword, newPassword });
    expect(await noticesOf(username, newPassword)).toEqual([
      { kind: "password-changed", at: third },
      { kind: "failed-recovery", at: second },
    ]);
    expect(await noticesOf(username, newPassword)).toEqual([]);
  });

  test("tell of a reset and of a password that an admin set, but of no other change", async () => {
    const { username } = await givenCustomer(app.deps);
    const answer = { email: email(username), securityAnswer: testAnswer };
    const { resetToken } = await verifySecurityAnswer(app.deps, caller, answer);
    const reset = at();
    await resetPassword(app.deps, caller, { email: email(username), resetToken, newPassword });
    expect(await noticesOf(username, newPassword)).toEqual([{ kind: "password-changed", at: reset }]);

    const [admin, staff] = [await givenStaff(app.deps, "admin"), await givenStaff(app.deps, "staff")];
    await updateStaff(app.deps, admin, { username: staff.username, counterNo: 77 });
    const changed = at();
    await updateStaff(app.deps, admin, { username: staff.username, counterNo: 78, password: newPassword });
    at();
    await updateStaff(app.deps, admin, { username: staff.username, disabled: false });
    expect(await noticesOf(staff.username, newPassword)).toEqual([{ kind: "password-changed", at: changed }]);
  });

  test("tell of the locks of login and recovery, but not of one's own wrong answers or of failed logins", async () => {
    const user = await givenCustomer(app.deps);
    const { username } = user;
    const details = { name: "Customer Lee", email: email(username), phoneNumber: "6200000001" };
    await refusalOf(updateProfile(app.deps, user, { ...details, securityAnswer: "wrong" }));
    const times = [];
    for (let number = 0; number < 4; number += 1) {
      times.push(at());
      await guessAnswer(username);
    }
    at();
    for (let number = 0; number < 9; number += 1) await logIn(username, "wrong");
    const locked = at();
    await logIn(username, "wrong");
    await logIn(username, "wrong");
    await app.sql.query("update rate_limit set expire = 1 where key like 'wrongPasswords:%'");
    expect(await noticesOf(username)).toEqual([
      { kind: "locked", at: locked },
      { kind: "locked", at: times[3] },
      ...times
        .slice(0, 3)
        .toReversed()
        .map((time) => ({ kind: "failed-recovery", at: time })),
    ]);
  });

  test("are the account's own, and the newest twenty", async () => {
    const [user, other] = [await givenCustomer(app.deps), await givenCustomer(app.deps)];
    const record = (subject: string, number: number) =>
      app.sql.query(
        "insert into audit_entry (at, action, subject, address, request_id) values ($1, 'security-answer-failed', $2, 'a', 'r')",
        [new Date(testStart.getTime() + number), subject],
      );
    for (let number = 0; number < 25; number += 1) await record(user.username, number);
    await record(other.username, 99);
    const notices = await noticesOf(user.username);
    expect(notices?.map((notice) => notice.at.getTime() - testStart.getTime())).toEqual(
      Array.from({ length: 20 }, (_, index) => 24 - index),
    );
  });
});

describe("a stored hash that is not one of ours", () => {
  const salt = "c29tZXNhbHRzb21lc2FsdA";
  const digest = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

  test.each([
    ["empty", ""],
    ["not a hash", "NaN"],
    ["the password itself", testPassword],
    ["cut off", "$argon2id$v=19$m=19456,t=2,p=1$"],
    ["without a digest", `$argon2id$v=19$m=19456,t=2,p=1$${salt}`],
    ["with words for numbers", `$argon2id$v=19$m=NaN,t=NaN,p=NaN$${salt}$${digest}`],
    ["with zeros", `$argon2id$v=19$m=0,t=0,p=0$${salt}$${digest}`],
    ["with more memory than there is", `$argon2id$v=19$m=4294967295,t=2,p=1$${salt}$${digest}`],
    ["with a gigabyte of memory", `$argon2id$v=19$m=1048576,t=2,p=1$${salt}$${digest}`],
    ["with a thousand passes", `$argon2id$v=19$m=19456,t=1000,p=1$${salt}$${digest}`],
    ["of an unknown kind", `$unknown$v=19$m=19456,t=2,p=1$${salt}$${digest}`],
  ])("(%s) fits nothing, at once, and is no fault of ours", async (_, hash) => {
    const { username } = await givenCustomer(app.deps);
    await app.sql.query("update usertable set password = $2 where username = $1", [username, hash]);
    const startedAt = performance.now();
    const { status, error } = await logIn(username);
    expect(status).toBe(401);
    expect(error?.data.domain?.code).toBe("INVALID_CREDENTIALS");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

test("no session is opened by a login that fails", async () => {
  const { username } = await givenCustomer(app.deps);
  await logIn(username, "wrong");
  const rows = await app.sql.query("select count(*) from session where username = $1", [username]);
  // The one that the person was given.
  expect(rows).toEqual([{ count: 1 }]);
});

test("every secret is hashed with a salt of its own", async () => {
  expect(await createPasswordHasher().hash("same")).not.toBe(await createPasswordHasher().hash("same"));
});
