import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
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
};

/**
 * Opens the books, in memory or in a file that is replaced as a whole before an entry counts. Throws when the file
 * is there and is not a gateway's books.
 */
export function openBooks(file: string | undefined): Books {
  const { attempts, refunds } = file === undefined ? { attempts: [], refunds: [] } : readBooks(file);
  const save = (contents: z.infer<typeof fileSchema>) => {
    if (file !== undefined) writeBooks(file, JSON.stringify(contents, undefined, 2));
  };
  return {
    attempts: () => [...attempts],
    refunds: () => [...refunds],
    findAttempt: (key) => attempts.find((attempt) => attempt.key === key),
    findTransaction: (transactionId) => attempts.find((attempt) => attempt.transactionId === transactionId),
    findRefund: (key) => refunds.find((refund) => refund.key === key),
    refundable: (attempt) => refundableOf(attempt, refunds),
    addAttempt: (attempt) => {
      save({ attempts: [...attempts, attempt], refunds });
      attempts.push(attempt);
    },
    addRefund: (refund) => {
      save({ attempts, refunds: [...refunds, refund] });
      refunds.push(refund);
    },
  };
}

function refundableOf(attempt: Attempt, refunds: readonly Refund[]): Decimal {
  if (attempt.status === "FAILED") return new Decimal(0);
  return refunds
    .filter((refund) => refund.transactionId === attempt.transactionId)
    .reduce((left, refund) => left.minus(refund.amount), new Decimal(attempt.amount));
}

function readBooks(file: string): z.infer<typeof fileSchema> {
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
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}
