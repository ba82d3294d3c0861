import type { IncomingMessage, ServerResponse } from "node:http";
import { type Film, films } from "./films.ts";
import {
  type Answer,
  findHeader,
  findPathSegments,
  type LoopbackServer,
  sendJson,
  startLoopbackServer,
} from "./loopback-server.ts";
import { drawPoster } from "./poster.ts";

/**
 * What can be wrong with the movie service.
 * - `unavailable`, `forbidden`: 503 and 403
 * - `reset`: the socket is reset
 * - `silent`: no answer until the test releases it; then the right one
 * - `unreadable`: 200 with a broken body
 * - `not-films`: 200 with JSON that is no film and no list of them
 * - `endless`: 200 with a body that never ends
 * - `web-page`: 404 with a page in HTML, as from a server that has no movie service any more
 */
export type MovieFault =
  | "unavailable"
  | "forbidden"
  | "reset"
  | "silent"
  | "unreadable"
  | "not-films"
  | "endless"
  | "web-page"
  | "no-backend";

/** A running movie service: its address, what it was asked, and what a test may have it do. */
export type MovieServiceSandbox = LoopbackServer & {
  /** Decides the next calls, one each, after those scripted before. */
  script(...faults: MovieFault[]): void;
  /** Decides every call that no script decides, until it is mended. */
  breakDown(fault: MovieFault): void;
  /** From now on calls without a script are answered. */
  mend(): void;
  /** Changes what it says about a film, in OMDb's words; null takes the film away. */
  change(imdbId: string, change: Partial<OmdbFilm> | null): void;
  /** The paths of all calls with the right key. */
  calls(): readonly string[];
  /** Resolves with the path of the next call that arrives from now on, whatever becomes of it. */
  waitForCall(): Promise<string>;
  /** Lets the silent calls have their answers. */
  release(): void;
};

/**
 * The movie service for development and tests: `GET /movies` and `GET /movies/:imdbId` in OMDb's shape behind
 * `x-api-key`, and `GET /posters/:imdbId.svg` without a key. Port 0, the default, takes a free one.
 */
export async function startMovieService(options: {
  apiKey: string;
  port?: number;
}): Promise<MovieServiceSandbox> {
  const scripted: MovieFault[] = [];
  let standing: MovieFault | undefined;
  const calls: string[] = [];
  const changes = new Map<string, Partial<OmdbFilm> | null>();
  let nextCall = Promise.withResolvers<string>();
  let released = Promise.withResolvers<void>();

  function noteCall(path: string): void {
    calls.push(path);
    nextCall.resolve(path);
    nextCall = Promise.withResolvers();
  }

  function listFilms(url: string): OmdbFilm[] {
    return films.flatMap((film) => {
      const change = changes.get(film.imdbId);
      return change === null ? [] : [{ ...toOmdb(film, url), ...change }];
    });
  }

  function answer(name: string | undefined, url: string): Answer {
    const listed = listFilms(url);
    if (name === undefined) return { status: 200, body: listed };
    const film = listed.find(({ imdbID }) => imdbID === name);
    if (film === undefined) return { status: 404, body: { message: "No movie has this IMDb id." } };
    return { status: 200, body: film };
  }

  const server = await startLoopbackServer(async (request, response) => {
    const [collection, name, ...rest] = findPathSegments(request) ?? [];
    if (request.method !== "GET" || rest.length > 0) {
      sendJson(response, notFound);
    } else if (collection === "posters") {
      sendPoster(response, name);
    } else if (findHeader(request, "x-api-key") !== options.apiKey) {
      sendJson(response, { status: 403, body: { message: "The x-api-key header is missing or wrong." } });
    } else if (collection !== "movies") {
      sendJson(response, notFound);
    } else {
      const fault = scripted.shift() ?? standing;
      const { promise } = released;
      noteCall(request.url ?? "");
      if (fault === "silent") await promise;
      if (fault === undefined || fault === "silent") sendJson(response, answer(name, ownUrl(request)));
      else fail(response, fault);
    }
  }, options.port ?? 0);

  return {
    url: server.url,
    stop: async () => {
      released.resolve();
      await server.stop();
    },
    script: (...faults) => void scripted.push(...faults),
    breakDown: (fault) => {
      standing = fault;
    },
    mend: () => {
      standing = undefined;
    },
    change: (imdbId, change) => void changes.set(imdbId, change),
    calls: () => [...calls],
    waitForCall: () => nextCall.promise,
    release: () => {
      released.resolve();
      released = Promise.withResolvers();
    },
  };
}

const notFound: Answer = { status: 404, body: { message: "There is nothing here." } };

function fail(response: ServerResponse, fault: Exclude<MovieFault, "silent">): void {
  switch (fault) {
    case "unavailable":
      sendJson(response, { status: 503, body: { message: "Come back later." } });
      break;
    case "forbidden":
      sendJson(response, { status: 403, body: { message: "This key is no longer good." } });
      break;
    case "reset":
      response.socket?.resetAndDestroy();
      break;
    case "unreadable":
      response.writeHead(200, { "content-type": "application/json" }).end('[{"imdbID": "tt');
      break;
    case "not-films":
      sendJson(response, { status: 200, body: { films: "none" } });
      break;
    case "endless":
      response.writeHead(200, { "content-type": "application/json" });
      sendForEver(response);
      break;
    case "no-backend":
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found");
      break;
    case "web-page":
      response
        .writeHead(404, { "content-type": "text/html" })
        .end("<title>404</title> There is no such page.");
      break;
  }
}

// As fast as the caller reads, until the caller has had enough.
function sendForEver(response: ServerResponse): void {
  const spaces = " ".repeat(64 * 1_024);
  const send = () => {
    while (!response.destroyed && response.write(spaces));
  };
  response.on("drain", send);
  send();
}

function sendPoster(response: ServerResponse, fileName: string | undefined): void {
  const film = fileName?.endsWith(".svg") === true ? findFilm(fileName.slice(0, -".svg".length)) : undefined;
  if (film === undefined) {
    sendJson(response, notFound);
    return;
  }
  response.writeHead(200, {
    "content-type": "image/svg+xml; charset=utf-8",
    "cache-control": "max-age=86400",
  });
  response.end(drawPoster(film));
}

/** A film in OMDb's shape. */
export type OmdbFilm = ReturnType<typeof toOmdb>;

function toOmdb(film: Film, url: string) {
  return {
    imdbID: film.imdbId,
    Title: film.title,
    Year: String(film.year),
    Runtime: `${film.runtimeMinutes} min`,
    Genre: film.genres.join(", "),
    Plot: film.plot,
    imdbRating: film.imdbRating,
    Poster: `${url}/posters/${film.imdbId}.svg`,
  };
}

function findFilm(imdbId: string): Film | undefined {
  return films.find((film) => film.imdbId === imdbId);
}

function ownUrl(request: IncomingMessage): string {
  return `http://127.0.0.1:${request.socket.localPort}`;
}
