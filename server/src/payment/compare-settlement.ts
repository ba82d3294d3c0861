import type { Readable } from "node:stream";
import { withSettlementTables, type Db, type SettlementDifference, type SettlementLine } from "@skyfox/db";
import { CsvError, parse, type Info } from "csv-parse";
import { parseAmount } from "../contract/index.ts";

const batchSize = 5_000;
const pageSize = 1_000;
const maxNamedLines = 20;
// Five values of at most 255 characters, and whatever other columns a gateway adds.
const maxLineBytes = 65_536;

const columns = ["key", "reference", "amount", "kind", "time"] as const;

/** The file cannot be compared: what is wrong with it, each line by its number, the first twenty. */
export class UnusableSettlement extends Error {
  override readonly name = "UnusableSettlement";
}

/** What was compared. */
export interface SettlementComparison {
  lines: number;
  /** The times of the file's first and last entry. */
  from: Date;
  to: Date;
  differences: number;
}

/**
 * Compares a gateway's settlement file (the columns of server/docs/payments-compare.md) with our payments and refunds, and tells each
 * difference. It holds some thousands of lines at a time, however long the file is. Throws `UnusableSettlement` before it compares anything.
 */
export async function compareSettlement(
  db: Db,
  open: () => Readable,
  tell: (difference: SettlementDifference) => void,
): Promise<SettlementComparison> {
  return await withSettlementTables(db, async (tables) => {
    const complaints: string[] = [];
    let complaintCount = 0;
    let lines = 0;
    let batch: SettlementLine[] = [];
    const complain = (complaint: string) => {
      complaintCount += 1;
      if (complaints.length < maxNamedLines) complaints.push(complaint);
    };
    for await (const read of readEntries(open())) {
      if (typeof read === "string") {
        complain(read);
        continue;
      }
      lines += 1;
      batch.push(read);
      if (batch.length < batchSize) continue;
      await tables.add(batch);
      batch = [];
    }
    const unnamed = complaintCount - complaints.length;
    if (unnamed > 0) complaints.push(`${unnamed} more lines cannot be read.`);
    if (complaints.length > 0) throw new UnusableSettlement(complaints.join("\n"));
    if (lines === 0) throw new UnusableSettlement("The file has no entries, so it covers no period.");
    await tables.add(batch);

    const compared = await tables.compare();
    for (let after = 0; after < compared.differences; after += pageSize)
      for (const difference of await tables.listDifferences({ after, limit: pageSize })) tell(difference);
    return { lines, ...compared };
  });
}

/** Each entry, or what is wrong with its line. */
async function* readEntries(file: Readable): AsyncGenerator<SettlementLine | string> {
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxLineBytes,
  });
  file.on("error", (error) => parser.destroy(error));
  file.pipe(parser);
  let names: string[] | undefined;
  try {
    for await (const read of parser) {
      const { record, info } = read as { record: string[]; info: Info };
      if (names === undefined) names = readHeader(record);
      else yield readEntry(names, record, info.lines);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    yield `Line ${String(error["lines"])}: ${error.message}.`;
  } finally {
    file.destroy();
  }
}

function readHeader(record: string[]): string[] {
  const names = record.map((name) => name.trim());
  const missing = ["amount", "kind", "time"].filter((name) => !names.includes(name));
  if (!names.includes("key") && !names.includes("reference")) missing.unshift("key or reference");
  if (missing.length > 0)
    throw new UnusableSettlement(`Line 1 has to name the columns. These are missing: ${missing.join(", ")}.`);
  const twice = columns.filter((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice.length > 0) throw new UnusableSettlement(`Line 1 names a column twice: ${twice.join(", ")}.`);
  return names;
}

function readEntry(names: string[], record: string[], line: number): SettlementLine | string {
  if (record.length !== names.length)
    return `Line ${line} has ${record.length} values, and line 1 has ${names.length} columns.`;
  const read = (name: (typeof columns)[number]) => record[names.indexOf(name)]?.trim() ?? "";
  const [key, reference, amount, kind] = [read("key"), read("reference"), read("amount"), read("kind")];
  const time = readInstant(read("time"));
  const isKind = kind === "charge" || kind === "refund";
  const isAmount = /^\d{1,10}(\.\d{1,2})?$/.test(amount) && /[1-9]/.test(amount);
  const problems = [
    key === "" && reference === "" && "it has neither key nor reference",
    !identifier.test(key) && "the key is no text of at most 255 printable ASCII characters without spaces",
    !identifier.test(reference) &&
      "the reference is no text of at most 255 printable ASCII characters without spaces",
    !isAmount && "the amount is not more than 0 with at most two decimals, such as 200.00",
    !isKind && "the kind is neither charge nor refund",
    time === undefined && "the time is not ISO 8601 with its zone, such as 2026-03-10T12:00:00+05:30",
  ].filter((problem) => problem !== false);
  if (problems.length > 0 || !isKind || time === undefined) return `Line ${line}: ${problems.join("; ")}.`;
  return { line, key: key || null, reference: reference || null, amount: parseAmount(amount), kind, time };
}

const identifier = /^[!-~]{0,255}$/;

function readInstant(text: string): string | undefined {
  if (!/^[12]\d{3}-[^[]+$/.test(text)) return undefined;
  try {
    return Temporal.Instant.from(text).toString();
  } catch {
    return undefined;
  }
}
