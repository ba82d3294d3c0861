import type { MovieDetails } from "@skyfox/db";
import { z } from "zod";

/** What an id of IMDb looks like. */
export const imdbId = /^tt\d{7,10}$/;

const longestTitle = 300;
const longestText = 5_000;
const longestUrl = 2_000;
const mostGenres = 20;
const longestRuntime = 9_999;

// OMDb writes "N/A" for what it does not know; what is not there at all is known no better.
const text = z.string().catch("N/A").transform(toPlainText);

const omdbFilm = z.object({
  imdbID: z.string().regex(imdbId),
  Title: z.string().transform(toPlainText).pipe(z.string().min(1)),
  Runtime: text,
  Genre: text,
  Plot: text,
  imdbRating: text,
  Poster: text,
});

/** Reads a film in OMDb's shape, as answered at `refreshedAt`; undefined when it is none. Only the id and the title have to be there. */
export function readFilm(value: unknown, refreshedAt: Date): MovieDetails | undefined {
  const film = omdbFilm.safeParse(value).data;
  if (film === undefined) return undefined;
  return {
    movieId: film.imdbID,
    title: cut(film.Title, longestTitle),
    runtimeMinutes: readRuntime(film.Runtime),
    plot: cut(film.Plot, longestText),
    imdbRating: /^\d{1,2}(\.\d{1,2})?$/.test(film.imdbRating) ? film.imdbRating : null,
    posterUrl: readUrl(film.Poster),
    genres: readGenres(film.Genre),
    refreshedAt,
  };
}

// Such that Postgres can hold it.
function toPlainText(given: string): string {
  const plain = given.replaceAll("\0", "").toWellFormed().trim();
  return plain === "N/A" ? "" : plain;
}

// By characters, so that none is cut in half.
function cut(given: string, length: number): string {
  return given.length <= length ? given : Array.from(given).slice(0, length).join("");
}

function readRuntime(given: string): number | null {
  const minutes = /^\d{1,4} min$/.test(given) ? Number.parseInt(given, 10) : 0;
  return minutes > 0 && minutes <= longestRuntime ? minutes : null;
}

// Links that a page would run are no posters.
function readUrl(given: string): string {
  const isLink = /^https?:\/\//i.test(given) && URL.canParse(given);
  return isLink && given.length <= longestUrl ? given : "";
}

function readGenres(given: string): string[] {
  const genres = given.split(",").map((genre) => genre.trim());
  return [...new Set(genres)].filter((genre) => genre !== "" && genre.length <= 50).slice(0, mostGenres);
}
