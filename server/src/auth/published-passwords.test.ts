import { hash as bcrypt } from "@node-rs/bcrypt";
import { insertAccount, insertStaff, inTransaction, openDatabase, type Db } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { describe, expect, onTestFinished, test } from "vitest";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import type { LogInOutput, Role } from "../contract/index.ts";
import { createPasswordHasher } from "./passwords.ts";
import { findPublishedPasswords, publishedPasswords } from "./published-passwords.ts";

type Published = keyof typeof publishedPasswords;

const passwords = createPasswordHasher();
const rolesOfDemo: [Published, Role][] = [
  ["seed-user-1", "admin"],
  ["seed-user-2", "admin"],
  ["staff-1", "staff"],
  ["customer.one", "customer"],
];

async function givenAccount(
  db: Db,
  username: string,
  { role = "staff", passwordHash = "" }: { role?: Role | undefined; passwordHash?: string },
): Promise<void> {
  await inTransaction(db, async (tx) => {
    await insertAccount(tx, { username, role, passwordHash, createdAt: testStart });
    if (role !== "customer") await insertStaff(tx, { username, name: "Staff One", counterNo: null });
  });
}

describe("a login with a published password", async () => {
  const app = await createTestApp({ settings: { refusesPublishedPasswords: true } });
  const lenient = await createTestApp({ beside: app });
  const logIn = (username: string, password: string, to = app) =>
    mutate<LogInOutput>(to, "auth.login", { username, password });

  test.each(rolesOfDemo)(
    "of %s is one with a wrong password, unless that is taken on",
    async (username, role) => {
      const password = publishedPasswords[username];
      await givenAccount(app.deps.db, username, { role, passwordHash: await passwords.hash(password) });
      const [refused, wrong] = [await logIn(username, password), await logIn(username, "wrong")];
      const tell = ({ status, error }: typeof refused) => ({
        status,
        error: { ...error, data: { ...error?.data, requestId: "" } },
      });
      expect(refused.error?.data.domain?.code).toBe("INVALID_CREDENTIALS");
      expect(tell(refused)).toEqual(tell(wrong));
      const written = await app.sql.query("select action from audit_entry where subject = $1", [username]);
      expect(written).toEqual([{ action: "login-failed" }, { action: "login-failed" }]);
      expect(await app.sql.query("select from session where username = $1", [username])).toEqual([]);

      expect((await logIn(username, password, lenient)).data?.user.username).toBe(username);
      const changed = await passwords.hash("Curtain!Call42");
      await app.sql.query("update usertable set password = $2 where username = $1", [username, changed]);
      expect((await logIn(username, "Curtain!Call42")).data?.user).toMatchObject({ username, role });
    },
  );

  test("counts as a guess", async () => {
    await app.sql.query("delete from usertable where username = 'staff-1'");
    await givenAccount(app.deps.db, "staff-1", { passwordHash: await passwords.hash("foobar") });
    const codes = [];
    for (let guess = 0; guess < 12; guess += 1)
      codes.push((await logIn("staff-1", "foobar")).error?.data.domain?.code);
    expect(new Set(codes)).toEqual(new Set(["INVALID_CREDENTIALS", "RATE_LIMITED"]));
  });

  test("is none of an account that the demo does not have", async () => {
    await givenAccount(app.deps.db, "constructor", { passwordHash: await passwords.hash("foobar") });
    expect((await logIn("constructor", "foobar")).data?.user.username).toBe("constructor");
  });
});

describe("the accounts with published passwords", () => {
  test("are found with what changes each, by the role that it has now", async () => {
    const db = await openEmpty();
    expect(await findPublishedPasswords(db, passwords)).toEqual([]);
    const roles = new Map<string, Role>([...rolesOfDemo, ["seed-user-2", "staff"]]);
    for (const [username, password] of Object.entries(publishedPasswords)) {
      // As the older system hashed them, and as we do.
      const passwordHash =
        username === "seed-user-1" ? await bcrypt(password, { cost: 4 }) : await passwords.hash(password);
      await givenAccount(db, username, { role: roles.get(username), passwordHash });
    }
    expect(await findPublishedPasswords(db, passwords)).toEqual([
      {
        username: "seed-user-1",
        changedBy: "ADMIN_PASSWORD=… npm run admin:create -- --reset --username seed-user-1",
      },
      { username: "seed-user-2", changedBy: "admin.updateStaff" },
      { username: "staff-1", changedBy: "admin.updateStaff" },
      { username: "customer.one", changedBy: "recovery: auth.verifySecurityAnswer and auth.resetPassword" },
    ]);
  });

  test("are not those that are disabled, have another password, or are not the demo's", async () => {
    const db = await openEmpty();
    const foobar = await passwords.hash("foobar");
    await givenAccount(db, "seed-user-1", { passwordHash: foobar });
    await db.updateTable("usertable").set({ disabled_at: testStart }).execute();
    await givenAccount(db, "seed-user-2", { passwordHash: await passwords.hash("Foobar") });
    await givenAccount(db, "staff-1", { passwordHash: "unreadable" });
    await givenAccount(db, "customer.one", { role: "customer", passwordHash: foobar });
    await givenAccount(db, "staff-2", { passwordHash: foobar });
    expect(await findPublishedPasswords(db, passwords)).toEqual([]);
  });
});

async function openEmpty(): Promise<Db> {
  const db = openDatabase((await createTestDatabase()).url, { maxConnections: 4 });
  onTestFinished(() => db.destroy());
  return db;
}
