import { CompiledQuery, createQueryId, type KyselyPlugin, type RootOperationNode } from "kysely";
import { afterAll, expect, test } from "vitest";
import { createTestDatabase } from "../../embedded/test-database.ts";
import { openDatabase, type Tx } from "../connect.ts";
import { listEventsSinceLogin } from "./audit.ts";

const { url } = await createTestDatabase();
const db = openDatabase(url);
afterAll(() => db.destroy());

test("the notices of a login are one statement that finds all by its index, however long the history is", async () => {
  await db.executeQuery(
    CompiledQuery.raw(
      `insert into audit_entry (at, action, subject, address, request_id)
       select now(), case n % 5000 when 0 then 'logged-in' when 1 then 'password-reset' else 'logged-out' end,
         'customer-' || n % 2, 'a', 'r'
       from generate_series(1, 20000) n`,
    ),
  );
  await db.executeQuery(CompiledQuery.raw("analyze audit_entry"));
  const statements: RootOperationNode[] = [];
  const recording: KyselyPlugin = {
    transformQuery({ node }) {
      statements.push(node);
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  const events = await listEventsSinceLogin(db.withPlugin(recording) as unknown as Tx, "customer-1", 20);
  expect(events.map(({ action }) => action)).toEqual(Array<string>(4).fill("password-reset"));
  expect(statements).toHaveLength(1);

  const { sql, parameters } = db.getExecutor().compileQuery(statements[0]!, createQueryId());
  const { rows } = await db.executeQuery(CompiledQuery.raw(`explain ${sql}`, [...parameters]));
  const plan = (rows as { "QUERY PLAN": string }[]).map((row) => row["QUERY PLAN"]).join("\n");
  expect(plan.match(/using audit_entry_notices/g)).toHaveLength(2);
  expect(plan).not.toMatch(/Seq Scan|Sort/);
});
