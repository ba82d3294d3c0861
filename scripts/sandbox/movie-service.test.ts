import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { films } from "./films.ts";
import { startMovieService } from "./movie-service.ts";

const movieSchema = z.strictObject({
  imdbID: z.string(),
  Title: z.string(),
  Year: z.string().regex(/^\d{4}$/),
  Runtime: z.string().regex(/^\d+ min$/),
  Genre: z.string().regex(/^[A-Z][A-Za-z-]+(, [A-Z][A-Za-z-]+)*$/),
  Plot: z.string().min(20),
  imdbRating: z.string().regex(/^(\d\.\d|N\/A)$/),
  Poster: z.url(),
});

let service: Awaited<ReturnType<typeof startMovieService>>;

beforeAll(async () => {
  service = await startMovieService({ apiKey: "movie-key" });
});

afterAll(async () => {
  await service.stop();
});

const ask = (path: string, key = "movie-key") => fetch(service.url + path, { headers: { "x-api-key": key } });

describe("the movie service", () => {
  it("lists every film in OMDb's shape", async () => {
    const response = await ask("/movies");
    expect(response.status).toBe(200);
    const movies = z.array(movieSchema).parse(await response.json());
    expect(movies.map((movie) => movie.imdbID)).toEqual(films.map((film) => film.imdbId));
  });

  it("answers for one film by its IMDb id", async () => {
    const response = await ask("/movies/tt1375666");
    expect(await response.json()).toMatchObject({
      imdbID: "tt1375666",
      Title: "Inception",
      Year: "2010",
      Runtime: "148 min",
      Genre: "Action, Adventure, Sci-Fi",
      imdbRating: "8.8",
      Poster: `${service.url}/posters/tt1375666.svg`,
    });
  });

  it.each(["/movies/tt0000000", "/movies/tt1375666/more", "/films", "/%E0%A4%A"])(
    "answers 404 for %s",
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  it.each(["/movies", "/movies/tt1375666"])("answers 403 for %s with a wrong key", async (path) => {
    expect((await ask(path, "other-key")).status).toBe(403);
    expect((await fetch(service.url + path)).status).toBe(403);
  });

  it("draws a poster for every film, without a key", async () => {
    const posters = await Promise.all(
      films.map((film) => fetch(`${service.url}/posters/${film.imdbId}.svg`)),
    );
    const drawings = await Promise.all(posters.map((poster) => poster.text()));
    expect(posters.map((poster) => poster.headers.get("content-type"))).toEqual(
      films.map(() => "image/svg+xml; charset=utf-8"),
    );
    expect(new Set(drawings).size).toBe(films.length);
    expect(drawings.join("")).toContain("Pan&#39;s");
  });

  it("has no poster for an unknown film", async () => {
    expect((await fetch(`${service.url}/posters/tt0000000.svg`)).status).toBe(404);
    expect((await fetch(`${service.url}/posters/tt1375666.png`)).status).toBe(404);
  });
});

describe("a test", () => {
  it("scripts the next calls, one each", async () => {
    service.script("unavailable", "forbidden", "web-page");
    const statuses = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await ask("/movies")).status);
    expect(statuses).toEqual([503, 403, 404, 200]);
  });

  it("breaks it down until it mends it, and a script comes first", async () => {
    service.breakDown("unavailable");
    service.script("not-films");
    expect(await (await ask("/movies")).json()).toEqual({ films: "none" });
    expect((await ask("/movies")).status).toBe(503);
    expect((await ask("/movies/tt1375666")).status).toBe(503);
    service.mend();
    expect((await ask("/movies")).status).toBe(200);
  });

  it("cuts calls off, and lets them be garbled or endless", async () => {
    service.script("reset");
    await expect(ask("/movies")).rejects.toThrow("fetch failed");
    service.script("unreadable");
    await expect((await ask("/movies")).json()).rejects.toThrow(SyntaxError);
    service.script("endless");
    const reader = (await ask("/movies")).body!.getReader();
    let size = 0;
    while (size < 10_000_000) {
      const chunk = (await reader.read()).value as Uint8Array;
      size += chunk.length;
    }
    await reader.cancel();
    expect(size).toBeGreaterThanOrEqual(10_000_000);
  });

  it("holds calls back and lets them go on", async () => {
    service.script("silent");
    const arrived = service.waitForCall();
    const asking = ask("/movies/tt1375666");
    expect(await arrived).toBe("/movies/tt1375666");
    service.release();
    expect(await (await asking).json()).toMatchObject({ Title: "Inception" });
  });

  it("changes what is said of a film, and takes films away", async () => {
    service.change("tt1375666", { Runtime: "N/A" });
    expect(await (await ask("/movies/tt1375666")).json()).toMatchObject({
      Title: "Inception",
      Runtime: "N/A",
    });
    service.change("tt1375666", null);
    expect((await ask("/movies/tt1375666")).status).toBe(404);
    const listed = (await (await ask("/movies")).json()) as unknown[];
    expect(listed).toHaveLength(films.length - 1);
  });

  it("sees the calls that had the right key", async () => {
    const before = service.calls().length;
    await ask("/movies/tt0073707");
    await ask("/movies", "other-key");
    expect(service.calls().slice(before)).toEqual(["/movies/tt0073707"]);
  });
});

describe("the film list", () => {
  it("names each film once, by a well-formed IMDb id", () => {
    expect(films.length).toBeGreaterThanOrEqual(24);
    expect(new Set(films.map((film) => film.imdbId)).size).toBe(films.length);
    expect(films.filter((film) => !/^tt\d{7,8}$/.test(film.imdbId))).toEqual([]);
  });
});
