import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db } from "../connect.ts";

/** One line of a gateway's settlement file. It names its charge or refund by our key, by the reference of the charge, or by both. */
export interface SettlementLine {
  line: number;
  /** The Idempotency-Key that we sent. */
  key: string | null;
  /** The gateway's reference of the charge; for a refund, of the charge that it gives back. */
  reference: string | null;
  amount: Decimal;
  kind: SettlementKind;
  /** An instant, as ISO 8601. */
  time: string;
}

export type SettlementKind = "charge" | "refund";

/**
 * One way in which the file and our books differ.
 * - `not-in-our-books`: the file has it; we have nothing with its key or reference, or it did not succeed here (`status` says so)
 * - `not-in-the-file`: we have it, and it lies wholly in the file's period
 * - `amount`, `kind`, `reference`: both have it, with another amount, as the other kind, or with another reference of the charge
 * - `doubled`: a line for what an earlier line of the file has already
 */
export interface SettlementDifference {
  /** Where the next page begins: after this one. */
  position: number;
  problem: "not-in-our-books" | "not-in-the-file" | "amount" | "kind" | "reference" | "doubled";
  /** As the file says, or as our books say when the file has no line. */
  kind: SettlementKind;
  line: number | null;
  key: string | null;
  reference: string | null;
  /** What the file says. */
  amount: Decimal | null;
  /** The payment that was charged or given back. */
  paymentId: number | null;
  status: string | null;
  /** What our books say. */
  ourAmount: Decimal | null;
}

/** A settlement file's lines in temporary tables, on one connection of the database. */
export interface SettlementTables {
  add(lines: SettlementLine[]): Promise<void>;
  /** Compares all lines with what the books are at this moment, and keeps the differences for `listDifferences`. */
  compare(): Promise<{ from: Date; to: Date; differences: number }>;
  /** Differences in the order of the file, then of our payments. */
  listDifferences(page: { after: number; limit: number }): Promise<SettlementDifference[]>;
}

/** Gives temporary tables for one comparison, which are gone when `use` is over. Nothing else is written. */
export async function withSettlementTables<Result>(
  db: Db,
  use: (tables: SettlementTables) => Promise<Result>,
): Promise<Result> {
  return await db.connection().execute(async (connection) => {
    await sql`
      create temporary table settlement_line (
        line int not null, key text, reference text, amount numeric(12, 2) not null, kind text not null, time timestamptz not null
      )`.execute(connection);
    try {
      return await use(tablesOn(connection));
    } finally {
      await sql`drop table if exists settlement_line, settlement_difference`.execute(connection);
    }
  });
}

function tablesOn(connection: Db): SettlementTables {
  return {
    async add(lines) {
      const column = <Value>(read: (line: SettlementLine) => Value) => sql.val(lines.map(read));
      await sql`
        insert into settlement_line (line, key, reference, amount, kind, time)
        select * from unnest(
          ${column(({ line }) => line)}::int[], ${column(({ key }) => key)}::text[], ${column(({ reference }) => reference)}::text[],
          ${column(({ amount }) => amount.toFixed(2))}::numeric[], ${column(({ kind }) => kind)}::text[],
          ${column(({ time }) => time)}::timestamptz[]
        )`.execute(connection);
    },
    async compare() {
      await sql`analyze settlement_line`.execute(connection);
      await findDifferences(connection);
      const { rows } = await sql<{ from: Date; to: Date; differences: number }>`
        select min(time) as "from", max(time) as "to", (select count(*) from settlement_difference) as differences
        from settlement_line`.execute(connection);
      if (rows[0] === undefined) throw new Error("An aggregate has one row.");
      return rows[0];
    },
    async listDifferences({ after, limit }) {
      const { rows } = await sql<SettlementDifference>`
        select position, problem, kind, line, key, reference, amount, payment_id as "paymentId", status, our_amount as "ourAmount"
        from settlement_difference where position > ${after} order by position limit ${limit}`.execute(
        connection,
      );
      return rows;
    },
  };
}

// One statement, so that all of it is compared with one state of the books.
async function findDifferences(connection: Db): Promise<void> {
  await sql`
    create temporary table settlement_difference as
    with ours as materialized (
      select 'charge' as kind, id as payment_id, gateway_key::text as key, transaction_id as reference, card_amount as amount,
        status::text, status = 'Completed' as counts, started_at as begun_at, processed_at as done_at
      from payment_transaction where card_amount > 0
      union all
      select 'refund', p.id, r.gateway_key::text, p.transaction_id, r.card_amount,
        'refund ' || r.state, r.state = 'done', r.created_at, r.done_at
      from payment_refund r join payment_transaction p on p.id = r.payment_id where r.card_amount > 0
    ), by_reference as (
      select distinct on (kind, reference) * from ours where reference is not null order by kind, reference, payment_id
    ), matched as materialized (
      select l.*, o.kind as our_kind, o.payment_id, o.status, o.amount as our_amount, o.counts, o.reference as our_reference,
        row_number() over (partition by o.kind, o.payment_id order by l.line) as turn
      from settlement_line l
      left join ours k on k.key = lower(l.key)
      left join by_reference r on k.key is null and r.kind = l.kind and r.reference = l.reference
      left join lateral (
        select coalesce(k.kind, r.kind) as kind, coalesce(k.payment_id, r.payment_id) as payment_id,
          coalesce(k.status, r.status) as status, coalesce(k.amount, r.amount) as amount, coalesce(k.counts, r.counts) as counts,
          coalesce(k.reference, r.reference) as reference
      ) o on true
    ), period as (
      select min(time) as first, max(time) as last from settlement_line
    ), found as (
      select 'not-in-our-books' as problem, kind, line, key, reference, amount, payment_id, status, our_amount
      from matched where counts is not true and (payment_id is null or our_kind = kind)
      union all
      select 'kind', kind, line, key, reference, amount, payment_id, status, our_amount from matched where our_kind <> kind
      union all
      select 'amount', kind, line, key, reference, amount, payment_id, status, our_amount
      from matched where our_kind = kind and counts and our_amount <> amount
      union all
      select 'reference', kind, line, key, reference, amount, payment_id, status, our_amount
      from matched where our_kind = kind and counts and reference <> our_reference
      union all
      select 'doubled', kind, line, key, reference, amount, payment_id, status, our_amount
      from matched where payment_id is not null and turn > 1
      union all
      select 'not-in-the-file', o.kind, null, o.key, o.reference, null, o.payment_id, o.status, o.amount
      from ours o, period
      -- A charge is made when it is begun, however late we learn of it; a refund may be tried for days.
      where o.counts and o.begun_at >= period.first
        and case o.kind when 'charge' then least(o.done_at, o.begun_at + interval '20 seconds') else o.done_at end <= period.last
        and not exists (select from matched m where m.our_kind = o.kind and m.payment_id = o.payment_id)
    )
    select row_number() over (order by line nulls last, payment_id, kind, problem) as position, found.* from found`.execute(
    connection,
  );
  await sql`create index on settlement_difference (position)`.execute(connection);
}
