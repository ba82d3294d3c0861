import { describe, expect, test } from "vitest";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import type { SignUpOutput } from "../contract/index.ts";

const app = await createTestApp();
let people = 0;

/** A sign-up that nothing is wrong with, of a person of its own. */
function givenInput(change: Record<string, unknown> = {}) {
  people += 1;
  return {
    name: "Customer Lee",
    username: `person-${people}`,
    password: "Correct-Horse-9",
    phoneNumber: String(7_000_000_000 + people),
    email: `person-${people}@example.com`,
    securityQuestionId: 1,
    securityAnswer: "Rex the dog",
    ...change,
  };
}

const signUp = (input: unknown) => mutate<SignUpOutput>(app, "auth.signup", input);

/** How many rows each table has of this person. */
async function countRows(username: string) {
  const [row] = await app.sql.query(
    `select (select count(*) from usertable where username = $1) as accounts,
       (select count(*) from password_history where username = $1) as histories,
       (select count(*) from customertable where username = $1) as customers,
       (select count(*) from customer_wallet where username = $1) as wallets`,
    [username],
  );
  return row;
}

const complete = { accounts: 1, histories: 1, customers: 1, wallets: 1 };
const nothing = { accounts: 0, histories: 0, customers: 0, wallets: 0 };

describe("a sign-up", () => {
  test("creates the account, its password history, the customer and an empty wallet", async () => {
    const input = givenInput({ name: " cUSTOMER o'ne-two", email: "Customer.O@Example.COM" });
    const answer = await signUp(input);
    expect(answer).toMatchObject({
      status: 200,
      data: { username: input.username, name: "cUSTOMER o'ne-two" },
    });
    expect(Object.keys(answer.data ?? {})).toEqual(["username", "name"]);
    expect(await countRows(input.username)).toEqual(complete);
    const rows = await app.sql.query(
      `select u.role::text, u.password = h.previous_password_1 as in_history, h.previous_password_2, h.previous_password_3,
         c.name, c.email, c.number, c.security_question_id, w.balance::text, u.created_at
       from usertable u join password_history h using (username) join customertable c using (username)
         join customer_wallet w using (username) where username = $1`,
      [input.username],
    );
    expect(rows).toEqual([
      {
        role: "customer",
        in_history: true,
        previous_password_2: null,
        previous_password_3: null,
        name: "cUSTOMER o'ne-two",
        email: "customer.o@example.com",
        number: input.phoneNumber,
        security_question_id: 1,
        balance: "0.00",
        created_at: app.clock.now(),
      },
    ]);
  });

  test("hashes password and answer with argon2id, no weaker than OWASP asks for", async () => {
    const input = givenInput();
    const strict = await createTestApp({ beside: app, hashesAsInProduction: true });
    await mutate(strict, "auth.signup", input);
    const [row] = await app.sql.query(
      `select u.password, c.security_answer_hash as answer
       from usertable u join customertable c using (username) where username = $1`,
      [input.username],
    );
    for (const hash of [row!["password"], row!["answer"]] as string[]) {
      const [, memory, passes, lanes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(hash) ?? [];
      expect(Number(memory)).toBeGreaterThanOrEqual(19_456);
      expect(Number(passes)).toBeGreaterThanOrEqual(2);
      expect(Number(lanes)).toBeGreaterThanOrEqual(1);
    }
    expect(row!["password"]).not.toBe(row!["answer"]);
  });

  test("keeps the answer after NFKC, trimming and lower-casing, and the password after NFC", async () => {
    const input = givenInput({ securityAnswer: " \u3000Ｒｅｘ ﬁdo ", password: " Ｐa\u0308ssword-ﬁ " });
    await signUp(input);
    const [row] = await app.sql.query(
      `select u.password, c.security_answer_hash as answer
       from usertable u join customertable c using (username) where username = $1`,
      [input.username],
    );
    expect(await app.deps.passwords.fits(row!["answer"] as string, "rex fido")).toBe(true);
    expect(await app.deps.passwords.fits(row!["password"] as string, " Ｐ\u00e4ssword-ﬁ ")).toBe(true);
    expect(await app.deps.passwords.fits(row!["password"] as string, " Ｐa\u0308ssword-ﬁ ")).toBe(false);
    expect(await app.deps.passwords.fits(row!["password"] as string, " P\u00e4ssword-fi ")).toBe(false);
  });

  test("at every longest value still fits the database", async () => {
    const wide = "\u{10428}";
    const input = givenInput({
      name: wide.repeat(70),
      username: "a".repeat(30),
      password: `Aa!${wide.repeat(125)}`,
      email: `${"a".repeat(242)}@example.com`,
      securityAnswer: wide.repeat(200),
    });
    expect(await signUp(input)).toMatchObject({ status: 200 });
    expect(await countRows(input.username)).toEqual(complete);
  });

  test("reports every failing field at once, under its own name, and writes nothing", async () => {
    const wrong = {
      name: "Customer2",
      username: "Wr",
      password: "short",
      phoneNumber: "12",
      email: "nowhere",
      securityQuestionId: "1",
      securityAnswer: "no",
    };
    const { status, error } = await signUp(wrong);
    expect(status).toBe(400);
    expect(error?.data.domain).toEqual({ code: "VALIDATION_ERROR", details: null });
    expect(new Set(error?.data.fields?.map(({ field }) => field))).toEqual(new Set(Object.keys(wrong)));
    expect(await countRows("wr")).toEqual(nothing);
  });

  test("with the question for an answer is refused, however it is written", async () => {
    const [question] = await app.sql.query("select question from security_questions where id = 1");
    const asked = question?.["question"] as string;
    for (const securityAnswer of [asked, ` ${asked.toUpperCase()}  `]) {
      const input = givenInput({ securityAnswer });
      const { status, error } = await signUp(input);
      expect(status).toBe(400);
      expect(error?.data.domain).toEqual({ code: "VALIDATION_ERROR", details: null });
      expect(error?.data.fields?.map(({ field }) => field)).toEqual(["securityAnswer"]);
      expect(await countRows(input.username)).toEqual(nothing);
    }
    const [other] = await app.sql.query("select question from security_questions where id = 2");
    expect(await signUp(givenInput({ securityAnswer: other?.["question"] }))).toMatchObject({ status: 200 });
  });

  test.each(["name", "username", "email"] as const)("with the %s for an answer is refused", async (field) => {
    const input = givenInput();
    const { error } = await signUp({ ...input, securityAnswer: input[field].toUpperCase() });
    expect(error?.data.fields?.map((problem) => problem.field)).toEqual(["securityAnswer"]);
    expect(await countRows(input.username)).toEqual(nothing);
  });

  test.each([0, -1, 11, 2_147_483_647, 2_147_483_648, -2_147_483_649, Number.MAX_SAFE_INTEGER])(
    "with the security question %i, which there is not, is refused in its own words",
    async (securityQuestionId) => {
      const input = givenInput({ securityQuestionId });
      const { status, error } = await signUp(input);
      expect(status).toBe(400);
      expect(error?.data.domain).toEqual({ code: "INVALID_SECURITY_QUESTION", details: null });
      expect(await countRows(input.username)).toEqual(nothing);
    },
  );

  test("names a question far out of range beside other wrong fields", async () => {
    const { error } = await signUp(givenInput({ securityQuestionId: 2_147_483_648, phoneNumber: "1" }));
    expect(error?.data.domain?.code).toBe("VALIDATION_ERROR");
    expect(error?.data.fields?.map(({ field }) => field).toSorted()).toEqual([
      "phoneNumber",
      "securityQuestionId",
    ]);
  });
});

describe("what is taken", () => {
  test.each([
    ["username", "USERNAME_EXISTS"],
    ["email", "EMAIL_EXISTS"],
    ["phoneNumber", "PHONE_NUMBER_EXISTS"],
  ] as const)("the %s answers %s, and leaves the rest free", async (field, code) => {
    const first = givenInput();
    await signUp(first);
    const second = givenInput({ [field]: first[field] });
    const { status, error } = await signUp(second);
    expect(status).toBe(409);
    expect(error?.data.domain).toEqual({ code, details: null });
    const free = givenInput();
    expect(await signUp({ ...second, [field]: free[field] })).toMatchObject({ status: 200 });
  });

  test("a username is taken in whatever case, also by an older account with capitals", async () => {
    await app.sql.query(
      "insert into usertable (username, password, role) values ('Old.Name', 'unreadable', 'staff')",
    );
    const { error } = await signUp(givenInput({ username: "old.name" }));
    expect(error?.data.domain?.code).toBe("USERNAME_EXISTS");
    const free = givenInput();
    const typed = { ...free, username: ` ${free.username.toUpperCase()}`, email: ` ${free.email}  ` };
    expect((await signUp(typed)).data?.username).toBe(free.username);
    const rows = await app.sql.query("select email from customertable where username = $1", [free.username]);
    expect(rows).toEqual([{ email: free.email }]);
  });

  test("an e-mail address is taken in whatever case", async () => {
    const first = givenInput();
    await signUp(first);
    const { error } = await signUp(givenInput({ email: first.email.toUpperCase() }));
    expect(error?.data.domain?.code).toBe("EMAIL_EXISTS");
  });

  test.each([
    ["username", "USERNAME_EXISTS"],
    ["email", "EMAIL_EXISTS"],
    ["phoneNumber", "PHONE_NUMBER_EXISTS"],
  ] as const)("of ten parallel sign-ups with one %s one wins, the others get %s", async (field, code) => {
    const shared = givenInput()[field];
    const inputs = Array.from({ length: 10 }, () => givenInput({ [field]: shared }));
    const answers = await Promise.all(inputs.map(signUp));
    const losers = inputs.filter((_, index) => answers[index]?.status !== 200);
    expect(losers).toHaveLength(9);
    expect(answers.flatMap((answer) => answer.error?.data.domain?.code ?? [])).toEqual(
      Array.from({ length: 9 }, () => code),
    );
    // Under the one username there is the winner; under the others there is nothing.
    for (const loser of losers)
      expect(await countRows(loser.username)).toEqual(loser.username === shared ? complete : nothing);
    const again = await Promise.all(
      losers.map((loser) => signUp({ ...loser, [field]: givenInput()[field] })),
    );
    expect(again.map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 200));
  });
});

test.each(["usertable", "password_history", "customertable", "customer_wallet"])(
  "when writing %s fails nothing is left, and the same sign-up succeeds afterwards",
  async (table) => {
    await app.sql.query(`
      create or replace function fail() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
      create trigger broken before insert on ${table} for each row execute function fail()`);
    const input = givenInput();
    expect(await signUp(input)).toMatchObject({
      status: 500,
      error: { data: { domain: null, fields: null } },
    });
    expect(await countRows(input.username)).toEqual(nothing);
    await app.sql.query(`drop trigger broken on ${table}`);
    expect(await signUp(input)).toMatchObject({ status: 200 });
    expect(await countRows(input.username)).toEqual(complete);
  },
);

test("there are ten questions to choose from, in one order", async () => {
  const questions = await app.sql.query("select id, question from security_questions order by id");
  expect(questions).toHaveLength(10);
  expect((await query(app, "auth.securityQuestions")).data).toEqual(questions);
});
