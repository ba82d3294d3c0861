import type { Connection } from "@skyfox/db";
import { startRelay, type Relay } from "./relay.ts";

/** A statement that the database has run, with what it read for it. */
export interface ReadStatement {
  /** Sent by way of the proxy, or run by a function, a trigger or a foreign key. */
  text: string;
  /** Rows that it read and did not answer with, lock or change. */
  unused: number;
  plan: Plan;
}

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) tells it. */
interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: Plan[];
}

/** A way to the database that reads the plan of every statement that runs over it. */
export interface PlanRecorder extends Relay {
  statements: ReadStatement[];
}

/**
 * Makes a database tell the plans of what new connections run, as it ran, and starts a proxy on loopback that reads them. A prepared statement
 * is planned for any values, as most of its runs are.
 */
export async function startPlanRecorder(sql: Connection, databaseUrl: string): Promise<PlanRecorder> {
  const [{ name } = {}] = await sql.query("select current_database() as name");
  const settings = {
    session_preload_libraries: "auto_explain",
    plan_cache_mode: "force_generic_plan",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_level": "notice",
  };
  await sql.query("load 'auto_explain'");
  for (const [setting, value] of Object.entries(settings))
    await sql.query(`alter database "${String(name)}" set ${setting} = '${value}'`);

  const statements: ReadStatement[] = [];
  const relay = await startRelay(databaseUrl, (_client, upstream) => {
    const readNotices = createNoticeReader((notice) => {
      const at = notice.indexOf("plan:\n");
      if (at < 0) return;
      const logged = JSON.parse(notice.slice(at + "plan:\n".length)) as { "Query Text": string; Plan: Plan };
      statements.push({ text: logged["Query Text"], unused: countUnused(logged.Plan), plan: logged.Plan });
    });
    upstream.on("data", readNotices);
  });
  return { ...relay, statements };
}

// The messages of the protocol: a letter, a length that counts itself, and what is in it; a notice has fields that end in zero.
function createNoticeReader(onNotice: (message: string) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    for (;;) {
      if (rest.length < 5) return;
      const end = 1 + rest.readInt32BE(1);
      if (rest.length < end) return;
      if (rest[0] === "N".charCodeAt(0)) {
        const fields = rest.toString("utf8", 5, end).split("\0");
        const message = fields.find((field) => field.startsWith("M"));
        if (message !== undefined) onNotice(message.slice(1));
      }
      rest = rest.subarray(end);
    }
  };
}

/** Rows that the scans of a plan read, without those that it answers with, locks or changes. */
export function countUnused(plan: Plan): number {
  let read = 0;
  let used = plan["Actual Rows"] * plan["Actual Loops"];
  const visit = (node: Plan) => {
    const loops = node["Actual Loops"];
    if (node["Relation Name"] !== undefined && node["Node Type"].endsWith("Scan")) {
      const dropped = (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0);
      read += (node["Actual Rows"] + dropped) * loops;
    }
    if (node["Node Type"] === "LockRows") used += node["Actual Rows"] * loops;
    if (node["Node Type"] === "ModifyTable")
      used += (node.Plans?.[0]?.["Actual Rows"] ?? 0) * (node.Plans?.[0]?.["Actual Loops"] ?? 0);
    for (const child of node.Plans ?? []) visit(child);
  };
  visit(plan);
  return Math.max(0, Math.round(read - used));
}
