import { booksApplicationName, connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect, onTestFinished, test } from "vitest";
import { openBooks } from "./check-books.ts";

test("the books are read under a name of their own, by which a migration ends the reading", async () => {
  const { url } = await createTestDatabase();
  const books = openBooks(url);
  const sql = await connectOnce(url);
  await sql.query(
    "create or replace view integrity_violation as select 'rule' as rule, 'subject' as subject, pg_sleep(600)::text as details",
  );
  const ended = books.listViolations().catch((error: unknown) => error);
  await expect
    .poll(
      () =>
        sql.query(
          "select pg_cancel_backend(pid) as ended from pg_stat_activity where datname = current_database() and application_name = $1 and state = 'active'",
          [booksApplicationName],
        ),
      { timeout: 20_000 },
    )
    .toEqual([{ ended: true }]);
  expect(await ended).toMatchObject({ code: "57014" });
  await sql.end();
  await books.close();
});

test("closing the books ends their reading in Postgres too, and the caller is told to come back", async () => {
  const { url } = await createTestDatabase();
  const lost: Error[] = [];
  const books = openBooks(url, { onConnectionError: (error) => lost.push(error) });
  const sql = await connectOnce(url);
  onTestFinished(() => sql.end());
  await sql.query(
    "create or replace view integrity_violation as select 'rule' as rule, 'subject' as subject, pg_sleep(600)::text as details",
  );
  const problemOfReading = () => books.listViolations().catch((error: unknown) => error);
  const ended = problemOfReading();
  const listReaders = () =>
    sql.query(
      "select state, wait_event from pg_stat_activity where datname = current_database() and application_name = $1",
      [booksApplicationName],
    );
  await expect.poll(listReaders, { timeout: 20_000 }).toEqual([{ state: "active", wait_event: "PgSleep" }]);
  await books.close();
  expect(await listReaders()).toEqual([]);
  const refusal = { problem: { code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds: 2 } } };
  expect(await ended).toMatchObject(refusal);
  expect(await problemOfReading()).toMatchObject(refusal);
  expect(lost).toEqual([]);
});
