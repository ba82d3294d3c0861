import { Decimal } from "decimal.js";
import { sql, type RawBuilder } from "kysely";
import type { Db } from "../connect.ts";
import { plannedByValues } from "../named-statements.ts";
import { paidStates, statesIn } from "../states.ts";

/** Some time in which bookings were made: from the first instant up to, not including, the other. */
export interface Period {
  label: string;
  from: Date;
  to: Date;
}

/** Which bookings are summed up, by when they were made and what for; undefined lets all through. */
export interface RevenueFilter {
  /** At least one, in order, none overlapping another. */
  periods: Period[] | undefined;
  movieId: string | undefined;
  slotId: number | undefined;
  /** In upper or lower case. */
  genre: string | undefined;
}

/** What a group's label says: the booking's period, title, slot or the genre as it is stored, or the same text everywhere. */
export type LabelSource = "period" | "movie" | "slot" | "genre" | { text: string };

/** What some bookings have brought; mean and median are rounded half-up to two decimals, and all is zero without bookings. */
export interface RevenueFigures {
  totalRevenue: Decimal;
  meanRevenue: Decimal;
  medianRevenue: Decimal;
  totalBookings: number;
  totalSeatsBooked: number;
}

/** The first and the last booking ever made, whatever became of them; undefined while there is none. */
export async function findBookingSpan(db: Db): Promise<{ first: Date; last: Date } | undefined> {
  const { first, last } = await db
    .selectFrom("booking")
    .select((eb) => [eb.fn.min("booking_time").as("first"), eb.fn.max("booking_time").as("last")])
    .executeTakeFirstOrThrow();
  return first === null || last === null ? undefined : { first, last };
}

/**
 * What Confirmed and CheckedIn bookings have brought, all together and for each label, by label in the order of its code points. One
 * statement, so that the groups add up to the totals whatever is booked meanwhile.
 */
export async function sumRevenue(
  db: Db,
  { periods, movieId, slotId, genre }: RevenueFilter,
  label: LabelSource[],
): Promise<RevenueFigures & { groups: ({ label: string } & RevenueFigures)[] }> {
  const bounds = periods?.flatMap(({ from, to }) => [from, to]) ?? ["-infinity", "infinity"];
  const conditions = [
    sql`b.status in ${statesIn(paidStates)}`,
    // The tally sees to what is in a period; this lets it use the index.
    sql`b.booking_time >= ${bounds[0]} and b.booking_time < ${bounds.at(-1)}`,
    ...(movieId === undefined ? [] : [sql`showing.movie_id = ${movieId}`]),
    ...(slotId === undefined ? [] : [sql`showing.slot_id = ${slotId}`]),
    ...(genre === undefined ? [] : [sql`showing.genre is not null`]),
  ];
  const sources: { [Source in LabelSource & string]: RawBuilder<string> } = {
    period: sql`(${periods?.map((period) => period.label)}::text[])[(place + 1) / 2]`,
    movie: sql`(select title from movie where movie_id = ${movieId})`,
    slot: sql`(select name from slot where id = ${slotId})`,
    genre: sql`genre`,
  };
  const parts = label.map((part) => (typeof part === "string" ? sources[part] : sql`${part.text}::text`));

  // Bookings of one group at one price are counted first, so that there is little to put in order: the middle ones are then where the
  // running count passes half. A place above an odd number of bounds is inside a period, above an even number between two.
  const { rows } = await sql<{ label: string } & RevenueFigures>`
    ${plannedByValues} with showing as materialized (
      select s.id, s.movie_id, s.slot_id,
        (select one from unnest(m.genres) with ordinality as stored (one, place)
          where lower(one) = lower(${genre ?? null}) order by place limit 1) as genre
      from show s join movie m on m.movie_id = s.movie_id
    ), tally as materialized (
      select width_bucket(b.booking_time, ${bounds}::timestamptz[]) as place, showing.genre, b.amount_paid as amount,
        count(*)::int as bookings, sum(b.no_of_seats) as seats
      from booking b join showing on showing.id = b.show_id
      where ${sql.join(conditions, sql` and `)}
      group by 1, 2, 3
    ), labelled as materialized (
      select concat_ws(';', ${sql.join(parts)}) collate "C" as label, amount, bookings, seats
      from tally where place % 2 = 1
    ), counted as (
      select grouping(label) = 1 as "isAll", label, amount, sum(bookings)::int as bookings, sum(seats) as seats
      from labelled group by grouping sets ((label, amount), (amount))
    ), running as (
      select *, sum(bookings) over (partition by "isAll", label order by amount) as up_to,
        sum(bookings) over (partition by "isAll", label) as total
      from counted
    )
    select label,
      sum(amount * bookings) as "totalRevenue",
      round(sum(amount * bookings) / sum(bookings), 2) as "meanRevenue",
      round((min(amount) filter (where up_to * 2 >= total) + min(amount) filter (where up_to * 2 > total)) / 2, 2) as "medianRevenue",
      sum(bookings) as "totalBookings",
      sum(seats)::bigint as "totalSeatsBooked"
    from running
    group by "isAll", label
    order by "isAll" desc, label`.execute(db);
  const [all, ...groups] = rows;
  if (all === undefined) return { ...nothing, groups };
  const { label: _, ...figures } = all;
  return { ...figures, groups };
}

const nothing: RevenueFigures = {
  totalRevenue: new Decimal(0),
  meanRevenue: new Decimal(0),
  medianRevenue: new Decimal(0),
  totalBookings: 0,
  totalSeatsBooked: 0,
};
