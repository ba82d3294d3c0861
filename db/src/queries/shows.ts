import type { Decimal } from "decimal.js";
import { sql } from "kysely";
import type { Db } from "../connect.ts";

function describedShows(db: Db) {
  return db
    .selectFrom("show as s")
    .innerJoin("screen", "screen.id", "s.screen_id")
    .innerJoin("movie as m", "m.movie_id", "s.movie_id")
    .innerJoin("slot", "slot.id", "s.slot_id")
    .select((eb) => [
      "s.id",
      "s.date",
      "s.starts_at as startsAt",
      "s.ends_at as endsAt",
      "s.cost",
      "s.cancelled_at as cancelledAt",
      "screen.id as screenId",
      "screen.name as screenName",
      "slot.id as slotId",
      "slot.name as slotName",
      "slot.start_time as slotStart",
      "slot.end_time as slotEnd",
      "m.movie_id as movieId",
      "m.title",
      "m.runtime_minutes as runtimeMinutes",
      "m.plot",
      "m.imdb_rating as imdbRating",
      "m.poster_url as posterUrl",
      "m.genres",
      eb
        .selectFrom("seat")
        .whereRef("seat.screen_id", "=", "s.screen_id")
        .select((seat) => seat.fn.countAll<number>().as("capacity"))
        .as("capacity"),
    ]);
}

const takenSeats = (now: Date) => sql<number>`(
  select count(*)::int from seat_claim c
  where c.show_id = s.id and c.booking_id is not null and (c.free_after is null or c.free_after > ${now})
)`;

/** The shows of a cinema date, by start and screen, whatever has become of them, with how many seats each screen has. */
export async function listShowsOfDate(db: Db, date: string): Promise<ShowRow[]> {
  return await describedShows(db)
    .where("s.date", "=", date)
    .orderBy("s.starts_at")
    .orderBy("s.screen_id")
    .orderBy("s.id")
    .execute();
}

/** The seats of a show that a booking has. */
export interface TakenSeats {
  showId: number;
  /** How many are paid for or being paid. */
  kept: number;
  /** The milliseconds from which the others are free again, one for each. */
  freeAfterMs: number[];
}

/** The taken seats of those shows of these that have any. */
export async function listTakenSeats(db: Db, showIds: readonly number[]): Promise<TakenSeats[]> {
  const { rows } = await sql<TakenSeats>`
    select show_id as "showId", (count(*) filter (where free_after is null))::int as kept,
      coalesce(array_agg(ceil(extract(epoch from free_after) * 1000)::bigint) filter (where free_after is not null), '{}') as "freeAfterMs"
    from seat_claim where show_id = any(${showIds}::bigint[]) and booking_id is not null
    group by show_id`.execute(db);
  return rows;
}

/** One show, also a cancelled or past one, with capacity and taken seats; overdue holds count as free. */
export async function findShow(db: Db, showId: number, now: Date) {
  return await describedShows(db)
    .where("s.id", "=", showId)
    .select(takenSeats(now).as("taken"))
    .executeTakeFirst();
}

/** A show with its film, screen and slot, and how many seats the screen has. */
export type ShowRow = Awaited<ReturnType<ReturnType<typeof describedShows>["execute"]>>[number];

/** Whether the customer has ever booked this show, in whatever state that booking is. */
export async function hasBookingOfShow(db: Db, username: string, showId: number): Promise<boolean> {
  const row = await db
    .selectFrom("booking")
    .where("show_id", "=", showId)
    .where("customer_username", "=", username)
    .select("id")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** All slots by start; times are texts in the cinema's zone. */
export async function listSlots(db: Db) {
  return await db
    .selectFrom("slot")
    .select(["id", "name", "start_time as startTime", "end_time as endTime"])
    .orderBy("start_time")
    .orderBy("id")
    .execute();
}

/** A slot of the day, such as the evening. */
export type SlotRow = Awaited<ReturnType<typeof listSlots>>[number];

/** A slot of a day, as the instants between which a show of it would run. */
export interface SlotTimes {
  slotId: number;
  startsAt: Date;
  endsAt: Date;
}

/** Which of these slots of a cinema date are free on a screen: no show that goes on has the slot, or the screen at any moment of it. */
export async function listFreeSlotIds(
  db: Db,
  wanted: { screenId: number; date: string; slots: SlotTimes[] },
): Promise<number[]> {
  const { screenId, date, slots } = wanted;
  const ids = slots.map(({ slotId }) => slotId);
  const starts = slots.map(({ startsAt }) => startsAt);
  const ends = slots.map(({ endsAt }) => endsAt);
  // A slot lasts less than a day: the days around it are read, not all shows that the screen ever had.
  const { rows } = await sql<{ id: number }>`
    select w.id from unnest(${ids}::bigint[], ${starts}::timestamptz[], ${ends}::timestamptz[]) as w (id, starts_at, ends_at)
    where not exists (
      select from show
      where show.screen_id = ${screenId} and show.cancelled_at is null
        and show.date between ${date}::date - 2 and ${date}::date + 2 and (
        (show.date = ${date} and show.slot_id = w.id) or (show.starts_at < w.ends_at and show.ends_at > w.starts_at)
      )
    )`.execute(db);
  return rows.map((row) => row.id);
}

/** The screen that was there from the start. */
export async function getFirstScreenId(db: Db): Promise<number> {
  const row = await db.selectFrom("screen").select("id").orderBy("id").limit(1).executeTakeFirstOrThrow();
  return row.id;
}

/** A film as the movie service returned it at `refreshedAt`; the runtime is in minutes. */
export interface MovieDetails {
  movieId: string;
  title: string;
  runtimeMinutes: number | null;
  plot: string;
  imdbRating: string | null;
  posterUrl: string;
  genres: string[];
  refreshedAt: Date;
}

/** Copies films from the movie service; those that are there already get the details, unless theirs are newer. */
export async function saveMovies(db: Db, movies: MovieDetails[]): Promise<void> {
  // In one order everywhere, so that two who save many at once do not wait for each other.
  const sorted = movies.toSorted((one, other) => (one.movieId < other.movieId ? -1 : 1));
  await db
    .insertInto("movie")
    .values(
      sorted.map((movie) => ({
        movie_id: movie.movieId,
        title: movie.title,
        runtime_minutes: movie.runtimeMinutes,
        plot: movie.plot,
        imdb_rating: movie.imdbRating,
        poster_url: movie.posterUrl,
        genres: movie.genres,
        refreshed_at: movie.refreshedAt,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column("movie_id")
        .doUpdateSet((eb) => ({
          title: eb.ref("excluded.title"),
          // A list of films may say less than the film itself did: what is known stays.
          runtime_minutes: eb.fn.coalesce("excluded.runtime_minutes", "movie.runtime_minutes"),
          plot: sql<string>`coalesce(nullif(excluded.plot, ''), movie.plot, '')`,
          imdb_rating: eb.fn.coalesce("excluded.imdb_rating", "movie.imdb_rating"),
          poster_url: sql<string>`coalesce(nullif(excluded.poster_url, ''), movie.poster_url, '')`,
          genres: sql<string[]>`case when excluded.genres = '{}' then movie.genres else excluded.genres end`,
          refreshed_at: eb.ref("excluded.refreshed_at"),
        }))
        .where((eb) =>
          eb.or([
            eb("movie.refreshed_at", "is", null),
            eb("movie.refreshed_at", "<=", eb.ref("excluded.refreshed_at")),
          ]),
        ),
    )
    .execute();
}

/** The films of which nothing but the id is known: they came with an older database. */
export async function listMoviesWithoutDetails(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom("movie")
    .where("refreshed_at", "is", null)
    .select("movie_id")
    .orderBy("movie_id")
    .execute();
  return rows.map((row) => row.movie_id);
}

/** A show to schedule: `date` is in the cinema's zone, `startsAt` and `endsAt` are instants. */
export interface NewShow {
  movieId: string;
  date: string;
  slotId: number;
  screenId: number;
  cost: Decimal;
  startsAt: Date;
  endsAt: Date;
}

/** Schedules those of these shows whose slot and whose time on their screen are still free, and tells their ids. */
export async function insertShowsWhereFree(db: Db, shows: NewShow[]): Promise<number[]> {
  const rows = await db
    .insertInto("show")
    .values(
      shows.map((show) => ({
        movie_id: show.movieId,
        date: show.date,
        slot_id: show.slotId,
        screen_id: show.screenId,
        cost: show.cost,
        starts_at: show.startsAt,
        ends_at: show.endsAt,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .execute();
  return rows.map((row) => row.id);
}
