import { hash as bcryptHash } from "@node-rs/bcrypt";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, testAnswer, testPassword, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { changePassword } from "./change-password.ts";
import { logIn } from "./log-in.ts";
import { askSecurityQuestion, resetPassword, verifySecurityAnswer } from "./recover-account.ts";
import { updateProfile } from "./update-profile.ts";

const app = await createTestApp();
const { deps } = app;
const caller = { address: "198.51.100.1", requestId: "of-the-tests" };
const newPassword = "Another-Horse-8";
beforeEach(async () => {
  app.clock.set(testStart);
  await app.forgetCounts();
});

const emailOf = (username: string) => `${username}@example.com`;
const tokenFor = (username: string, securityAnswer = testAnswer) =>
  verifySecurityAnswer(deps, caller, { email: emailOf(username), securityAnswer });
const reset = (username: string, resetToken: string, password = newPassword) =>
  resetPassword(deps, caller, { email: emailOf(username), resetToken, newPassword: password });

describe("recovery", () => {
  test.each([" Anna.Lee@Example.com", "anna.lee@example.com\n", "ANNA.LEE@EXAMPLE.COM"])(
    "of an address typed as %j finds its account at every step",
    async (email) => {
      const { username } = await givenCustomer(deps);
      await app.sql.query(
        "update customertable set email = username || '@gone.example' where email = 'anna.lee@example.com'",
      );
      await app.sql.query("update customertable set email = 'anna.lee@example.com' where username = $1", [
        username,
      ]);
      expect((await query(app, "auth.securityQuestion", { email })).data).toMatchObject({ questionId: 1 });
      const answered = await mutate<{ resetToken: string }>(app, "auth.verifySecurityAnswer", {
        email,
        securityAnswer: testAnswer,
      });
      const { resetToken } = answered.data!;
      const done = await mutate(app, "auth.resetPassword", { email, resetToken, newPassword });
      expect(done.data).toEqual({ username });
    },
  );

  test("leads from the question to a new password, and ends every session", async () => {
    const user = await givenCustomer(deps);
    const { username } = user;
    const question = await query(app, "auth.securityQuestion", { email: emailOf(username).toUpperCase() });
    expect(question.data).toMatchObject({ questionId: 1 });
    const answered = await mutate<{ resetToken: string }>(app, "auth.verifySecurityAnswer", {
      email: emailOf(username),
      securityAnswer: "  a BROWN fox ",
    });
    expect(answered.data).toEqual({ resetToken: expect.any(String) as string, expiresInSeconds: 300 });
    const resetToken = answered.data!.resetToken;
    const done = await mutate(app, "auth.resetPassword", {
      email: emailOf(username),
      resetToken,
      newPassword,
    });
    expect(done.data).toEqual({ username });
    const me = await query(app, "auth.me", undefined, { token: await tokenOf(deps, user) });
    expect(me.error?.data.domain?.code).toBe("SESSION_ENDED");
    expect(await refusalOf(logIn(deps, caller, { username, password: testPassword }))).toBe(
      "INVALID_CREDENTIALS",
    );
    expect(await refusalOf(logIn(deps, caller, { username, password: newPassword }))).toBe("accepted");
    expect(await refusalOf(reset(username, resetToken, "Third-Horse-7"))).toBe("INVALID_RESET_TOKEN");
  });

  test("of an unknown address has a question that stays the same, and answers like a known one", async () => {
    const email = "nobody@example.com";
    const first = await askSecurityQuestion(deps, caller, { email });
    expect(await askSecurityQuestion(deps, caller, { email })).toEqual(first);
    const asked = await Promise.all(
      Array.from({ length: 40 }, (_, number) =>
        askSecurityQuestion(deps, caller, { email: `n${number}@example.com` }),
      ),
    );
    expect(new Set(asked.map(({ questionId }) => questionId)).size).toBeGreaterThan(3);
    const { username } = await givenCustomer(deps);
    const unknown = await mutate(app, "auth.verifySecurityAnswer", { email, securityAnswer: "wrong" });
    const known = await mutate(app, "auth.verifySecurityAnswer", {
      email: emailOf(username),
      securityAnswer: "wrong",
    });
    const { requestId: _, ...unknownData } = unknown.error!.data;
    const { requestId: __, ...knownData } = known.error!.data;
    expect(unknownData).toEqual(knownData);
    expect(knownData.domain?.code).toBe("INVALID_SECURITY_ANSWER");
  });

  test("a token lives five minutes, and a newer one takes its place", async () => {
    const { username } = await givenCustomer(deps);
    const first = await tokenFor(username);
    const second = await tokenFor(username);
    expect(await refusalOf(reset(username, first.resetToken))).toBe("INVALID_RESET_TOKEN");
    expect(await refusalOf(reset(username, "anything"))).toBe("INVALID_RESET_TOKEN");
    app.clock.advance(300_000);
    expect(await refusalOf(reset(username, second.resetToken))).toBe("INVALID_RESET_TOKEN");
    app.clock.advance(-1);
    expect(await refusalOf(reset(username, second.resetToken))).toBe("accepted");
  });

  test("a token is another account's key to nothing, and is kept as a hash only", async () => {
    const [one, other] = [await givenCustomer(deps), await givenCustomer(deps)];
    const { resetToken } = await tokenFor(one.username);
    expect(await refusalOf(reset(other.username, resetToken))).toBe("INVALID_RESET_TOKEN");
    const rows = await app.sql.query(
      "select 1 from password_reset_tokens where token_hash = sha256($1) and username = $2",
      [Buffer.from(resetToken), one.username],
    );
    expect(rows).toHaveLength(1);
  });

  test("of ten resets with one token at once, one wins", async () => {
    const { username } = await givenCustomer(deps);
    const { resetToken } = await tokenFor(username);
    const tries = Array.from(
      { length: 10 },
      (_, number) => () => reset(username, resetToken, `Horse-Number-${number}`),
    );
    const { won, lost } = outcomesOf(await together(tries));
    expect(won).toHaveLength(1);
    expect(new Set(lost)).toEqual(new Set(["INVALID_RESET_TOKEN"]));
  });

  test("frees a login that too many wrong passwords had locked", async () => {
    const { username } = await givenCustomer(deps);
    for (let number = 0; number < 11; number += 1) {
      await refusalOf(logIn(deps, caller, { username, password: "wrong" }));
    }
    const { resetToken } = await tokenFor(username);
    await reset(username, resetToken);
    expect(await refusalOf(logIn(deps, caller, { username, password: newPassword }))).toBe("accepted");
  });
});

describe("wrong security answers", () => {
  const guess = (email: string) =>
    mutate(app, "auth.verifySecurityAnswer", { email, securityAnswer: "wrong" });
  const endQuarterHour = () =>
    app.sql.query("update rate_limit set expire = 1 where key like 'wrongAnswers:%'");
  const daySeconds = 86_400;

  /** Nine wrong answers, in a day of which an hour is left. */
  async function guessNineTimes(email: string) {
    for (let number = 0; number < 9; number += 1) {
      expect((await guess(email)).error?.data.domain?.code).toBe("INVALID_SECURITY_ANSWER");
      await endQuarterHour();
    }
    await app.sql.query(
      "update rate_limit set expire = $1 where key like 'wrongAnswersADay:%' and points = 9",
      [new Date().getTime() + 3_600_000],
    );
  }

  test("are ten in a day: the tenth locks recovery for a day, of an unknown address alike", async () => {
    const { username } = await givenCustomer(deps);
    const compared: unknown[] = [];
    for (const email of [emailOf(username), "not-a-customer@example.com"]) {
      await guessNineTimes(email);
      const tenth = await guess(email);
      await endQuarterHour();
      const eleventh = await guess(email);
      const right = await mutate(app, "auth.verifySecurityAnswer", { email, securityAnswer: testAnswer });
      const seconds = Number(eleventh.headers.get("retry-after"));
      expect(seconds).toBeGreaterThan(daySeconds - 60);
      expect(seconds).toBeLessThanOrEqual(daySeconds);
      expect(eleventh.error?.data.domain).toEqual({
        code: "RATE_LIMITED",
        details: { retryAfterSeconds: seconds },
      });
      compared.push(
        [tenth, eleventh, right].map(({ status, error }) => [
          status,
          error?.message,
          error?.data.domain?.code,
          error?.data.fields,
        ]),
      );
    }
    expect(compared[1]).toEqual(compared[0]);
  });

  test("are counted in recovery and profile together, and both are locked", async () => {
    const user = await givenCustomer(deps);
    const details = { name: "Customer Renamed", email: emailOf(user.username), phoneNumber: "6100000001" };
    const change = (securityAnswer: string) =>
      refusalOf(updateProfile(deps, user, { ...details, securityAnswer }));
    await guessNineTimes(emailOf(user.username));
    expect(await change("wrong")).toBe("INVALID_SECURITY_ANSWER");
    await endQuarterHour();
    expect(await change(testAnswer)).toBe("RATE_LIMITED");
    expect(await refusalOf(tokenFor(user.username))).toBe("RATE_LIMITED");
    const rows = await app.sql.query(
      "select actor from audit_entry where subject = $1 and action = 'security-answer-locked'",
      [user.username],
    );
    expect(rows).toEqual([{ actor: user.username }]);
  });

  test("are none of those that were right", async () => {
    const { username } = await givenCustomer(deps);
    await guessNineTimes(emailOf(username));
    for (let number = 0; number < 3; number += 1)
      expect(await refusalOf(tokenFor(username))).toBe("accepted");
    expect((await guess(emailOf(username))).status).toBe(400);
    await endQuarterHour();
    expect(await refusalOf(tokenFor(username))).toBe("RATE_LIMITED");
  });

  test.each<[string, (username: string) => Promise<unknown>]>([
    ["a login", (username) => logIn(deps, caller, { username, password: testPassword })],
    [
      "an admin",
      async (username) =>
        mutate(
          app,
          "admin.unlockAccount",
          { username },
          { token: await tokenOf(deps, await givenStaff(deps, "admin")) },
        ),
    ],
    ["the end of the day", () => app.sql.query("update rate_limit set expire = 1")],
  ])("are forgotten after %s, with the lock", async (_, lift) => {
    const { username } = await givenCustomer(deps);
    await guessNineTimes(emailOf(username));
    await guess(emailOf(username));
    expect(await refusalOf(tokenFor(username))).toBe("RATE_LIMITED");
    await lift(username);
    for (let number = 0; number < 4; number += 1)
      expect((await guess(emailOf(username))).error?.data.domain?.code).toBe("INVALID_SECURITY_ANSWER");
    expect(await refusalOf(tokenFor(username))).toBe("accepted");
  });

  test("are not forgotten after a login that fails, nor at another account's", async () => {
    const { username } = await givenCustomer(deps);
    for (let number = 0; number < 5; number += 1) await guess(emailOf(username));
    await refusalOf(logIn(deps, caller, { username, password: "wrong" }));
    await logIn(deps, caller, { username: (await givenCustomer(deps)).username, password: testPassword });
    expect(await refusalOf(tokenFor(username))).toBe("RATE_LIMITED");
  });
});

describe("a new password", () => {
  test("is neither the current one nor one of the two before it, by change and by reset", async () => {
    const user = await givenCustomer(deps);
    const { username } = user;
    const passwords = [testPassword, "Second-Horse-2", "Third-Horse-3", "Fourth-Horse-4"] as const;
    const change = (from: string, to: string) =>
      refusalOf(changePassword(deps, user, { currentPassword: from, newPassword: to }));
    expect(await change(passwords[0], passwords[0])).toBe("PASSWORD_REUSE");
    expect(await change(passwords[0], passwords[1])).toBe("accepted");
    expect(await change(passwords[1], passwords[2])).toBe("accepted");
    expect(await change(passwords[2], passwords[0])).toBe("PASSWORD_REUSE");
    const { resetToken } = await tokenFor(username);
    expect(await refusalOf(reset(username, resetToken, passwords[1]))).toBe("PASSWORD_REUSE");
    // The token is still good, and the oldest one is forgotten by the third change.
    expect(await refusalOf(reset(username, resetToken, passwords[3]))).toBe("accepted");
    const { sessionId } = user;
    expect(
      await refusalOf(
        changePassword(
          deps,
          { ...user, sessionId },
          { currentPassword: passwords[3], newPassword: passwords[0] },
        ),
      ),
    ).toBe("accepted");
  });

  test("is the current one too when its letters are typed in another way, or were before", async () => {
    const user = await givenCustomer(deps);
    const [composed, apart] = ["H\u00f6rse-N\u00famber-1", "Ho\u0308rse-Nu\u0301mber-1"];
    const change = (from: string, to: string) =>
      refusalOf(changePassword(deps, user, { currentPassword: from, newPassword: to }));
    expect(await change(testPassword, apart)).toBe("accepted");
    expect(await change(composed, apart)).toBe("PASSWORD_REUSE");
    expect(await change(apart, composed)).toBe("PASSWORD_REUSE");
    // A hash from before of what was typed.
    await app.sql.query("update usertable set password = $2 where username = $1", [
      user.username,
      await deps.passwords.hash(apart),
    ]);
    await app.sql.query("delete from password_history where username = $1", [user.username]);
    expect(await change(apart, apart)).toBe("PASSWORD_REUSE");
    expect(await change(apart, "Second-Horse-2")).toBe("accepted");
  });

  test("ends the other sessions and keeps the calling one", async () => {
    const user = await givenCustomer(deps);
    await logIn(deps, caller, { username: user.username, password: testPassword });
    await logIn(deps, caller, { username: user.username, password: testPassword });
    const token = await tokenOf(deps, user);
    const answer = await mutate(
      app,
      "auth.changePassword",
      { currentPassword: testPassword, newPassword },
      { token },
    );
    expect(answer.data).toEqual({ endedSessions: 2 });
    expect((await query(app, "auth.me", undefined, { token })).status).toBe(200);
  });

  test("needs the current one", async () => {
    const user = await givenCustomer(deps);
    const wrong = changePassword(deps, user, { currentPassword: "wrong", newPassword });
    expect(await refusalOf(wrong)).toBe("INCORRECT_PASSWORD");
  });

  test("may not be one of the most common", async () => {
    const user = await givenCustomer(deps);
    const input = { currentPassword: testPassword, newPassword: "P@ssw0rd" };
    const answer = await mutate(app, "auth.changePassword", input, { token: await tokenOf(deps, user) });
    expect(answer.error?.data.fields).toMatchObject([{ field: "newPassword" }]);
  });

  test("lets no login with the old one through that was under way", async () => {
    const { username } = await givenCustomer(deps);
    await app.sql.query("begin");
    await app.sql.query("update usertable set password = 'another' where username = $1", [username]);
    const login = refusalOf(logIn(deps, caller, { username, password: testPassword }));
    await untilBlocked(app);
    await app.sql.query("commit");
    expect(await login).toBe("INVALID_CREDENTIALS");
  });
});

describe("what an older SkyFox hashed by bcrypt", () => {
  test("a password is hashed anew at the next login, also in its history", async () => {
    const { username } = await givenCustomer(deps);
    const old = await bcryptHash("foobar", { cost: 4 });
    await app.sql.query("update usertable set password = $2 where username = $1", [username, old]);
    await app.sql.query("update password_history set previous_password_1 = $2 where username = $1", [
      username,
      old,
    ]);
    await logIn(deps, caller, { username, password: "foobar" });
    const [row] = await app.sql.query(
      "select u.password, h.previous_password_1 as history from usertable u join password_history h using (username) where username = $1",
      [username],
    );
    expect(row?.["password"]).toMatch(/^\$argon2id\$/);
    expect(row?.["history"]).toBe(row?.["password"]);
    expect(await refusalOf(logIn(deps, caller, { username, password: "foobar" }))).toBe("accepted");
  });

  test.each(["Fluffy Cat", "fluffy cat"])(
    "the answer %s is right as typed and normalised, and is kept normalised",
    async (kept) => {
      const { username } = await givenCustomer(deps);
      await app.sql.query("update customertable set security_answer_hash = $2 where username = $1", [
        username,
        await bcryptHash(kept, { cost: 4 }),
      ]);
      expect(await refusalOf(tokenFor(username, "Fluffy Cat"))).toBe("accepted");
      expect(await refusalOf(tokenFor(username, " FLUFFY cat"))).toBe("accepted");
    },
  );
});

describe("a change of the profile", () => {
  const details = (number: number) => ({
    name: "Customer Renamed",
    email: `renamed-${number}@example.com`,
    phoneNumber: String(6_000_000_000 + number),
    securityAnswer: testAnswer,
  });

  test("changes name, e-mail address and phone number together", async () => {
    const user = await givenCustomer(deps);
    const { securityAnswer, ...changed } = details(1);
    const answer = await mutate(
      app,
      "auth.updateProfile",
      { ...changed, securityAnswer },
      { token: await tokenOf(deps, user) },
    );
    expect(answer.data).toEqual({ username: user.username, ...changed });
    const me = await query(app, "auth.me", undefined, { token: await tokenOf(deps, user) });
    expect(me.data).toMatchObject(changed);
  });

  test("keeps the e-mail address trimmed and in lower case", async () => {
    const user = await givenCustomer(deps);
    const input = { ...details(3), email: " Renamed-3@Example.com " };
    const answer = await mutate(app, "auth.updateProfile", input, { token: await tokenOf(deps, user) });
    expect(answer.data).toMatchObject({ email: "renamed-3@example.com" });
  });

  test("needs the security answer", async () => {
    const user = await givenCustomer(deps);
    const wrong = updateProfile(deps, user, { ...details(2), securityAnswer: "wrong" });
    expect(await refusalOf(wrong)).toBe("INVALID_SECURITY_ANSWER");
  });

  test("of ten that want one e-mail address or phone number, one wins", async () => {
    const users = await Promise.all(Array.from({ length: 10 }, () => givenCustomer(deps)));
    const byEmail = users.map(
      (user, number) => () =>
        updateProfile(deps, user, { ...details(100 + number), email: "wanted@example.com" }),
    );
    const emails = outcomesOf(await together(byEmail));
    expect(emails.won).toHaveLength(1);
    expect(new Set(emails.lost)).toEqual(new Set(["EMAIL_EXISTS"]));
    const byPhone = users.map(
      (user, number) => () =>
        updateProfile(deps, user, { ...details(200 + number), phoneNumber: "5555555555" }),
    );
    const phones = outcomesOf(await together(byPhone));
    expect(phones.won).toHaveLength(1);
    expect(new Set(phones.lost)).toEqual(new Set(["PHONE_NUMBER_EXISTS"]));
  });
});
