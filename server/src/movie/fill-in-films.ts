import { listMoviesWithoutDetails, saveMovies } from "@skyfox/db";
import type { Deps } from "../deps.ts";

/**
 * Asks the movie service about the films that came with an older database as nothing but an id, until the service cannot be asked. Those that it
 * does not know are added to `unknown`, and not asked about again.
 */
export async function fillInFilms(
  { db, movies, logger }: Pick<Deps, "db" | "logger" | "movies">,
  unknown: Set<string>,
  signal?: AbortSignal,
): Promise<void> {
  let filled = 0;
  for (const movieId of await listMoviesWithoutDetails(db)) {
    if (signal?.aborted === true) break;
    if (unknown.has(movieId)) continue;
    const found = await movies.find(movieId);
    if (found.kind === "unavailable") break;
    if (found.kind === "unknown") {
      unknown.add(movieId);
      continue;
    }
    await saveMovies(db, [found.movie]);
    filled += 1;
  }
  if (filled > 0) logger.info({ filled }, "Films that were known by their id now have their details.");
}
