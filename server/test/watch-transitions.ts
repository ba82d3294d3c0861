import type { TestApp } from "./test-app.ts";

/** Every change of a state that the database has seen, as "Pending > Paying" or "[*] > Pending" at the beginning, each once and sorted. */
interface SeenTransitions {
  bookings: string[];
  payments: string[];
}

/** Has the database of a test write down each change of a booking's or a payment's state, whatever statement makes it. */
export async function watchTransitions({ sql }: TestApp): Promise<() => Promise<SeenTransitions>> {
  await sql.query("create table seen_transition (subject text, change text)");
  await sql.query(
    `create function see_transition() returns trigger language plpgsql as $$
     begin
       insert into seen_transition values (tg_table_name, coalesce(old.status::text, '[*]') || ' > ' || new.status);
       return null;
     end $$`,
  );
  for (const table of ["booking", "payment_transaction"]) {
    await sql.query(
      `create trigger see_beginning after insert on ${table} for each row execute function see_transition()`,
    );
    await sql.query(
      `create trigger see_transition after update on ${table} for each row
       when (old.status is distinct from new.status) execute function see_transition()`,
    );
  }
  return async () => {
    const rows = await sql.query("select distinct subject, change from seen_transition");
    const seenOf = (subject: string) =>
      rows
        .filter((row) => row["subject"] === subject)
        .map((row) => String(row["change"]))
        .toSorted();
    return { bookings: seenOf("booking"), payments: seenOf("payment_transaction") };
  };
}

/** The changes that a table of states allows, written in the same way, with the states that something can begin in. */
export function listTransitions(
  table: Record<string, readonly string[]>,
  beginnings: readonly string[],
): string[] {
  return Object.entries({ "[*]": beginnings, ...table })
    .flatMap(([from, next]) => next.map((to) => `${from} > ${to}`))
    .toSorted();
}
