import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect, onTestFinished, test } from "vitest";
import { runScript } from "./test/run-script.ts";

const key = "11111111-1111-4111-8111-111111111111";
const header = "key,amount,kind,time\n";
const charge = `${key},200.00,charge,2026-03-10T12:00:01+05:30\n`;

/** A database with one top-up by card, charged under our one key at noon. */
async function givenPayment(): Promise<{ DATABASE_URL: string }> {
  const { url } = await createTestDatabase();
  const sql = await connectOnce(url);
  onTestFinished(() => sql.end());
  await sql.query(`
    set session_replication_role = replica;
    insert into payment_transaction (username, payment_method, amount, card_amount, status, transaction_id, gateway_key, started_at, processed_at)
    values ('customer', 'Card', 200, 200, 'Completed', 'txn_1', '${key}', '2026-03-10T12:00:00+05:30', '2026-03-10T12:00:01+05:30');
    set session_replication_role = origin`);
  return { DATABASE_URL: url };
}

async function givenFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skyfox-settlement-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "settlement.csv");
  await writeFile(path, text);
  return path;
}

async function compare(settings: Record<string, string>, args: string[]) {
  const script = runScript("compare-payments.ts", settings, { args });
  const code = await script.ended;
  return { code, output: script.output() };
}

test("npm run payments:compare ends with 0 when all is equal", async () => {
  const { code, output } = await compare(await givenPayment(), [await givenFile(header + charge)]);
  expect({ code, output }).toEqual({
    code: 0,
    output: "1 entries from 2026-03-10T06:30:01.000Z to 2026-03-10T06:30:01.000Z: all equal.\n",
  });
});

test("it names each difference on a line of its own and ends with 1", async () => {
  const others = `other,70,refund,2026-03-10T11:00:00+05:30\n${charge.replace("200.00", "199.99")}`;
  const { code, output } = await compare(await givenPayment(), [await givenFile(header + others + charge)]);
  expect(output.split("\n")).toEqual([
    "not-in-our-books: line 2, refund of 70.00, key other: not in our books",
    `amount: line 3, charge of 199.99, key ${key}: another amount than in our books: 200.00 (payment 1, Completed)`,
    `doubled: line 4, charge of 200.00, key ${key}: an earlier line has it already (payment 1, Completed)`,
    "3 entries from 2026-03-10T05:30:00.000Z to 2026-03-10T06:30:01.000Z: 3 differences. Look at each of them.",
    "",
  ]);
  expect(code).toBe(1);
});

test("a payment that the file lacks is named", async () => {
  const around = ["2026-03-10T06:00:00Z", "2026-03-10T07:00:00Z"]
    .map((time, index) => `other-${index},1,charge,${time}\n`)
    .join("");
  const { code, output } = await compare(await givenPayment(), [await givenFile(header + around)]);
  expect(output).toContain(
    `not-in-the-file: payment 1, Completed, charge of 200.00, key ${key}, reference txn_1: not in the file\n`,
  );
  expect(code).toBe(1);
});

test("a file that cannot be compared ends with 2 and names its lines", async () => {
  const path = await givenFile(`${header}${charge}${key},200.00,fee,2026-03-10T12:00:01+05:30\n`);
  const { code, output } = await compare(await givenPayment(), [path]);
  expect({ code, output }).toEqual({
    code: 2,
    output: `${path} cannot be compared:\nLine 3: the kind is neither charge nor refund.\nMend the file and start again.\n`,
  });
});

test("a file that is not there, and a database that cannot be reached, end with 2", async () => {
  const settings = await givenPayment();
  const missing = await compare(settings, ["/nowhere/settlement.csv"]);
  expect(missing).toMatchObject({ code: 2, output: expect.stringContaining("ENOENT") as string });
  const path = await givenFile(header + charge);
  const unreachable = await compare({ DATABASE_URL: "postgres://127.0.0.1:1/none" }, [path]);
  expect(unreachable).toMatchObject({
    code: 2,
    output: expect.stringContaining("The database cannot be reached") as string,
  });
  const unset = await compare({ APP_ENV: "production" }, [path]);
  expect(unset).toMatchObject({
    code: 2,
    output: expect.stringContaining("DATABASE_URL is not set") as string,
  });
});

test.each([[[]], [["one.csv", "two.csv"]], [["--from"]]])("with %j it says how to call it", async (args) => {
  const { code, output } = await compare({}, args);
  expect(code).toBe(2);
  expect(output).toContain("npm run payments:compare -- <settlement.csv>");
});
