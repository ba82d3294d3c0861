import type { MovieDetails } from "@skyfox/db";
import { z } from "zod";
import { readJson } from "../runtime/bounded-json.ts";
import type { Clock, Logger } from "../runtime/ports.ts";
import type { MovieCatalogue } from "./ports.ts";
import { createAnswerMemory, type Asked } from "./answer-memory.ts";
import { imdbId, readFilm } from "./omdb-film.ts";

const callTimeoutMs = 2_000;
const attempts = 3;
const firstWaitMs = 200;
const maxAnswerBytes = 4 * 1_024 * 1_024;
const freshMs = 10 * 60_000;
// After a failure, what was known serves for so long before the service is tried again.
const retryAfterMs = 30_000;
const rememberedFilms = 2_000;

// OMDb says no with status 200: that there is no such film ("Incorrect IMDb ID.", "Movie not found!"), and also that it fails or refuses us.
const refusal = z.object({ Response: z.literal("False"), Error: z.string().catch("") });
const noSuchFilm = /not found|incorrect imdb id/i;

/** The catalogue of a cinema that has no movie service: nothing can be scheduled. */
export const noMovieService: MovieCatalogue = {
  list: () => Promise.resolve(notConfigured),
  find: () => Promise.resolve(notConfigured),
};
const notConfigured = { kind: "unavailable", reason: "MOVIE_SERVICE_URL is not set" } as const;

/**
 * The movie service behind `MOVIE_SERVICE_URL`: films in OMDb's shape. A call takes two seconds at most and is tried three times, with full
 * jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"); answers are kept for ten minutes, and longer while the service fails.
 */
export function connectMovieService(options: {
  url: string;
  apiKey: string;
  clock: Clock;
  logger: Logger;
  /** At least 0 and less than 1. */
  random?: () => number;
}): MovieCatalogue {
  const { clock, logger, random = chance } = options;
  const base = options.url.replace(/\/+$/, "");
  const remembering = { clock, freshMs, retryAfterMs };
  const lists = createAnswerMemory(() => ask("/movies", readFilms), { ...remembering, max: 1 });
  const films = createAnswerMemory(
    (movieId) => ask(`/movies/${encodeURIComponent(movieId)}`, (reply) => readFilmOf(reply, movieId)),
    { ...remembering, max: rememberedFilms },
  );

  async function ask<Answer>(path: string, read: (reply: Reply) => Try<Answer>): Promise<Asked<Answer>> {
    for (let attempt = 1; ; attempt += 1) {
      const tried = await call(path).then(read, failed);
      if (tried.kind === "answer") return tried;
      const { reason } = tried;
      if (tried.isFinal || attempt === attempts) {
        logger.warn({ path, reason }, "The movie service gave no answer that can be used.");
        return { kind: "unavailable", reason };
      }
      await wait(random() * firstWaitMs * 2 ** (attempt - 1));
    }
  }

  async function call(path: string): Promise<Reply> {
    const tooLate = new AbortController();
    const done = new AbortController();
    clock.wakeAfter(callTimeoutMs, () => tooLate.abort(new Error("it did not answer in time")), done.signal);
    try {
      const response = await fetch(`${base}${path}`, {
        headers: { "x-api-key": options.apiKey, accept: "application/json" },
        redirect: "manual",
        signal: tooLate.signal,
      });
      const isProse = response.headers.get("content-type")?.startsWith("text/") === true;
      const { status, body } = response;
      if (status !== 200) {
        await body?.cancel();
        return { status, isProse, body: undefined };
      }
      const read = await readJson(body, maxAnswerBytes);
      if (read.kind === "too-long") throw new Error("its answer is too long");
      return { status, isProse, body: read.kind === "json" ? read.value : undefined };
    } finally {
      done.abort();
    }
  }

  function readFilms({ status, body }: Reply): Try<MovieDetails[]> {
    if (status !== 200) return refusedBy(status);
    if (!Array.isArray(body)) return { kind: "failed", reason: "its answer is not a list of films" };
    const refreshedAt = clock.now();
    const read = body.map((film) => readFilm(film, refreshedAt)).filter((film) => film !== undefined);
    const left = body.length - read.length;
    if (left > 0 && read.length === 0) return { kind: "failed", reason: "its answer is not a list of films" };
    if (left > 0) logger.warn({ left }, "Some films of the movie service cannot be read; they are left out.");
    const movies = [...new Map(read.map((movie) => [movie.movieId, movie])).values()];
    for (const movie of movies) films.learn(movie.movieId, movie, saysAll(movie));
    return { kind: "answer", answer: movies };
  }

  function readFilmOf({ status, isProse, body }: Reply, movieId: string): Try<MovieDetails> {
    // A page or a sentence that says 404 is some other server's, as of a proxy with nothing behind it: the movie service speaks JSON.
    if (status === 404 && !isProse) return { kind: "answer", answer: undefined };
    if (status !== 200) return refusedBy(status);
    const refused = refusal.safeParse(body).data;
    if (refused !== undefined && noSuchFilm.test(refused.Error)) return { kind: "answer", answer: undefined };
    if (refused !== undefined)
      return { kind: "failed", reason: `it refused: ${refused.Error.slice(0, 100)}` };
    const movie = readFilm(body, clock.now());
    if (movie?.movieId === movieId) return { kind: "answer", answer: movie };
    return { kind: "failed", reason: "its answer is not the film that was asked for" };
  }

  async function wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.wakeAfter(ms, resolve, new AbortController().signal);
    await promise;
  }

  return {
    async list() {
      const asked = await lists.get("all");
      if (asked.kind === "unavailable") return asked;
      const movies = asked.answer ?? [];
      return { kind: "found", movies };
    },
    async find(movieId) {
      if (!imdbId.test(movieId)) return { kind: "unknown" };
      const asked = await films.get(movieId);
      if (asked.kind === "unavailable") return asked;
      return asked.answer === undefined ? { kind: "unknown" } : { kind: "found", movie: asked.answer };
    },
  };
}

interface Reply {
  status: number;
  isProse: boolean;
  /** Undefined where there is no JSON. */
  body: unknown;
}

type Try<Answer> =
  | { kind: "answer"; answer: Answer | undefined }
  /** `isFinal`: trying again would give the same. */
  | { kind: "failed"; reason: string; isFinal?: boolean };

function refusedBy(status: number): Try<never> {
  const isFinal = status >= 300 && status < 500 && status !== 404 && status !== 408 && status !== 429;
  return { kind: "failed", reason: `it answered ${status}`, isFinal };
}

// A list of films may leave out what the film's own answer has.
function saysAll({ plot, posterUrl, runtimeMinutes }: MovieDetails): boolean {
  return plot !== "" && posterUrl !== "" && runtimeMinutes !== null;
}

// What fetch throws says only that it failed; its cause says why.
function failed(error: unknown): Try<never> {
  if (!(error instanceof Error)) return { kind: "failed", reason: String(error) };
  const cause = error.cause instanceof Error ? error.cause.message : "";
  return { kind: "failed", reason: cause || error.message };
}

function chance(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
}
