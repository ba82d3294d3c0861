import { decodeProtectedHeader, generateKeyPair, SignJWT, type JWTPayload } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, testPassword, tokenOf } from "../../test/given.ts";
import { headersFor, mutate, query, send } from "../../test/rpc-call.ts";
import { createTestApp, testJwtSecret, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import type { LogInOutput, MeOutput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { logOut as endSession } from "./log-out.ts";
import { createSessionTokens, type SessionSecret } from "./session-tokens.ts";

const app = await createTestApp();
const jwtSecretKey = testJwtSecret;
const dayMs = 86_400_000;
// After the test's start and before its sessions end, whatever moved the clock before.
beforeEach(() => app.clock.set(testStart));

const encode = (text: string) => new TextEncoder().encode(text);
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** What a token of this person says, as login writes it. */
function claimsOf(user: User): JWTPayload {
  const iat = Math.floor(app.clock.now().getTime() / 1_000);
  return {
    sid: user.sessionId,
    role: user.role,
    iss: "skyfox",
    aud: "skyfox-api",
    sub: user.username,
    iat,
    exp: iat + 86_400,
  };
}

async function sign(
  claims: JWTPayload,
  key: Parameters<SignJWT["sign"]>[0] = encode(jwtSecretKey),
  alg = "HS256",
) {
  return await new SignJWT(claims).setProtectedHeader({ alg, typ: "JWT" }).sign(key);
}

async function codeFor(authorization: string | undefined): Promise<string> {
  const headers = { ...headersFor(), ...(authorization !== undefined && { authorization }) };
  const { status, error, data } = await send(app, "/trpc/auth.me", { headers });
  if (data !== undefined) return "let in";
  expect(status).toBe(401);
  expect(error?.data.domain?.details).toBeNull();
  return error?.data.domain?.code ?? "";
}

const codeForToken = (token: string) => codeFor(`Bearer ${token}`);

/** Calls until the token is refused: what ends a session outside this server is heard of within a second. */
async function codeOnceRefused(token: string): Promise<string> {
  for (;;) {
    const code = await codeForToken(token);
    if (code !== "let in") return code;
    // A server that answers from memory hears of nothing until it waits for something.
    await app.sql.query("select 1");
  }
}

describe("a token", () => {
  test("as login gives it is let in", async () => {
    expect(await codeForToken(await sign(claimsOf(await givenCustomer(app.deps))))).toBe("let in");
  });

  test("that is missing is a MISSING_TOKEN", async () => {
    expect(await codeFor(undefined)).toBe("MISSING_TOKEN");
  });

  test.each(["none", "None", "NONE", "nOnE", "", "hs256", "HS1"])(
    "with the algorithm %j is refused",
    async (alg) => {
      const body = `${part({ alg, typ: "JWT" })}.${part(claimsOf(await givenCustomer(app.deps)))}`;
      const [, , signature] = (await sign(claimsOf(await givenCustomer(app.deps)))).split(".");
      expect(await codeForToken(`${body}.`)).toBe("INVALID_TOKEN");
      expect(await codeForToken(body)).toBe("INVALID_TOKEN");
      expect(await codeForToken(`${body}.${signature}`)).toBe("INVALID_TOKEN");
    },
  );

  test.each(["HS384", "HS512"])("signed with our key but %s is refused", async (alg) => {
    const token = await sign(claimsOf(await givenCustomer(app.deps)), encode(jwtSecretKey.repeat(2)), alg);
    expect(await codeForToken(token)).toBe("INVALID_TOKEN");
    expect(
      await codeForToken(await sign(claimsOf(await givenCustomer(app.deps)), encode(jwtSecretKey), alg)),
    ).toBe("INVALID_TOKEN");
  });

  test.each(["RS256", "ES256", "EdDSA"])("signed with a foreign %s key is refused", async (alg) => {
    const { privateKey } = await generateKeyPair(alg);
    expect(await codeForToken(await sign(claimsOf(await givenCustomer(app.deps)), privateKey, alg))).toBe(
      "INVALID_TOKEN",
    );
  });

  test.each([
    ["another key", "another secret, long enough for HS256"],
    ["an empty key", "\0"],
    ["our key in other letters", jwtSecretKey.toUpperCase()],
  ])("signed with %s is refused", async (_, key) => {
    expect(await codeForToken(await sign(claimsOf(await givenCustomer(app.deps)), encode(key)))).toBe(
      "INVALID_TOKEN",
    );
  });

  test.each<[string, JWTPayload]>([
    ["another issuer", { iss: "somebody" }],
    ["several issuers", { iss: ["skyfox"] as unknown as string }],
    ["another audience", { aud: "skyfox" }],
    ["a session id that is no id", { sid: "1" }],
    ["a session id in upper case", { sid: crypto.randomUUID().toUpperCase() }],
    ["a session id that is a pattern", { sid: "%" }],
    ["a list for a session id", { sid: [crypto.randomUUID()] }],
    ["an unknown role", { role: "owner" }],
    ["several roles", { role: ["admin"] }],
    ["an end that is text", { exp: "9999999999" as unknown as number }],
    ["an end that is no number", { exp: null as unknown as number }],
    ["a start in the future", { nbf: testStart.getTime() / 1_000 + 60 }],
  ])("with %s is refused", async (_, change) => {
    const code = await codeForToken(await sign({ ...claimsOf(await givenCustomer(app.deps)), ...change }));
    expect(code).toBe("INVALID_TOKEN");
  });

  test.each(["", "nobody", "%", 1 as unknown as string])(
    "of the name %j, who has no such session, is refused",
    async (sub) => {
      const claims = claimsOf(await givenCustomer(app.deps));
      expect(await codeForToken(await sign({ ...claims, sub }))).toBe("SESSION_ENDED");
    },
  );

  test.each(["iss", "aud", "sub", "sid", "role", "iat", "exp"])(
    "without the claim %s is refused",
    async (claim) => {
      const { [claim]: _, ...claims } = claimsOf(await givenCustomer(app.deps));
      expect(await codeForToken(await sign(claims))).toBe("INVALID_TOKEN");
    },
  );

  test("with a header that asks for more than we know is refused", async () => {
    const claims = claimsOf(await givenCustomer(app.deps));
    const header = part({ alg: "HS256", crit: ["exp"], exp: 1 });
    const [, , signature] = (await sign(claims)).split(".");
    expect(await codeForToken(`${header}.${part(claims)}.${signature}`)).toBe("INVALID_TOKEN");
  });

  test("of which a character was changed is refused, wherever it is", async () => {
    const token = await sign(claimsOf(await givenCustomer(app.deps)));
    for (const index of [0, 10, token.indexOf(".") + 5, Math.floor(token.length / 2), token.length - 5]) {
      const changed = `${token.slice(0, index)}${token[index] === "A" ? "B" : "A"}${token.slice(index + 1)}`;
      expect(await codeForToken(changed)).toBe("INVALID_TOKEN");
    }
  });

  test("of which only bits that mean nothing were changed is refused", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const parts = (await sign({ ...claimsOf(await givenCustomer(app.deps)), filling: "" })).split(".");
    const changed = parts.flatMap((text, index) => {
      const other = text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) ^ 1]!;
      const isSameBytes = Buffer.from(text, "base64url").equals(Buffer.from(other, "base64url"));
      return isSameBytes ? [parts.with(index, other).join(".")] : [];
    });
    // The signature's 32 bytes leave two bits at least.
    expect(changed.length).toBeGreaterThan(0);
    for (const token of changed) expect(await codeForToken(token)).toBe("INVALID_TOKEN");
    expect(await codeForToken(parts.join("."))).toBe("let in");
  });

  test("that says more than it was signed for is refused", async () => {
    const user = await givenCustomer(app.deps);
    const [header, , signature] = (await sign(claimsOf(user))).split(".");
    const forged = part({ ...claimsOf(user), role: "admin" });
    expect(await codeForToken(`${header}.${forged}.${signature}`)).toBe("INVALID_TOKEN");
  });

  test.each([
    ["no scheme", (token: string) => token],
    ["a scheme in lower case", (token: string) => `bearer ${token}`],
    ["another scheme", (token: string) => `Basic ${token}`],
    ["two spaces", (token: string) => `Bearer  ${token}`],
    ["a tab", (token: string) => `Bearer\t${token}`],
    ["nothing after the scheme", () => "Bearer"],
    ["an empty header", () => ""],
    ["two parts", (token: string) => `Bearer ${token.slice(0, token.lastIndexOf("."))}`],
    ["four parts", (token: string) => `Bearer ${token}.${token}`],
    ["padding", (token: string) => `Bearer ${token}=`],
    ["something behind it", (token: string) => `Bearer ${token} x`],
    ["dots alone", () => "Bearer .."],
    ["other characters", (token: string) => `Bearer ${token.replace(".", ":")}`],
  ])("sent with %s is refused", async (_, write) => {
    const token = await sign(claimsOf(await givenCustomer(app.deps)));
    expect(await codeFor(write(token))).toBe("INVALID_TOKEN");
  });

  test("beside another one is refused, also when both are good", async () => {
    const token = await sign(claimsOf(await givenCustomer(app.deps)));
    const headers = new Headers(headersFor({ token }));
    headers.append("authorization", `Bearer ${token}`);
    const { error } = await send(app, "/trpc/auth.me", { headers });
    expect(error?.data.domain?.code).toBe("INVALID_TOKEN");
  });

  test("of 100 KB is refused at once, also when we signed it", async () => {
    const startedAt = performance.now();
    expect(await codeForToken("x".repeat(100_000))).toBe("INVALID_TOKEN");
    expect(await codeForToken(`${"a".repeat(40_000)}.${"b".repeat(40_000)}.${"c".repeat(20_000)}`)).toBe(
      "INVALID_TOKEN",
    );
    expect(await codeForToken(".".repeat(100_000))).toBe("INVALID_TOKEN");
    const claims = { ...claimsOf(await givenCustomer(app.deps)), filling: "x".repeat(100_000) };
    expect(await codeForToken(await sign(claims))).toBe("INVALID_TOKEN");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("is looked at before the input is", async () => {
    const { status, error } = await send(app, "/trpc/booking.byId?input={not-json", {
      headers: headersFor(),
    });
    expect(status).toBe(401);
    expect(error?.data.domain?.code).toBe("MISSING_TOKEN");
    const headers = headersFor({ token: "no.token" });
    // A call that visitors may make as well.
    const visit = await send(app, "/trpc/show.byId?input={not-json", { headers });
    expect(visit.status).toBe(401);
    expect(visit.error?.data.domain?.code).toBe("INVALID_TOKEN");
  });
});

describe("of several secrets", () => {
  const old = { kid: "default", secret: "the first secret, from before there were names" };
  const [current, next] = [
    { kid: "2026-03", secret: "the second secret, which signs at present" },
    { kid: "2026-04", secret: "the third secret, which is to sign next month" },
  ];
  const tokensBy = (...secrets: [SessionSecret, ...SessionSecret[]]) =>
    createSessionTokens({ secrets, clock: app.clock });
  const given = async () => {
    const { username, role, sessionId } = await givenCustomer(app.deps);
    const issuedAt = app.clock.now();
    return { username, role, sessionId, issuedAt, expiresAt: new Date(issuedAt.getTime() + dayMs) };
  };
  const withHeader = async (header: object, secret: string) => {
    const { username, role, sessionId } = await givenCustomer(app.deps);
    const claims = { ...claimsOf({ username, role, sessionId } as User) };
    return await new SignJWT(claims).setProtectedHeader({ alg: "HS256", ...header }).sign(encode(secret));
  };

  test("the first signs and puts its name on the token; all of them verify", async () => {
    const claims = await given();
    const token = await tokensBy(current, old).sign(claims);
    expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", kid: "2026-03", typ: "JWT" });
    for (const tokens of [tokensBy(current), tokensBy(next, current, old), tokensBy(old, current)])
      expect(await tokens.verify(token)).toEqual(claims);
    expect(await refusalOf(tokensBy(next, old).verify(token))).toBe("INVALID_TOKEN");
  });

  test("the one that is named verifies, and no other", async () => {
    const tokens = tokensBy(current, next, old);
    expect(await refusalOf(tokens.verify(await withHeader({ kid: "2026-04" }, next.secret)))).toBe(
      "accepted",
    );
    for (const kid of ["2026-03", "default", "2026-05", "", 1, null, ["2026-04"], "__proto__"])
      expect(await refusalOf(tokens.verify(await withHeader({ kid }, next.secret)))).toBe("INVALID_TOKEN");
  });

  test("the one named default verifies tokens without a name, if it is there", async () => {
    const token = await withHeader({}, old.secret);
    expect(await refusalOf(tokensBy(current, old).verify(token))).toBe("accepted");
    expect(await refusalOf(tokensBy(current, next).verify(token))).toBe("INVALID_TOKEN");
    expect(await refusalOf(tokensBy(current, old).verify(await withHeader({}, current.secret)))).toBe(
      "INVALID_TOKEN",
    );
  });
});

describe("a session", () => {
  test("lasts exactly 24 hours", async () => {
    const { username } = await givenCustomer(app.deps);
    app.clock.set(new Date("2026-03-10T06:30:00.700Z"));
    const { data } = await mutate<LogInOutput>(app, "auth.login", { username, password: testPassword });
    const end = new Date("2026-03-11T06:30:00.000Z");
    expect(data?.expiresAt).toEqual(end);
    app.clock.set(new Date(end.getTime() - 1));
    expect(await codeForToken(data!.token)).toBe("let in");
    app.clock.set(end);
    expect(await codeForToken(data!.token)).toBe("SESSION_ENDED");
    app.clock.set(new Date(end.getTime() + 400 * dayMs));
    expect(await codeForToken(data!.token)).toBe("SESSION_ENDED");
  });

  test("ends when its row says so, whatever the token says", async () => {
    const user = await givenCustomer(app.deps);
    const token = await sign({ ...claimsOf(user), exp: testStart.getTime() / 1_000 + 30 * 86_400 });
    app.clock.advance(dayMs - 1);
    expect(await codeForToken(token)).toBe("let in");
    app.clock.advance(1);
    expect(await codeForToken(token)).toBe("SESSION_ENDED");
  });

  test("ends when its token does, whatever the row says", async () => {
    const user = await givenCustomer(app.deps);
    const token = await sign({ ...claimsOf(user), exp: testStart.getTime() / 1_000 + 60 });
    app.clock.advance(59_999);
    expect(await codeForToken(token)).toBe("let in");
    app.clock.advance(1);
    expect(await codeForToken(token)).toBe("SESSION_ENDED");
  });

  test("that was ended in the database is over within a second", async () => {
    const user = await givenCustomer(app.deps);
    const token = await tokenOf(app.deps, user);
    expect(await codeForToken(token)).toBe("let in");
    const endedAt = performance.now();
    await app.sql.query("update session set ended_at = now() where id = $1", [user.sessionId]);
    expect(await codeOnceRefused(token)).toBe("SESSION_ENDED");
    expect(performance.now() - endedAt).toBeLessThan(1_000);
  });

  test("that there is none of is over", async () => {
    const user = await givenCustomer(app.deps);
    expect(await codeForToken(await tokenOf(app.deps, { ...user, sessionId: crypto.randomUUID() }))).toBe(
      "SESSION_ENDED",
    );
  });

  test("of another person does not count", async () => {
    const [one, other] = [await givenCustomer(app.deps), await givenCustomer(app.deps)];
    const token = await tokenOf(app.deps, { ...one, sessionId: other.sessionId });
    expect(await codeForToken(token)).toBe("SESSION_ENDED");
  });

  test.each([
    ["customer", "admin"],
    ["admin", "staff"],
    ["staff", "admin"],
  ] as const)("of a %s who has become %s in the database is over", async (before, after) => {
    const user = before === "customer" ? await givenCustomer(app.deps) : await givenStaff(app.deps, before);
    const token = await tokenOf(app.deps, user);
    expect(await codeForToken(token)).toBe("let in");
    await app.sql.query("update usertable set role = $2::user_role_enum where username = $1", [
      user.username,
      after,
    ]);
    expect(await codeOnceRefused(token)).toBe("SESSION_ENDED");
    expect(await codeForToken(await tokenOf(app.deps, { ...user, role: after }))).toBe(
      before === "customer" ? "SESSION_ENDED" : "let in",
    );
    await app.sql.query("update usertable set role = $2::user_role_enum where username = $1", [
      user.username,
      before,
    ]);
  });

  test("of an account that was deleted is over", async () => {
    const user = await givenStaff(app.deps, "staff");
    const token = await tokenOf(app.deps, user);
    await app.sql.query("delete from usertable where username = $1", [user.username]);
    expect(await codeForToken(token)).toBe("SESSION_ENDED");
  });
});

describe("who am I", () => {
  test("a customer sees the profile and no secret", async () => {
    const user = await givenCustomer(app.deps);
    const { data } = await query<MeOutput>(app, "auth.me", undefined, {
      token: await tokenOf(app.deps, user),
    });
    expect(data).toEqual({
      role: "customer",
      username: user.username,
      name: expect.stringMatching(/^Customer/) as string,
      email: `${user.username}@example.com`,
      phoneNumber: expect.stringMatching(/^\d{10}$/) as string,
      securityQuestionExists: true,
      createdAt: testStart,
    });
  });

  test.each(["staff", "admin"] as const)("%s see name and counter", async (role) => {
    const user = await givenStaff(app.deps, role);
    const { data } = await query<MeOutput>(app, "auth.me", undefined, {
      token: await tokenOf(app.deps, user),
    });
    expect(data).toEqual({
      role,
      username: user.username,
      name: expect.stringMatching(/^Staff/) as string,
      counterNo: expect.any(Number) as number,
      createdAt: testStart,
    });
  });
});

const logOut = async (user: User, input?: unknown) =>
  await mutate<{ endedSessions: number }>(app, "auth.logout", input, {
    token: await tokenOf(app.deps, user),
  });

const logIn = async (user: User) => {
  const { data } = await mutate<LogInOutput>(app, "auth.login", {
    username: user.username,
    password: testPassword,
  });
  return data!.token;
};

const auditOf = (user: User) =>
  app.sql.query(
    "select at, action, actor, address, request_id, details from audit_entry where subject = $1 order by id",
    [user.username],
  );

describe("a logout", () => {
  test.each([[undefined], [{}], [{ everywhere: false }]])(
    "with the input %j ends this session alone",
    async (input) => {
      const user = await givenCustomer(app.deps);
      const other = await logIn(user);
      expect((await logOut(user, input)).data).toEqual({ endedSessions: 1 });
      expect(await codeForToken(await tokenOf(app.deps, user))).toBe("SESSION_ENDED");
      expect(await codeForToken(other)).toBe("let in");
      const [row] = await app.sql.query("select ended_at from session where id = $1", [user.sessionId]);
      expect(row).toEqual({ ended_at: app.clock.now() });
    },
  );

  test("everywhere ends and counts the live sessions of this account and no others", async () => {
    const user = await givenCustomer(app.deps);
    const runOut = await logIn(user);
    app.clock.advance(dayMs / 2);
    const tokens = [await logIn(user), await logIn(user)];
    const ended = await logIn(user);
    await mutate(app, "auth.logout", {}, { token: ended });
    app.clock.advance(dayMs / 2);
    expect(await codeForToken(runOut)).toBe("SESSION_ENDED");
    const stranger = await givenCustomer(app.deps);

    const { data } = await mutate(app, "auth.logout", { everywhere: true }, { token: tokens[0] });
    expect(data).toEqual({ endedSessions: 2 });
    expect(await Promise.all(tokens.map(codeForToken))).toEqual(["SESSION_ENDED", "SESSION_ENDED"]);
    const [row] = await app.sql.query("select ended_at from session where id = $1", [stranger.sessionId]);
    expect(row).toEqual({ ended_at: null });
  });

  test("ten times at once ends the session once, and is in the audit", async () => {
    const user = await givenCustomer(app.deps);
    const answers = await Promise.all(Array.from({ length: 10 }, () => logOut(user)));
    const ended = answers.map(({ data }) => data?.endedSessions ?? 0);
    expect(ended.reduce((sum, count) => sum + count, 0)).toBe(1);
    for (const { status } of answers) expect([200, 401]).toContain(status);
    expect((await logOut(user)).error?.data.domain?.code).toBe("SESSION_ENDED");
    expect(await auditOf(user)).toEqual([
      {
        at: app.clock.now(),
        action: "logged-out",
        actor: user.username,
        address: "unknown",
        request_id: expect.stringMatching(/./) as string,
        details: { endedSessions: 1 },
      },
    ]);
  });

  test("that another one came before is not in the audit", async () => {
    const user = await givenCustomer(app.deps);
    const settled = await together([1, 2].map(() => () => endSession(app.deps, user, { everywhere: false })));
    const ended = outcomesOf(settled).won.map(({ endedSessions }) => endedSessions);
    expect(ended.toSorted((one, other) => one - other)).toEqual([0, 1]);
    expect(await auditOf(user)).toHaveLength(1);
  });

  test("everywhere is one entry of the audit, with how many sessions it ended", async () => {
    const user = await givenCustomer(app.deps);
    await logIn(user);
    await logOut(user, { everywhere: true });
    expect(await auditOf(user)).toMatchObject([
      { action: "logged-in" },
      { action: "logged-out", details: { endedSessions: 2 } },
    ]);
  });

  test("that cannot be recorded ends nothing", async () => {
    const user = await givenCustomer(app.deps);
    await app.sql.query("alter table audit_entry rename to gone");
    try {
      expect((await logOut(user)).status).toBe(500);
    } finally {
      await app.sql.query("alter table gone rename to audit_entry");
    }
    expect(await codeForToken(await tokenOf(app.deps, user))).toBe("let in");
  });

  test.each(["yes", 1, null, "false"])("with %j for everywhere ends nothing", async (everywhere) => {
    const user = await givenCustomer(app.deps);
    expect((await logOut(user, { everywhere })).status).toBe(400);
    expect(await codeForToken(await tokenOf(app.deps, user))).toBe("let in");
  });
});

test("a remembered token is refused once it has run out, or its account is disabled", async () => {
  const { deps } = app;
  const [late, disabled] = [await givenCustomer(deps), await givenStaff(deps, "staff")];
  const [lateToken, disabledToken] = [await tokenOf(deps, late), await tokenOf(deps, disabled)];
  expect([await codeForToken(lateToken), await codeForToken(disabledToken)]).toEqual(["let in", "let in"]);
  await app.sql.query("update usertable set disabled_at = now() where username = $1", [disabled.username]);
  expect(await codeOnceRefused(disabledToken)).toBe("SESSION_ENDED");
  const login = await mutate(app, "auth.login", { username: disabled.username, password: testPassword });
  expect(login.error?.data.domain?.code).toBe("INVALID_CREDENTIALS");
  app.clock.advance(dayMs);
  expect(await codeForToken(lateToken)).toBe("SESSION_ENDED");
});
