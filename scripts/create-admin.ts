import { parseArgs } from "node:util";
import {
  constraints,
  databaseTime,
  insertAccount,
  insertStaff,
  inTransaction,
  migrateToLatest,
  openDatabase,
  violatedConstraint,
} from "@skyfox/db";
import { z } from "zod";
import { createPasswordHasher } from "../server/src/auth/passwords.ts";
import { uncommonPasswordSchema } from "../server/src/auth/common-passwords.ts";
import { nameSchema, usernameSchema } from "../server/src/contract/auth.ts";
import { describeFailure, withDatabase } from "./database.ts";

const usage = `ADMIN_PASSWORD=… npm run admin:create -- --username <username> --name <name> [--counter <number>]`;

const newAdmin = z.object({
  username: usernameSchema,
  name: nameSchema,
  password: uncommonPasswordSchema,
  counterNo: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, "The counter is a number such as 101.")
    .transform(Number)
    .nullable(),
});

try {
  const admin = readAdmin(process.argv.slice(2));
  if (admin === undefined) process.exitCode = 2;
  else await withDatabase((url) => createAdmin(url, admin));
} catch (error) {
  console.error(describeFailure(error));
  process.exitCode = 1;
}

function readAdmin(args: string[]): z.output<typeof newAdmin> | undefined {
  const password = process.env.ADMIN_PASSWORD;
  const { username, name, counter } = findValues(args) ?? {};
  if (username === undefined || name === undefined || !password) {
    console.error(
      `Name the admin, and put the password into the environment, not into the command:\n${usage}`,
    );
    return undefined;
  }
  const read = newAdmin.safeParse({ username, name, password, counterNo: counter ?? null });
  if (read.success) return read.data;
  console.error(read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"));
  return undefined;
}

// What Node says about a wrong option repeats it, and it may be the password.
function findValues(args: string[]) {
  try {
    const text = { type: "string" } as const;
    return parseArgs({ args, options: { username: text, name: text, counter: text } }).values;
  } catch {
    return undefined;
  }
}

async function createAdmin(url: string, admin: z.output<typeof newAdmin>): Promise<void> {
  await migrateToLatest(url, { cinemaTimeZone: process.env.CINEMA_TIME_ZONE || "Asia/Kolkata" });
  const db = openDatabase(url, { maxConnections: 1 });
  try {
    const passwordHash = await createPasswordHasher().hash(admin.password);
    const createdAt = await databaseTime(db);
    await inTransaction(db, async (tx) => {
      await insertAccount(tx, { username: admin.username, passwordHash, role: "admin", createdAt });
      await insertStaff(tx, admin);
    });
    console.log(`The admin ${admin.username} can log in now.`);
  } catch (error) {
    if (violatedConstraint(error) !== constraints.username) throw error;
    throw new Error(`The username ${admin.username} is taken. Choose another one.`, { cause: error });
  } finally {
    await db.destroy();
  }
}
