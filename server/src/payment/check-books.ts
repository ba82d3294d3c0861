import { listViolations } from "@skyfox/db";
import type { Deps, Metrics } from "../deps.ts";

/** Looks whether the books add up, and says so in the log and the metrics when they do not. Answers what is broken. */
export async function checkBooks({
  db,
  logger,
  metrics,
}: Pick<Deps, "db" | "logger"> & { metrics?: Metrics | undefined }) {
  const violations = await listViolations(db);
  metrics?.setViolations(violations.length);
  if (violations.length > 0) {
    logger.error({ violations }, "The books do not add up: see admin.integrity and mend them by hand.");
  }
  return violations;
}
