import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Decimal } from "decimal.js";
import { z } from "zod";

const attemptSchema = z.strictObject({
  key: z.string(),
  /** A hash of what was asked, to tell a repetition from another payment under the same key. */
  fingerprint: z.string(),
  status: z.enum(["SUCCESS", "FAILED"]),
  transactionId: z.string(),
  requestId: z.string(),
  amount: z.string(),
  at: z.string(),
});

const refundSchema = z.strictObject({
  key: z.string(),
  transactionId: z.string(),
  refundId: z.string(),
  requestId: z.string(),
  amount: z.string(),
  at: z.string(),
});

const fileSchema = z.strictObject({ attempts: z.array(attemptSchema), refunds: z.array(refundSchema) });

type Contents = z.infer<typeof fileSchema>;

/** A payment that reached a definite outcome: `SUCCESS` took the money, `FAILED` is a decline. */
export type Attempt = z.infer<typeof attemptSchema>;

/** Money given back for one charge. The amount has two decimals. */
export type Refund = z.infer<typeof refundSchema>;

/** The gateway's own record, which never holds card data. */
export type Books = {
  attempts(): readonly Attempt[];
  refunds(): readonly Refund[];
  findAttempt(key: string): Attempt | undefined;
  findTransaction(transactionId: string): Attempt | undefined;
  findRefund(key: string): Refund | undefined;
  /** What is left to give back of an attempt: nothing of a decline. */
  refundable(attempt: Attempt): Decimal;
  addAttempt(attempt: Attempt): void;
  addRefund(refund: Refund): void;
  /** Runs what looks at the books and then adds to them, while no other gateway can add anything. */
  exclusively<Result>(work: () => Result): Result;
};

/** Where the entries are kept. */
type Storage = Pick<Books, "exclusively"> & { read(): Contents; write(contents: Contents): void };

/**
 * Opens the books, in memory or in a file that is replaced as a whole before an entry counts. Gateways of several processes may have the same
 * file: each sees what the others add. Throws when the file is there and is not a gateway's books.
 */
export function openBooks(file: string | undefined): Books {
  const { read, write, exclusively } = file === undefined ? keepInMemory() : keepInFile(file);
  return {
    attempts: () => read().attempts,
    refunds: () => read().refunds,
    findAttempt: (key) => read().attempts.find((attempt) => attempt.key === key),
    findTransaction: (transactionId) =>
      read().attempts.find((attempt) => attempt.transactionId === transactionId),
    findRefund: (key) => read().refunds.find((refund) => refund.key === key),
    refundable: (attempt) => refundableOf(attempt, read().refunds),
    addAttempt: (attempt) => {
      const { attempts, refunds } = read();
      write({ attempts: [...attempts, attempt], refunds });
    },
    addRefund: (refund) => {
      const { attempts, refunds } = read();
      write({ attempts, refunds: [...refunds, refund] });
    },
    exclusively,
  };
}

function keepInMemory(): Storage {
  let contents: Contents = { attempts: [], refunds: [] };
  return {
    read: () => contents,
    write: (next) => {
      contents = next;
    },
    exclusively: (work) => work(),
  };
}

function keepInFile(file: string): Storage {
  mkdirSync(dirname(file), { recursive: true });
  // The version first: what another gateway writes in between is read again.
  let version = versionOf(file);
  let contents = readBooks(file);
  return {
    read: () => {
      const current = versionOf(file);
      if (current !== version) contents = readBooks(file);
      version = current;
      return contents;
    },
    write: (next) => writeBooks(file, JSON.stringify(next, undefined, 2)),
    exclusively: (work) => {
      // The lock of an SQLite file ends with its process, also after kill -9.
      using lock = new DatabaseSync(`${file}.lock`, { timeout: lockWaitMs });
      lock.exec("begin exclusive");
      return work();
    },
  };
}

const lockWaitMs = 5_000;

// The file is replaced as a whole, so that each version is a file of its own.
function versionOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.mtimeNs} ${found.size}`;
}

function refundableOf(attempt: Attempt, refunds: readonly Refund[]): Decimal {
  if (attempt.status === "FAILED") return new Decimal(0);
  return refunds
    .filter((refund) => refund.transactionId === attempt.transactionId)
    .reduce((left, refund) => left.minus(refund.amount), new Decimal(attempt.amount));
}

function readBooks(file: string): Contents {
  const text = findText(file);
  if (text === undefined) return { attempts: [], refunds: [] };
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${file} does not hold a payment gateway's books. Restore it, or delete it to start afresh.`,
      {
        cause,
      },
    );
  }
}

function findText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function writeBooks(file: string, text: string): void {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}
