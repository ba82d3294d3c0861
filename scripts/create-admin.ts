import { parseArgs } from "node:util";
import {
  constraints,
  databaseTime,
  endSessions,
  findAccount,
  insertAccount,
  insertAuditEntry,
  insertStaff,
  inTransaction,
  lockActiveAdmins,
  migrateToLatest,
  openDatabase,
  replacePassword,
  violatedConstraint,
  type Db,
} from "@skyfox/db";
import { z } from "zod";
import { uncommonPasswordSchema } from "../server/src/auth/common-passwords.ts";
import { hashNewPassword } from "../server/src/auth/new-password.ts";
import { createPasswordHasher, hashPassword } from "../server/src/auth/passwords.ts";
import { logInInput } from "../server/src/contract/auth.ts";
import { nameSchema, usernameSchema } from "../server/src/contract/person.ts";
import { forgiveGuesses } from "../server/src/limits/guessing-limits.ts";
import { describeFailure, withDatabase } from "./database.ts";

const usage = `ADMIN_PASSWORD=… npm run admin:create -- --username <username> --name <name> [--counter <number>]
ADMIN_PASSWORD=… npm run admin:create -- --reset --username <username>`;

const newAdmin = z.object({
  reset: z.literal(false),
  username: usernameSchema,
  name: nameSchema,
  password: uncommonPasswordSchema,
  counterNo: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, "The counter is a number such as 101.")
    .transform(Number)
    .nullable(),
});

// An adopted admin may have a username that the rule of today does not allow.
const newPassword = z.object({
  reset: z.literal(true),
  username: logInInput.shape.username,
  password: uncommonPasswordSchema,
});

const order = z.discriminatedUnion("reset", [newAdmin, newPassword]);

try {
  const read = readOrder(process.argv.slice(2));
  if (read === undefined) process.exitCode = 2;
  else await withDatabase((url, cinemaTimeZone) => obey(url, cinemaTimeZone, read));
} catch (error) {
  console.error(describeFailure(error));
  process.exitCode = 1;
}

function readOrder(args: string[]): z.output<typeof order> | undefined {
  const password = process.env.ADMIN_PASSWORD;
  const { username, name, counter, reset = false } = findValues(args) ?? {};
  const isWhole = reset ? name === undefined && counter === undefined : name !== undefined;
  if (username === undefined || !password || !isWhole) {
    console.error(
      `Name the admin, and put the password into the environment, not into the command:\n${usage}`,
    );
    return undefined;
  }
  const read = order.safeParse({ reset, username, name, password, counterNo: counter ?? null });
  if (read.success) return read.data;
  console.error(read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"));
  return undefined;
}

// What Node says about a wrong option repeats it, and it may be the password.
function findValues(args: string[]) {
  try {
    const text = { type: "string" } as const;
    const options = { username: text, name: text, counter: text, reset: { type: "boolean" } } as const;
    return parseArgs({ args, options }).values;
  } catch {
    return undefined;
  }
}

async function obey(url: string, cinemaTimeZone: string, read: z.output<typeof order>): Promise<void> {
  await migrateToLatest(url, { cinemaTimeZone, say: console.log });
  const db = openDatabase(url, { maxConnections: 1 });
  try {
    await (read.reset ? resetAdmin(db, read) : createAdmin(db, read));
  } finally {
    await db.destroy();
  }
}

async function createAdmin(db: Db, admin: z.output<typeof newAdmin>): Promise<void> {
  const passwordHash = await hashPassword(createPasswordHasher(), admin.password);
  const createdAt = await databaseTime(db);
  const taken = `The username ${admin.username} is taken. Choose another one.`;
  try {
    if ((await findAccount(db, admin.username)) !== undefined) throw new Error(taken);
    await inTransaction(db, async (tx) => {
      await insertAccount(tx, { username: admin.username, passwordHash, role: "admin", createdAt });
      await insertStaff(tx, admin);
    });
  } catch (error) {
    if (violatedConstraint(error) !== constraints.username) throw error;
    throw new Error(taken, { cause: error });
  }
  console.log(`The admin ${admin.username} can log in now.`);
}

async function resetAdmin(db: Db, wanted: z.output<typeof newPassword>): Promise<void> {
  const account = await findAccount(db, wanted.username);
  if (account?.role !== "admin") throw new Error(`There is no admin with the username ${wanted.username}.`);
  // As it is kept: an older name may have capitals.
  const { username } = account;
  if (account.disabledAt !== null)
    throw new Error(
      `The admin ${username} is disabled. Another admin can enable the account: admin.updateStaff.`,
    );
  const change = await hashNewPassword({ db, passwords: createPasswordHasher() }, username, wanted.password);
  const endedSessions = await inTransaction(db, async (tx) => {
    // Demoted, disabled or with another password meanwhile: this was decided on what was there before.
    const isAdmin = (await lockActiveAdmins(tx)).includes(username);
    if (!isAdmin || !(await replacePassword(tx, username, change)))
      throw new Error(`The account ${username} was changed meanwhile. Try again.`);
    const now = await databaseTime(tx);
    await insertAuditEntry(tx, {
      at: now,
      action: "staff-changed",
      actor: null,
      subject: username,
      address: "unknown",
      requestId: "admin:create",
      details: { changed: ["password"] },
    });
    await forgiveGuesses(tx, username);
    return await endSessions(tx, { username }, now);
  });
  console.log(`The admin ${username} has the new password now. Sessions that were ended: ${endedSessions}.`);
}
