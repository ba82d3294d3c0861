import { sql } from "kysely";
import type { Db, Tx } from "../connect.ts";

/** Every screen, oldest first, with the number of its seats. */
export async function listScreens(db: Db) {
  return await db
    .selectFrom("screen")
    .leftJoin("seat", "seat.screen_id", "screen.id")
    .select((eb) => ["screen.id", "screen.name", eb.fn.count<number>("seat.seat_number").as("capacity")])
    .groupBy("screen.id")
    .orderBy("screen.id")
    .execute();
}

/** Whether there is such a screen. */
export async function hasScreen(db: Db, screenId: number): Promise<boolean> {
  const row = await db.selectFrom("screen").where("id", "=", screenId).select("id").executeTakeFirst();
  return row !== undefined;
}

/** One seat of a layout. */
export interface NewSeat {
  row: string;
  number: number;
  type: "Standard" | "Deluxe";
}

/** Adds a screen with its seats and tells its id; the constraint `screenName` refuses a name that there is. */
export async function insertScreen(tx: Tx, screen: { name: string; seats: NewSeat[] }): Promise<number> {
  const { id } = await tx
    .insertInto("screen")
    .values({ name: screen.name })
    .returning("id")
    .executeTakeFirstOrThrow();
  const rows = screen.seats.map(({ row }) => row);
  const numbers = screen.seats.map(({ number }) => number);
  const types = screen.seats.map(({ type }) => type);
  await sql`
    insert into seat (screen_id, seat_number, row_label, column_number, seat_type)
    select ${id}, label || number, label, number, type::seat_type_enum
    from unnest(${rows}::text[], ${numbers}::int[], ${types}::text[]) as layout (label, number, type)`.execute(
    tx,
  );
  return id;
}
