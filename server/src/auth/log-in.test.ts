import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, testPassword } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import type { LogInOutput } from "../contract/index.ts";
import { createPasswordHasher } from "./passwords.ts";

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
      logIn(username.toUpperCase()),
      logIn(` ${username}`),
      logIn(username, `${testPassword} `),
      logIn(username, testPassword.toUpperCase()),
    ]);
    const told = answers.map(({ status, error }) => ({
      status,
      error: { ...error, data: { ...error?.data, requestId: "" } },
    }));
    for (const one of told) expect(one).toEqual(told[0]);
    expect(told[0]).toMatchObject({
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
