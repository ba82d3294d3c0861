import {
  connectOnce,
  insertAccount,
  insertSession,
  insertStaff,
  inTransaction,
  openDatabase,
} from "@skyfox/db";
import { createEmptyDatabase, createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient } from "@skyfox/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { createPasswordHasher } from "../server/src/auth/passwords.ts";
import { developmentApiKey } from "../server/src/config.ts";
import { createGuessingLimits } from "../server/src/limits/guessing-limits.ts";
import { limitTable } from "../server/src/limits/limit-table.ts";
import { createTryReturns } from "../server/src/limits/try-returns.ts";
import { runScript } from "./test/run-script.ts";
import { makeStateDirectory } from "./test/state-directory.ts";

const password = "Curtain!Call42";
const args = ["--username", "box.office", "--name", "box office", "--counter", "7"];

test("npm run admin:create makes an admin, also in an empty production database, who can log in", async () => {
  const { url } = await createEmptyDatabase();
  const settings = { DATABASE_URL: url, APP_ENV: "production", ADMIN_PASSWORD: password };
  const created = await createAdmin(settings, args);
  expect(created).toEqual({ code: 0, output: "The admin box.office can log in now.\n" });

  const server = runScript("start.ts", { DATABASE_URL: url, PORT: "0", DEMO_SEED: "off" });
  const [, address = ""] = await server.says(/ready at (\S+)/);
  const session = { token: "" };
  const skyfox = createSkyfoxClient({
    url: address,
    apiKey: developmentApiKey,
    token: () => session.token || null,
  });
  const { user, token } = await skyfox.auth.login.mutate({ username: "box.office", password });
  expect(user).toEqual({ username: "box.office", name: "box office", role: "admin" });
  session.token = token;
  expect(await skyfox.auth.me.query()).toMatchObject({ role: "admin", counterNo: 7 });
});

test("without DATABASE_URL the admin goes into the development database, which does not run on", async () => {
  const state = await makeStateDirectory();
  const settings = { SKYFOX_STATE_DIRECTORY: state.path, ADMIN_PASSWORD: password };
  const { code, output } = await createAdmin(settings, args);
  expect(output).toMatch(
    /using the development database in .*postgres\.\nThe admin box\.office can log in now\.\n$/,
  );
  expect(code).toBe(0);
  expect(await state.findPostgres()).toBeUndefined();
});

test("a taken username is one sentence and changes nothing", async () => {
  const { url } = await createTestDatabase();
  const settings = { DATABASE_URL: url, ADMIN_PASSWORD: password };
  await createAdmin(settings, args);
  const again = await createAdmin({ ...settings, ADMIN_PASSWORD: "Another!Call42" }, args);
  expect(again).toEqual({ code: 1, output: "The username box.office is taken. Choose another one.\n" });
  const sql = await connectOnce(url);
  expect(await sql.query("select count(*) as count from stafftable")).toEqual([{ count: 1 }]);
  await sql.end();
});

test("every field that is not as it should be is named, and the password is not shown", async () => {
  const wrong = ["--username", "Box Office", "--name", "7", "--counter", "0x10"];
  const { code, output } = await createAdmin({ ADMIN_PASSWORD: "weakling" }, wrong);
  expect(code).toBe(2);
  for (const field of ["username", "name", "password", "counterNo"])
    expect(output).toMatch(new RegExp(`^${field}: .+\\.$`, "m"));
  expect(output).not.toContain("weakling");
});

test.each([
  ["no password", {}, args],
  ["an empty password", { ADMIN_PASSWORD: "" }, args],
  ["no name", { ADMIN_PASSWORD: password }, ["--username", "box.office"]],
  ["no options", { ADMIN_PASSWORD: password }, []],
  ["a reset without a username", { ADMIN_PASSWORD: password }, ["--reset"]],
  ["a reset without a password", {}, ["--reset", "--username", "box.office"]],
  ["a reset that also names the admin anew", { ADMIN_PASSWORD: password }, ["--reset", ...args]],
  ["the password as an option", {}, [...args, `--password=${password}`]],
  ["the password among the words", {}, [...args, password]],
])("with %s it says how to call it", async (_what, settings, words) => {
  const { code, output } = await createAdmin(settings, words);
  expect(code).toBe(2);
  expect(output).toMatch(
    /put the password into the environment.*\nADMIN_PASSWORD=… npm run admin:create -- /,
  );
  expect(output).not.toContain(password);
});

describe("npm run admin:create -- --reset", () => {
  const old = "Old-Curtain!7";
  const reset = ["--reset", "--username", "box.office"];

  async function givenAdmin(is: { role?: "staff"; disabledAt?: Date } = {}) {
    const { role = "admin", disabledAt = null } = is;
    const { url } = await createTestDatabase();
    const db = openDatabase(url, { maxConnections: 1 });
    onTestFinished(() => db.destroy());
    const passwordHash = await createPasswordHasher().hash(old);
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + 3_600_000);
    await inTransaction(db, async (tx) => {
      for (const username of ["box.office", "other"]) {
        await insertAccount(tx, { username, passwordHash, role, createdAt });
        await insertStaff(tx, { username, name: "Box Office", counterNo: 7 });
        await insertSession(tx, { id: crypto.randomUUID(), username, createdAt, expiresAt });
      }
      await tx
        .updateTable("usertable")
        .set({ disabled_at: disabledAt })
        .where("username", "=", "box.office")
        .execute();
    });
    const sql = await connectOnce(url);
    onTestFinished(() => sql.end());
    const read = async () => ({
      passwords: await sql.query("select username, password from usertable order by username"),
      live: await sql.query("select username from session where ended_at is null order by username"),
      audit: await sql.query("select action, actor, subject, details from audit_entry"),
    });
    return { db, read, settings: { DATABASE_URL: url, APP_ENV: "production", ADMIN_PASSWORD: password } };
  }

  test("sets the password, ends the sessions, frees the login, and says and records it", async () => {
    const { db, read, settings } = await givenAdmin();
    const { fits } = createPasswordHasher();
    const limits = createGuessingLimits(db, limitTable, createTryReturns({ db, logger: console }));
    const guess = () => limits.count("wrongPasswords", { account: "box.office", address: "192.0.2.7" });
    for (let count = 0; count < limitTable.wrongPasswords.perAccount; count += 1) await guess();
    await expect(guess()).rejects.toThrow("That was too often.");
    expect(await createAdmin(settings, reset)).toEqual({
      code: 0,
      output: "The admin box.office has the new password now. Sessions that were ended: 1.\n",
    });
    const { passwords, live, audit } = await read();
    expect(await fits(String(passwords[0]?.["password"]), password)).toBe(true);
    expect(await fits(String(passwords[1]?.["password"]), old)).toBe(true);
    expect(live).toEqual([{ username: "other" }]);
    await guess();
    expect(audit).toEqual([
      { action: "staff-changed", actor: null, subject: "box.office", details: { changed: ["password"] } },
    ]);
  });

  test("finds the account in whatever case its name is typed", async () => {
    const { settings } = await givenAdmin();
    expect(await createAdmin(settings, ["--reset", "--username", "Box.Office"])).toMatchObject({ code: 0 });
  });

  test("takes a password whose letters are typed apart for the same one", async () => {
    const { read, settings } = await givenAdmin();
    const apart = "Zu\u0308rich-Ho\u0302rse-9";
    expect(await createAdmin({ ...settings, ADMIN_PASSWORD: apart }, reset)).toMatchObject({ code: 0 });
    const { passwords } = await read();
    const { fits } = createPasswordHasher();
    expect(await fits(String(passwords[0]?.["password"]), apart.normalize("NFC"))).toBe(true);
  });

  test.each([
    ["there is none with that name", {}, ["--reset", "--username", "missing"]],
    ["the account is of the staff", { role: "staff" as const }, reset],
  ])("is one sentence when %s", async (_what, admin, words) => {
    const { read, settings } = await givenAdmin(admin);
    const before = await read();
    const username = words.at(-1);
    expect(await createAdmin(settings, words)).toEqual({
      code: 1,
      output: `There is no admin with the username ${username}.\n`,
    });
    expect(await read()).toEqual(before);
  });

  test("says that an account is disabled, and leaves it so", async () => {
    const { read, settings } = await givenAdmin({ disabledAt: new Date() });
    const before = await read();
    expect(await createAdmin(settings, reset)).toEqual({
      code: 1,
      output: "The admin box.office is disabled. Another admin can enable the account: admin.updateStaff.\n",
    });
    expect(await read()).toEqual(before);
  });

  test("takes no password that the account has had, and none that is weak", async () => {
    const { read, settings } = await givenAdmin();
    const before = await read();
    expect(await createAdmin({ ...settings, ADMIN_PASSWORD: old }, reset)).toEqual({
      code: 1,
      output: "Choose a password that is neither the current one nor one of the two before it.\n",
    });
    const weak = await createAdmin({ ...settings, ADMIN_PASSWORD: "foobar" }, reset);
    expect(weak.code).toBe(2);
    expect(weak.output).toMatch(/^password: .+\.$/m);
    expect(weak.output).not.toContain("foobar");
    expect(await read()).toEqual(before);
  });
});

async function createAdmin(settings: Record<string, string>, words: string[]) {
  const script = runScript("create-admin.ts", settings, { args: words });
  return { code: await script.ended, output: script.output() };
}
