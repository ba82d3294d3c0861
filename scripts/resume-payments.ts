import {
  databaseTime,
  insertAuditEntry,
  inTransaction,
  openDatabase,
  resumeRefunds,
  sumPendingRefunds,
} from "@skyfox/db";
import { waitingNote } from "../server/src/payment/waiting-refunds.ts";
import { describeFailure, withDatabase } from "./database.ts";

try {
  await withDatabase(run);
} catch (error) {
  console.error(describeFailure(error));
  process.exitCode = 1;
}

async function run(url: string): Promise<void> {
  const db = openDatabase(url, { maxConnections: 1 });
  try {
    const resumed = await inTransaction(db, async (tx) => {
      if (!(await resumeRefunds(tx, waitingNote))) return undefined;
      const { count, amount } = await sumPendingRefunds(tx);
      await insertAuditEntry(tx, {
        at: await databaseTime(tx),
        action: "refunds-resumed",
        actor: null,
        subject: null,
        address: "unknown",
        requestId: "payments:resume",
        details: { refunds: count, amount: amount.toFixed(2) },
      });
      return { count, amount };
    });
    if (resumed === undefined) console.log("No refunds wait.");
    else
      console.log(
        `Refunds go to the card gateway again: ${resumed.count} of ${resumed.amount.toFixed(2)} in all, within seconds.`,
      );
  } finally {
    await db.destroy();
  }
}
