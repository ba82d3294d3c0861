import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connectOnce, type Connection } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect, onTestFinished, test } from "vitest";
import { fillTables } from "../server/test/fill-tables.ts";
import { runScript } from "./test/run-script.ts";

const count = 1_000_000;
// A tenth of the file differs, so that the differences do not fit into memory either.
const isDifferent = (n: number) => n % 10 === 0;
// What the script takes before it reads a line is some thirty of these; the file's lines alone would take several hundred.
const heapMb = 64;

test(
  "a settlement of a million lines is compared in constant memory, and each of its 100,000 differences is printed",
  { timeout: 600_000 },
  async () => {
    const { url } = await createTestDatabase();
    const sql = await connectOnce(url);
    onTestFinished(() => sql.end());
    await fillTables(sql, ["payment_transaction"], () => givenPayments(sql));
    await sql.query("analyze");
    const folder = await mkdtemp(join(tmpdir(), "skyfox-settlement-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "settlement.csv");
    await pipeline(Readable.from(settlement()), createWriteStream(file));

    const startedAt = performance.now();
    const NODE_OPTIONS = `--max-old-space-size=${heapMb}`;
    const script = runScript("compare-payments.ts", { DATABASE_URL: url, NODE_OPTIONS }, { args: [file] });
    const code = await script.ended;
    const seconds = (performance.now() - startedAt) / 1_000;
    const lines = script.output().trimEnd().split("\n");
    console.log(
      `Settlement: ${count} lines compared in ${seconds.toFixed(0)} s with at most ${heapMb} MB of heap, ${lines.length - 1} differences.`,
    );
    expect(lines.at(-1)).toMatch(/^1000000 entries from .*: 100000 differences\./);
    expect([lines.length, code]).toEqual([count / 10 + 1, 1]);
    expect(lines[0]).toMatch(/^amount: line 2, charge of 2\.00, .*: 1\.00 \(payment 1, Completed\)$/);
  },
);

/** Straight into the table, one a second. */
async function givenPayments(sql: Connection): Promise<void> {
  await sql.query(`
    insert into payment_transaction (username, payment_method, amount, card_amount, status, transaction_id, gateway_key, started_at, processed_at)
      select 'customer', 'Card', 1, 1, 'Completed', 'txn_' || n, md5(n::text)::uuid, at, at
      from generate_series(0, ${count - 1}) n, lateral (select '2026-01-01'::timestamptz + n * interval '1 second' as at) t;
  `);
}

function* settlement(): Generator<string> {
  yield "reference,amount,kind,time\n";
  const start = Temporal.Instant.from("2026-01-01T00:00:00Z");
  for (let n = 0; n < count; n += 1)
    yield `txn_${n},${isDifferent(n) ? 2 : 1}.00,charge,${start.add({ seconds: n }).toString()}\n`;
}
