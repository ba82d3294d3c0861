import type { Movie } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { describeMovie } from "../show/describe-show.ts";

/** Every film of the movie service, or of its last answer while it is down. Throws `MOVIE_SERVICE_UNAVAILABLE`. */
export async function listMovies(deps: Pick<Deps, "movies">): Promise<Movie[]> {
  const found = await deps.movies.list();
  if (found.kind === "unavailable") throw new DomainError({ code: "MOVIE_SERVICE_UNAVAILABLE" });
  return found.movies.map(describeMovie);
}
