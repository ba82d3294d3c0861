import { saveMovies } from "@skyfox/db";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestApp } from "../../test/test-app.ts";
import { fillInFilms } from "./fill-in-films.ts";

const app = await createTestApp();
const { deps, movieService, sql } = app;
const inception = "tt1375666";
const sholay = "tt0073707";

beforeEach(async () => {
  movieService.mend();
  await sql.query("delete from movie");
});

/** Films that an older system knew by their ids, as its database is adopted. */
async function givenAdopted(...ids: string[]): Promise<void> {
  await sql.query("insert into movie (movie_id, title) select id, id from unnest($1::text[]) id", [ids]);
}

const titles = async () =>
  (await sql.query("select title from movie order by movie_id")).map((row) => row["title"]);

describe("films that came with an older database", () => {
  test("get their details when the service answers", async () => {
    await givenAdopted(inception, sholay);
    await fillInFilms(deps, new Set());
    expect(
      await sql.query(
        "select title, runtime_minutes, imdb_rating, genres, refreshed_at from movie where movie_id = $1",
        [inception],
      ),
    ).toEqual([
      {
        title: "Inception",
        runtime_minutes: 148,
        imdb_rating: "8.8",
        genres: ["Action", "Adventure", "Sci-Fi"],
        refreshed_at: app.clock.now(),
      },
    ]);
    expect(await titles()).toEqual(["Sholay", "Inception"]);
    const calls = movieService.calls().length;
    await fillInFilms(deps, new Set());
    expect(movieService.calls()).toHaveLength(calls);
  });

  test("wait while it is down, and it is not asked about each of them", async () => {
    const restarted = await createTestApp({ beside: app });
    await givenAdopted(inception, sholay);
    movieService.breakDown("forbidden");
    const calls = movieService.calls().length;
    await fillInFilms(restarted.deps, new Set());
    expect(await titles()).toEqual([sholay, inception]);
    expect(movieService.calls()).toHaveLength(calls + 1);
    movieService.mend();
    await fillInFilms(restarted.deps, new Set());
    expect(await titles()).toEqual(["Sholay", "Inception"]);
  });

  test("stay as they are when it does not know them, and it is asked once", async () => {
    await givenAdopted("tt0000000", inception, "a film of ours");
    const unknown = new Set<string>();
    const calls = movieService.calls().length;
    await fillInFilms(deps, unknown);
    await fillInFilms(deps, unknown);
    expect(await titles()).toEqual(["a film of ours", "tt0000000", "Inception"]);
    expect(movieService.calls().slice(calls)).toEqual(["/movies/tt0000000"]);
  });

  test("are left when the server stops", async () => {
    await givenAdopted(inception);
    await fillInFilms(deps, new Set(), AbortSignal.abort());
    expect(await titles()).toEqual([inception]);
  });
});

test("a film whose details are known is not asked about", async () => {
  await sql.query("insert into movie (movie_id, title, refreshed_at) values ($1, 'Ours', '2020-01-01Z')", [
    inception,
  ]);
  await fillInFilms(deps, new Set());
  expect(await titles()).toEqual(["Ours"]);
});

test("what is known of a film stays when a list says less of it", async () => {
  const known = {
    movieId: inception,
    title: "Inception",
    runtimeMinutes: 148,
    plot: "A thief enters dreams.",
    imdbRating: "8.8",
    posterUrl: "https://posters.example/1.jpg",
    genres: ["Action"],
    refreshedAt: app.clock.now(),
  };
  const less = { ...known, runtimeMinutes: null, plot: "", imdbRating: null, posterUrl: "", genres: [] };
  await saveMovies(deps.db, [known]);
  await saveMovies(deps.db, [{ ...less, title: "Inception (2010)" }]);
  expect(
    await sql.query("select title, runtime_minutes, plot, imdb_rating, poster_url, genres from movie"),
  ).toEqual([
    {
      title: "Inception (2010)",
      runtime_minutes: 148,
      plot: known.plot,
      imdb_rating: "8.8",
      poster_url: known.posterUrl,
      genres: ["Action"],
    },
  ]);
});
