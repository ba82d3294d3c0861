import { createReadStream } from "node:fs";
import { openDatabase, type SettlementDifference } from "@skyfox/db";
import { compareSettlement, UnusableSettlement } from "../server/src/payment/compare-settlement.ts";
import { describeFailure, withDatabase } from "./database.ts";

const usage =
  "npm run payments:compare -- <settlement.csv>: the columns are in server/docs/payments-compare.md";

// A year's file is sorted and joined in one statement each.
const statementMs = 30 * 60_000;

const [file, ...rest] = process.argv.slice(2);
if (file === undefined || rest.length > 0 || file.startsWith("-")) {
  console.error(`Name one file to compare with the payments:\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    await withDatabase((url) => compare(url, file));
  } catch (error) {
    console.error(
      error instanceof UnusableSettlement
        ? `${file} cannot be compared:\n${error.message}\nMend the file and start again.`
        : describeFailure(error),
    );
    process.exitCode = 2;
  }
}

async function compare(url: string, path: string): Promise<void> {
  const db = openDatabase(url, { maxConnections: 1, statementMs });
  try {
    const { lines, from, to, differences } = await compareSettlement(
      db,
      () => createReadStream(path),
      (one) => console.log(describe(one)),
    );
    const period = `${lines} entries from ${from.toISOString()} to ${to.toISOString()}`;
    console.log(
      differences === 0
        ? `${period}: all equal.`
        : `${period}: ${differences} differences. Look at each of them.`,
    );
    if (differences > 0) process.exitCode = 1;
  } finally {
    await db.destroy();
  }
}

function describe(difference: SettlementDifference): string {
  const { problem, kind, key, reference, line, paymentId, status, amount, ourAmount } = difference;
  const what = [
    `${kind} of ${(amount ?? ourAmount)?.toFixed(2)}`,
    key !== null && `key ${key}`,
    reference !== null && `reference ${reference}`,
  ].filter((part) => part !== false);
  const ours = paymentId === null ? "" : `payment ${paymentId}, ${status}`;
  const place = line === null ? ours : `line ${line}`;
  const said = {
    "not-in-our-books": ours === "" ? "not in our books" : `did not succeed in our books (${ours})`,
    "not-in-the-file": "not in the file",
    amount: `another amount than in our books: ${ourAmount?.toFixed(2)} (${ours})`,
    kind: `another kind than in our books (${ours})`,
    reference: `the reference is that of another charge (${ours})`,
    doubled: `an earlier line has it already (${ours})`,
  };
  return `${problem}: ${place}, ${what.join(", ")}: ${said[problem]}`;
}
