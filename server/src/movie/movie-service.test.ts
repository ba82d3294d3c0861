import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { sendJson, startLoopbackServer, type Answer } from "../../../scripts/sandbox/loopback-server.ts";
import { startMovieService, type MovieFault } from "../../../scripts/sandbox/movie-service.ts";
import { createManualClock } from "../../test/manual-clock.ts";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { outcomesOf, together } from "../../test/together.ts";
import type { MovieCatalogue } from "./ports.ts";
import { connectMovieService, noMovieService } from "./movie-service.ts";

const apiKey = "movie-key";
const start = new Date("2026-03-10T06:30:00Z");
const inception = "tt1375666";
const tenMinutes = 600_000;

let clock = createManualClock(start);
beforeEach(() => {
  clock = createManualClock(start);
});

function connect(url: string, random = () => 0) {
  return connectMovieService({ url, apiKey, clock, logger: createMemoryLogger(), random });
}

async function givenService() {
  const service = await startMovieService({ apiKey });
  onTestFinished(service.stop);
  return { service, movies: connect(service.url) };
}

/** A service that gives one answer to everything. */
async function givenAnswer(answer: Answer | string, contentType = "application/json") {
  let calls = 0;
  const service = await startLoopbackServer((_request, response) => {
    calls += 1;
    if (typeof answer === "string") response.writeHead(200, { "content-type": contentType }).end(answer);
    else sendJson(response, answer);
    return Promise.resolve();
  }, 0);
  onTestFinished(service.stop);
  return { movies: connect(`${service.url}/`), calls: () => calls };
}

const film = (change: object = {}) => ({
  imdbID: inception,
  Title: "Inception",
  Runtime: "148 min",
  Genre: "Action, Sci-Fi",
  Plot: "A thief enters dreams.",
  imdbRating: "8.8",
  Poster: "https://posters.example/1.jpg",
  ...change,
});

describe("a film", () => {
  test("is asked for by its id, with the key, and read from OMDb's words", async () => {
    const { service, movies } = await givenService();
    expect(await movies.find(inception)).toEqual({
      kind: "found",
      movie: {
        movieId: inception,
        title: "Inception",
        runtimeMinutes: 148,
        plot: expect.stringContaining("dream") as string,
        imdbRating: "8.8",
        posterUrl: `${service.url}/posters/${inception}.svg`,
        genres: ["Action", "Adventure", "Sci-Fi"],
        refreshedAt: start,
      },
    });
    expect(service.calls()).toEqual([`/movies/${inception}`]);
  });

  test.each([
    [{ Runtime: "1 min" }, { runtimeMinutes: 1 }],
    [{ Runtime: "9999 min" }, { runtimeMinutes: 9_999 }],
    [{ Runtime: "10000 min" }, { runtimeMinutes: null }],
    [{ Runtime: "0 min" }, { runtimeMinutes: null }],
    [{ Runtime: "N/A" }, { runtimeMinutes: null }],
    [{ Runtime: "2 h 28 min" }, { runtimeMinutes: null }],
    [{ Runtime: 148 }, { runtimeMinutes: null }],
    [{ imdbRating: "N/A" }, { imdbRating: null }],
    [{ imdbRating: "10" }, { imdbRating: "10" }],
    [{ imdbRating: "excellent" }, { imdbRating: null }],
    [{ Genre: "N/A" }, { genres: [] }],
    [{ Genre: "Drama" }, { genres: ["Drama"] }],
    [{ Genre: " Drama ,Sci-Fi,,Drama" }, { genres: ["Drama", "Sci-Fi"] }],
    [{ Plot: "N/A" }, { plot: "" }],
    [{ Plot: undefined }, { plot: "" }],
    [{ Plot: "x".repeat(6_000) }, { plot: "x".repeat(5_000) }],
    [{ Plot: "a\0b\ud800" }, { plot: "ab\ufffd" }],
    [{ Title: "🎬".repeat(301) }, { title: "🎬".repeat(300) }],
    [{ Poster: "N/A" }, { posterUrl: "" }],
    [{ Poster: "javascript:alert(1)" }, { posterUrl: "" }],
    [{ Poster: "javascript://a.example/%0aalert(1)" }, { posterUrl: "" }],
    [{ Poster: `https://a.example/${"x".repeat(2_000)}` }, { posterUrl: "" }],
  ])("with %j is one with %j", async (change, expected) => {
    const { movies } = await givenAnswer({ status: 200, body: film(change) });
    expect(await movies.find(inception)).toMatchObject({ kind: "found", movie: expected });
  });

  test.each([
    ["tt123456", false],
    ["tt1234567", true],
    ["tt1234567890", true],
    ["tt12345678901", false],
    ["TT1375666", false],
    ["nm1375666", false],
    ["tt1375666 ", false],
    ["tt1375666/../../x", false],
    ["tt١٢٣٤٥٦٧", false],
    ["", false],
  ])("with the id '%s' is asked for: %s", async (movieId, isAsked) => {
    const { service, movies } = await givenService();
    expect(await movies.find(movieId)).toEqual({ kind: "unknown" });
    expect(service.calls()).toHaveLength(isAsked ? 1 : 0);
  });

  test.each([
    ["404", { status: 404, body: {} }],
    ["OMDb's way", { status: 200, body: { Response: "False", Error: "Incorrect IMDb ID." } }],
    ["OMDb's other way", { status: 200, body: { Response: "False", Error: "Movie not found!" } }],
  ])("is unknown when the service says so by %s, asked once and not remembered", async (_how, answer) => {
    const { movies, calls } = await givenAnswer(answer);
    expect(await movies.find(inception)).toEqual({ kind: "unknown" });
    expect(calls()).toBe(1);
    await movies.find(inception);
    expect(calls()).toBe(2);
  });

  test.each(["Request limit reached!", "Error getting data.", "Invalid API key!"])(
    "is not unknown because OMDb refuses: %s",
    async (Error) => {
      const { movies } = await givenAnswer({ status: 200, body: { Response: "False", Error } });
      const reason = `it refused: ${Error}`;
      expect(await movies.find(inception)).toEqual({ kind: "unavailable", reason });
    },
  );

  test.each([
    ["another film", film({ imdbID: "tt0000001" })],
    ["no title", film({ Title: undefined })],
    ["an empty title", film({ Title: " " })],
    ["a list", [film()]],
    ["null", null],
  ])("is not what an answer with %s is about", async (_what, body) => {
    const { movies, calls } = await givenAnswer({ status: 200, body });
    const reason = "its answer is not the film that was asked for";
    expect(await movies.find(inception)).toEqual({ kind: "unavailable", reason });
    expect(calls()).toBe(3);
  });
});

describe("the list", () => {
  test("has every film, each once; what is no film is left out", async () => {
    const other = film({ imdbID: "tt0000001", Title: "Another" });
    const { movies } = await givenAnswer({ status: 200, body: [film(), { no: "film" }, other, film()] });
    const found = await movies.list();
    expect(found.kind === "found" && found.movies.map(({ title }) => title)).toEqual([
      "Inception",
      "Another",
    ]);
  });

  test("may be empty", async () => {
    const { movies } = await givenAnswer({ status: 200, body: [] });
    expect(await movies.list()).toEqual({ kind: "found", movies: [] });
  });

  test.each([
    ["of nothing that is a film", [{ no: "film" }]],
    ["that is none", { films: [] }],
  ])("%s is a wrong answer", async (_what, body) => {
    const { movies } = await givenAnswer({ status: 200, body });
    expect(await movies.list()).toEqual({
      kind: "unavailable",
      reason: "its answer is not a list of films",
    });
  });

  test("teaches every film in it", async () => {
    const { service, movies } = await givenService();
    await movies.list();
    expect(await movies.find(inception)).toMatchObject({ kind: "found", movie: { title: "Inception" } });
    expect(service.calls()).toEqual(["/movies"]);
  });

  test.each([{ Plot: undefined }, { Poster: "N/A" }, { Runtime: undefined }])(
    "that says less than the film itself (%j) does not speak for it, unless the film cannot be asked for",
    async (less) => {
      let isDown = false;
      const service = await startLoopbackServer((request, response) => {
        const isList = request.url === "/movies";
        sendJson(response, { status: isDown ? 503 : 200, body: isList ? [film(less)] : film() });
        return Promise.resolve();
      }, 0);
      onTestFinished(service.stop);
      const asked = connect(service.url);
      const listed = await asked.list();
      const whole = { kind: "found", movie: { title: "Inception", plot: "A thief enters dreams." } };
      expect(await asked.find(inception)).toMatchObject(whole);
      clock.advance(11 * 60_000);
      await asked.list();
      isDown = true;
      expect(await asked.find(inception)).toMatchObject(whole);

      isDown = false;
      const listOnly = connect(service.url);
      await listOnly.list();
      isDown = true;
      expect(await listOnly.find(inception)).toMatchObject({
        movie: listed.kind === "found" ? { ...listed.movies[0], refreshedAt: expect.any(Date) as Date } : {},
      });
    },
  );

  test("of four megabytes is read, of one byte more not", async () => {
    const list = JSON.stringify([film()]);
    const limit = 4 * 1_024 * 1_024;
    const fits = await givenAnswer(list.padEnd(limit));
    expect(await fits.movies.list()).toMatchObject({ kind: "found" });
    const tooLong = await givenAnswer(list.padEnd(limit + 1));
    expect(await tooLong.movies.list()).toEqual({ kind: "unavailable", reason: "its answer is too long" });
  });
});

describe("a service that fails", () => {
  test.each<[MovieFault, number, string]>([
    ["unavailable", 3, "it answered 503"],
    ["web-page", 3, "it answered 404"],
    ["no-backend", 3, "it answered 404"],
    ["reset", 3, "other side closed"],
    ["unreadable", 3, "its answer is not"],
    ["not-films", 3, "its answer is not"],
    ["endless", 3, "its answer is too long"],
    ["forbidden", 1, "it answered 403"],
  ])("%s: is asked %i times, and then it is unavailable: %s", async (fault, times, reason) => {
    const { service, movies } = await givenService();
    service.breakDown(fault);
    for (const ask of [() => movies.list(), () => movies.find(inception)]) {
      const calls = service.calls().length;
      const answer = await ask();
      expect(answer.kind).toBe("unavailable");
      if (fault !== "reset")
        expect(answer).toMatchObject({ reason: expect.stringContaining(reason) as string });
      expect(service.calls().length - calls).toBe(times);
    }
  });

  test("twice is asked a third time", async () => {
    const { service, movies } = await givenService();
    service.script("unavailable", "reset");
    expect(await movies.find(inception)).toMatchObject({ kind: "found" });
    expect(service.calls()).toHaveLength(3);
  });

  test("is not there at all", async () => {
    expect((await connect("http://127.0.0.1:1").list()).kind).toBe("unavailable");
  });

  test("sends us elsewhere, and we do not go: the key is for the service alone", async () => {
    const elsewhere = await givenService();
    const service = await startLoopbackServer((_request, response) => {
      response.writeHead(302, { location: `${elsewhere.service.url}/movies` }).end();
      return Promise.resolve();
    }, 0);
    onTestFinished(service.stop);
    expect(await connect(service.url).list()).toEqual({ kind: "unavailable", reason: "it answered 302" });
    expect(elsewhere.service.calls()).toEqual([]);
  });

  test("is given two seconds a call", async () => {
    const { service, movies } = await givenService();
    service.script("silent", "silent");
    const first = service.waitForCall();
    const asking = movies.find(inception);
    await first;
    const second = service.waitForCall();
    clock.advance(2_000);
    await second;
    clock.advance(1_999);
    service.release();
    expect(await asking).toMatchObject({ kind: "found" });
    expect(service.calls()).toHaveLength(2);
  });

  test("and never answers is unavailable after three calls of two seconds", async () => {
    const { service, movies } = await givenService();
    service.breakDown("silent");
    let next = service.waitForCall();
    const asking = movies.list();
    for (let call = 1; call <= 3; call += 1) {
      await next;
      next = service.waitForCall();
      clock.advance(2_000);
    }
    expect(await asking).toEqual({ kind: "unavailable", reason: "it did not answer in time" });
    expect(service.calls()).toHaveLength(3);
  });

  test("is asked again after a wait of chance, twice as long the second time", async () => {
    const { service } = await givenService();
    service.breakDown("unavailable");
    const waits: number[] = [];
    const noting = {
      ...clock,
      wakeAfter(ms: number, wake: () => void) {
        waits.push(ms);
        if (ms !== 2_000) setImmediate(wake);
      },
    };
    const parts = { url: service.url, apiKey, clock: noting, logger: createMemoryLogger() };
    await connectMovieService({ ...parts, random: () => 0.5 }).list();
    expect(waits).toEqual([2_000, 100, 2_000, 200, 2_000]);
    waits.length = 0;
    await connectMovieService(parts).list();
    expect(waits).toHaveLength(5);
    expect(waits[1]).toBeLessThan(200);
    expect(waits[3]).toBeLessThan(400);
  });
});

type Ask = (movies: MovieCatalogue) => Promise<{ kind: string }>;
const asks: [string, Ask][] = [
  ["a list", (movies) => movies.list()],
  ["a film", (movies) => movies.find(inception)],
];

describe("an answer", () => {
  test.each(asks)("%s is good for ten minutes", async (_what, ask) => {
    const { service, movies } = await givenService();
    await ask(movies);
    clock.advance(tenMinutes - 1);
    await ask(movies);
    expect(service.calls()).toHaveLength(1);
    clock.advance(1);
    await ask(movies);
    expect(service.calls()).toHaveLength(2);
  });

  test.each<MovieFault>(["unavailable", "reset", "unreadable", "not-films", "forbidden", "web-page"])(
    "serves on while the service is %s, which is tried every thirty seconds, until it is back",
    async (fault) => {
      const { service, movies } = await givenService();
      await movies.find(inception);
      service.change(inception, { Title: "Inception, the Director's Cut" });
      service.breakDown(fault);
      clock.advance(tenMinutes);
      const old = { kind: "found", movie: { title: "Inception", refreshedAt: start } };
      expect(await movies.find(inception)).toMatchObject(old);
      const calls = service.calls().length;
      clock.advance(29_999);
      expect(await movies.find(inception)).toMatchObject(old);
      expect(service.calls()).toHaveLength(calls);
      clock.advance(1);
      expect(await movies.find(inception)).toMatchObject(old);
      expect(service.calls().length).toBeGreaterThan(calls);
      service.mend();
      clock.advance(30_000);
      expect(await movies.find(inception)).toMatchObject({
        kind: "found",
        movie: { title: "Inception, the Director's Cut", refreshedAt: clock.now() },
      });
    },
  );

  test("that the service takes back serves no more, not even while it is down", async () => {
    const { service, movies } = await givenService();
    await movies.find(inception);
    service.change(inception, null);
    clock.advance(tenMinutes);
    expect(await movies.find(inception)).toEqual({ kind: "unknown" });
    service.breakDown("unavailable");
    expect((await movies.find(inception)).kind).toBe("unavailable");
  });

  test.each(asks)("%s that fifty wait for is asked for once", async (_what, ask) => {
    const { service, movies } = await givenService();
    service.breakDown("silent");
    const arrived = service.waitForCall();
    const asking = together(Array.from({ length: 50 }, () => () => ask(movies)));
    await arrived;
    service.release();
    const { won } = outcomesOf(await asking);
    expect(won.map(({ kind }) => kind)).toEqual(Array.from({ length: 50 }, () => "found"));
    expect(service.calls()).toHaveLength(1);
  });
});

test("without a movie service nothing is available, and the reason names the setting", async () => {
  const unavailable = { kind: "unavailable", reason: "MOVIE_SERVICE_URL is not set" };
  expect(await noMovieService.list()).toEqual(unavailable);
  expect(await noMovieService.find(inception)).toEqual(unavailable);
});
