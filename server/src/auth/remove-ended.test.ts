import { beginTopUp, insertKey, inTransaction } from "@skyfox/db";
import { expect, test } from "vitest";
import { givenCustomer, testAnswer, testPassword } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { Decimal } from "../contract/index.ts";
import { logIn } from "./log-in.ts";
import { logOut } from "./log-out.ts";
import { verifySecurityAnswer } from "./recover-account.ts";
import { removeEnded } from "./remove-ended.ts";

const app = await createTestApp();
const { deps } = app;

test("what has ended is removed, and what lives stays", async () => {
  const caller = { address: "198.51.100.1", requestId: "of-the-tests" };
  const user = await givenCustomer(deps);
  const { username } = user;
  await logIn(deps, caller, { username, password: testPassword });
  await logOut(deps, user, { everywhere: false });
  await verifySecurityAnswer(deps, caller, { email: `${username}@example.com`, securityAnswer: testAnswer });
  await app.sql.query("insert into rate_limit (key, points, expire) values ('over', 1, 1)");
  await removeEnded(deps);
  const count = async () => {
    const rows = await app.sql.query(
      `select (select count(*)::int from session) as sessions, (select count(*)::int from password_reset_tokens) as tokens,
         (select count(*)::int from rate_limit where key = 'over') as limits`,
    );
    return rows[0];
  };
  expect(await count()).toEqual({ sessions: 1, tokens: 1, limits: 0 });
  app.clock.advance(24 * 3_600_000);
  await removeEnded(deps);
  expect(await count()).toEqual({ sessions: 0, tokens: 0, limits: 0 });
});

test("an idempotency key is removed once it is over, but not while its payment is under way", async () => {
  const { username } = await givenCustomer(deps);
  const now = deps.clock.now();
  const expiresAt = new Date(now.getTime() + 60_000);
  const call = { username, procedure: "wallet.addFunds", fingerprint: Buffer.alloc(32) };
  await inTransaction(deps.db, async (tx) => {
    await insertKey(tx, { ...call, key: "over" }, { now, expiresAt });
    await insertKey(tx, { ...call, key: "living" }, { now, expiresAt: new Date(expiresAt.getTime() + 1) });
  });
  const topUp = { username, amount: new Decimal(10), maxBalance: new Decimal(10) };
  const started = { ...call, key: "started", now, expiresAt };
  const begun = await beginTopUp(deps.db, topUp, {
    key: started,
    time: now,
    askAfterMs: 0,
    tried: undefined,
  });
  const paymentId = "payment" in begun ? begun.payment.id : undefined;
  const keys = async () => {
    const rows = await app.sql.query("select key from idempotency_key order by key");
    return rows.map(({ key }) => key as string);
  };
  await removeEnded(deps);
  expect(await keys()).toEqual(["living", "over", "started"]);
  app.clock.advance(60_000);
  await removeEnded(deps);
  expect(await keys()).toEqual(["living", "started"]);
  app.clock.advance(1);
  await app.sql.query("update payment_transaction set status = 'Unknown' where id = $1", [paymentId]);
  await removeEnded(deps);
  expect(await keys()).toEqual(["started"]);
  await app.sql.query("update payment_transaction set status = 'Failed', processed_at = $2 where id = $1", [
    paymentId,
    now,
  ]);
  await removeEnded(deps);
  expect(await keys()).toEqual([]);
});

test("more than a batch of what has ended is removed in one round, by several statements", async () => {
  const now = deps.clock.now();
  await app.sql.query(
    `insert into session (id, username, created_at, expires_at)
     select gen_random_uuid(), (select username from usertable limit 1), $1::timestamptz - interval '1 day', $1 from generate_series(1, 5001)`,
    [now],
  );
  await app.sql.query(
    `insert into idempotency_key (username, procedure, key, fingerprint, answer, created_at, expires_at)
     select (select username from usertable limit 1), 'booking.initialize', 'many-' || n, decode(repeat('00', 32), 'hex'), '{}', $1::timestamptz - interval '1 day', $1
     from generate_series(1, 5001) n`,
    [now],
  );
  await app.sql.query(
    "insert into rate_limit (key, points, expire) select 'over-' || n, 1, 1 from generate_series(1, 5001) n",
  );
  await app.sql.query(
    `create table removed (what text, count int);
     create function count_removed() returns trigger language plpgsql as $$
     begin insert into removed select tg_table_name, count(*) from gone having count(*) > 0; return null; end $$;
     create trigger removed after delete on session referencing old table as gone for each statement execute function count_removed();
     create trigger removed after delete on idempotency_key referencing old table as gone for each statement execute function count_removed();
     create trigger removed after delete on rate_limit referencing old table as gone for each statement execute function count_removed()`,
  );
  await removeEnded(deps);
  const removed = await app.sql.query(
    "select what, sum(count)::int as sum, max(count) as most from removed group by what order by what",
  );
  expect(removed).toEqual(
    ["idempotency_key", "rate_limit", "session"].map((what) => ({ what, sum: 5_001, most: 5_000 })),
  );
});
