import type { MovieDetails } from "@skyfox/db";

/** Films that can be shown, from the movie service or as it returned them before. No method throws: what goes wrong is an outcome. */
export interface MovieCatalogue {
  list(): Promise<{ kind: "found"; movies: MovieDetails[] } | MoviesUnavailable>;
  /** `unknown` is the service's own word, or a text that cannot be an IMDb id. */
  find(
    movieId: string,
  ): Promise<{ kind: "found"; movie: MovieDetails } | { kind: "unknown" } | MoviesUnavailable>;
}

/** The movie service is down, slow or wrong, and nothing that it said before can stand in. */
export interface MoviesUnavailable {
  kind: "unavailable";
  reason: string;
}
