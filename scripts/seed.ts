import {
  constraints,
  getFirstScreenId,
  insertAccount,
  insertShowsWhereFree,
  insertStaff,
  inTransaction,
  listSlots,
  saveMovies,
  violatedConstraint,
  type Db,
  type MovieDetails,
  type NewShow,
} from "@skyfox/db";
import { Decimal } from "decimal.js";
import { z } from "zod";
import { createPasswordHasher } from "../server/src/auth/passwords.ts";
import type { ServiceAccess } from "../server/src/config.ts";
import { showTimes } from "../server/src/show/show-times.ts";

const days = 21;

/** The people of the demo; the rule for new passwords does not bind theirs. */
export const demoStaff = [
  { username: "seed-user-1", name: "Admin One", role: "admin", counterNo: 101 },
  { username: "seed-user-2", name: "Admin Two", role: "admin", counterNo: 102 },
  { username: "staff-1", name: "Staff One", role: "staff", counterNo: 501 },
] as const;

export const demoPassword = "foobar";

/**
 * Puts the demo's staff and one show per slot for 21 days from today into a migrated database; what is there already stays as it is. Safe to
 * run again, and by two servers at once.
 */
export async function seedDemo(
  db: Db,
  options: { now: Date; cinemaTimeZone: string; movieService: ServiceAccess },
): Promise<{ newShows: number }> {
  for (const person of demoStaff) await addStaff(db, person, options.now);
  const movies = await fetchMovies(options.movieService, options.now);
  await saveMovies(db, movies);
  return { newShows: await insertShowsWhereFree(db, await planShows(db, movies, options)) };
}

async function addStaff(db: Db, person: (typeof demoStaff)[number], now: Date): Promise<void> {
  const passwordHash = await createPasswordHasher().hash(demoPassword);
  try {
    await inTransaction(db, async (tx) => {
      await insertAccount(tx, { username: person.username, passwordHash, role: person.role, createdAt: now });
      await insertStaff(tx, person);
    });
  } catch (error) {
    if (violatedConstraint(error) !== constraints.username) throw error;
  }
}

const omdbMovies = z
  .array(
    z.object({
      imdbID: z.string(),
      Title: z.string(),
      Runtime: z.string(),
      Genre: z.string(),
      Plot: z.string(),
      imdbRating: z.string(),
      Poster: z.string(),
    }),
  )
  .min(1);

async function fetchMovies(service: ServiceAccess, now: Date): Promise<MovieDetails[]> {
  const movies = await askForMovies(service).catch((cause: unknown) => {
    const said =
      cause instanceof SyntaxError || cause instanceof z.ZodError ? "not a list of films" : reasonOf(cause);
    throw new Error(
      `The demo shows need films, but the movie service gave none: ${said}. ` +
        `Check MOVIE_SERVICE_URL and MOVIE_SERVICE_API_KEY, or start without demo shows: DEMO_SEED=off.`,
      { cause },
    );
  });
  return movies.map((movie) => ({
    movieId: movie.imdbID,
    title: movie.Title,
    runtimeMinutes: /^(\d+) min$/.test(movie.Runtime) ? Number.parseInt(movie.Runtime, 10) : null,
    plot: movie.Plot,
    imdbRating: movie.imdbRating === "N/A" ? null : movie.imdbRating,
    posterUrl: movie.Poster,
    genres: movie.Genre.split(", "),
    refreshedAt: now,
  }));
}

async function askForMovies({ url, apiKey }: ServiceAccess): Promise<z.output<typeof omdbMovies>> {
  const response = await fetch(`${url.replace(/\/+$/, "")}/movies`, {
    headers: { "x-api-key": apiKey },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return omdbMovies.parse(await response.json());
}

// What fetch throws says only that it failed; its cause says why.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

async function planShows(
  db: Db,
  movies: MovieDetails[],
  options: { now: Date; cinemaTimeZone: string },
): Promise<NewShow[]> {
  const screenId = await getFirstScreenId(db);
  const slots = await listSlots(db);
  const today = options.now.toTemporalInstant().toZonedDateTimeISO(options.cinemaTimeZone).toPlainDate();
  return Array.from({ length: days }, (_, offset) => today.add({ days: offset })).flatMap((day) =>
    slots.map((slot, position) => {
      // The same day and slot always get the same film and cost, so that two servers plan alike.
      const turn =
        Math.trunc(Date.UTC(day.year, day.month - 1, day.day) / 86_400_000) * slots.length + position;
      const movie = movies[(turn * 7) % movies.length];
      if (movie === undefined) throw new Error("There are no films to show.");
      return {
        movieId: movie.movieId,
        date: day.toString(),
        slotId: slot.id,
        screenId,
        cost: new Decimal(150 + (turn % 16) * 10),
        ...showTimes(day.toString(), slot, options.cinemaTimeZone),
      };
    }),
  );
}
