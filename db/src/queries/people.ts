import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";
import type { UserRoleEnum } from "../schema.ts";

// The account `u` that a typed name means: in whatever case, but of two that differ by case only the one that is spelled so.
function isMeant(typed: string) {
  const isSame = (account: "u" | "twin") => sql`lower(${sql.ref(`${account}.username`)}) = lower(${typed})`;
  return sql<boolean>`${isSame("u")} and (u.username = ${typed} or not exists (
    select from usertable twin where ${isSame("twin")} and twin.id <> u.id
  ))`;
}

/** The username, as it is kept, of the account that a typed name means, in whatever case it is typed. */
export async function findUsername(db: Db, typed: string): Promise<string | undefined> {
  const account = await db
    .selectFrom("usertable as u")
    .select("u.username")
    .where(isMeant(typed))
    .executeTakeFirst();
  return account?.username;
}

/** Whether an account has this name, in whatever case. */
export async function isUsernameTaken(db: Db, username: string): Promise<boolean> {
  const taken = await db
    .selectFrom("usertable")
    .select("id")
    .where(sql<string>`lower(username)`, "=", sql<string>`lower(${username})`)
    .limit(1)
    .executeTakeFirst();
  return taken !== undefined;
}

/** What login needs of the account that a typed name means: the stored hash, the role, and the name of the customer or staff row. */
export async function findAccount(db: Db, typed: string) {
  return await db
    .selectFrom("usertable as u")
    .leftJoin("customertable as c", "c.username", "u.username")
    .leftJoin("stafftable as s", "s.username", "u.username")
    .where(isMeant(typed))
    .select((eb) => [
      "u.username",
      "u.created_at as createdAt",
      "u.role",
      "u.password as passwordHash",
      "u.disabled_at as disabledAt",
      eb.fn.coalesce("c.name", "s.name", "u.username").as("name"),
    ])
    .executeTakeFirst();
}

/** Who can sign in; the password comes hashed. */
export interface NewAccount {
  username: string;
  passwordHash: string;
  role: UserRoleEnum;
  createdAt: Date;
}

/** The account with its password history. */
export async function insertAccount(tx: Tx, account: NewAccount): Promise<void> {
  await tx
    .insertInto("usertable")
    .values({
      username: account.username,
      password: account.passwordHash,
      role: account.role,
      created_at: account.createdAt,
    })
    .execute();
  await tx
    .insertInto("password_history")
    .values({ username: account.username, previous_password_1: account.passwordHash })
    .execute();
}

/** A customer's own details; the e-mail address comes in lower case and the security answer hashed. */
export interface NewCustomer {
  username: string;
  name: string;
  email: string;
  phoneNumber: string;
  securityQuestionId: number;
  securityAnswerHash: string;
}

/** Adds the customer to an account that is there already; a taken e-mail address or phone number violates its constraint. */
export async function insertCustomer(tx: Tx, customer: NewCustomer): Promise<void> {
  await tx
    .insertInto("customertable")
    .values({
      username: customer.username,
      name: customer.name,
      email: customer.email,
      number: customer.phoneNumber,
      security_question_id: customer.securityQuestionId,
      security_answer_hash: customer.securityAnswerHash,
    })
    .execute();
}

/** Adds name and counter of staff or an admin to an account that is there already; null means no counter. */
export async function insertStaff(
  tx: Tx,
  staff: { username: string; name: string; counterNo: number | null },
): Promise<void> {
  await tx
    .insertInto("stafftable")
    .values({ username: staff.username, name: staff.name, counter_no: staff.counterNo })
    .execute();
}

/** Changes a customer's details; a taken e-mail address or phone number violates its constraint. */
export async function updateCustomer(
  tx: Tx,
  username: string,
  details: { name: string; email: string; phoneNumber: string },
): Promise<void> {
  const { name, email, phoneNumber } = details;
  await tx
    .updateTable("customertable")
    .set({ name, email, number: phoneNumber })
    .where("username", "=", username)
    .execute();
}

/** Every question with its id, by ascending id. */
export async function listSecurityQuestions(db: Db) {
  return await db.selectFrom("security_questions").select(["id", "question"]).orderBy("id").execute();
}
