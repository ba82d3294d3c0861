import { countPaymentsInDoubt, type Db } from "@skyfox/db";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Logger, Metrics } from "./ports.ts";

/** The server's numbers, as Prometheus reads them. */
export interface ReadableMetrics extends Metrics {
  readonly contentType: string;
  /** All of them as text. What the database does not tell reads NaN. */
  read(): Promise<string>;
}

/** The metrics of the process, and those to alert on: books that do not add up, payments of unknown outcome. */
export function createMetrics({ db, logger }: { db: Db; logger: Logger }): ReadableMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const violations = new Gauge({
    name: "skyfox_integrity_violations",
    help: "What does not add up in the books, by the check at the start and then hourly; NaN before the first one.",
    registers: [registry],
  });
  // Zero would say that all is well.
  violations.set(Number.NaN);
  const inDoubt = new Gauge({
    name: "skyfox_payments_in_doubt",
    help: "Payments of unknown outcome, and refunds that the gateway has not done when it was asked.",
    registers: [registry],
    async collect() {
      inDoubt.set(await countOr(Number.NaN));
    },
  });

  // The other numbers are wanted most when the database does not answer.
  async function countOr(unknown: number): Promise<number> {
    try {
      return await countPaymentsInDoubt(db);
    } catch (error) {
      logger.warn({ err: error }, "The payments in doubt could not be counted.");
      return unknown;
    }
  }

  return {
    contentType: registry.contentType,
    read: () => registry.metrics(),
    setViolations: (count) => violations.set(count),
  };
}
