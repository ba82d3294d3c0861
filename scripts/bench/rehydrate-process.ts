// A process of its own: arms a monitor for every hold of a database as a server does at its start, and tells what that took as a JSON line.
import { openDatabase } from "@skyfox/db";
import { createExpiryMonitors } from "../../server/src/booking/expiry-monitors.ts";
import { startDatabaseClock } from "../../server/src/runtime/clock.ts";
import { createProcessLogger } from "../../server/src/runtime/logger.ts";

const [url = ""] = process.argv.slice(2);
const db = openDatabase(url);
const logger = createProcessLogger("error");
const clock = await startDatabaseClock(db, logger);
const monitors = createExpiryMonitors({ db, clock, logger });
const before = process.memoryUsage.rss();
const startedAt = performance.now();
const holds = await monitors.rehydrate();
const seconds = (performance.now() - startedAt) / 1_000;
const megabytes = (process.memoryUsage.rss() - before) / 1_048_576;
await monitors.close();
clock.close();
await db.destroy();
process.stdout.write(`${JSON.stringify({ holds, seconds, megabytes })}\n`);
