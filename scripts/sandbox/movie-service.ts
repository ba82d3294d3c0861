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
 * The movie service for development and tests: `GET /movies` and `GET /movies/:imdbId` in OMDb's shape behind
 * `x-api-key`, and `GET /posters/:imdbId.svg` without a key. Port 0, the default, takes a free one.
 */
export async function startMovieService(options: { apiKey: string; port?: number }): Promise<LoopbackServer> {
  return startLoopbackServer(async (request, response) => {
    const [collection, name, ...rest] = findPathSegments(request) ?? [];
    if (request.method !== "GET" || rest.length > 0) {
      sendJson(response, notFound);
    } else if (collection === "posters") {
      sendPoster(response, name);
    } else if (findHeader(request, "x-api-key") !== options.apiKey) {
      sendJson(response, { status: 403, body: { message: "The x-api-key header is missing or wrong." } });
    } else {
      sendJson(response, collection === "movies" ? moviesAnswer(name, ownUrl(request)) : notFound);
    }
  }, options.port ?? 0);
}

const notFound: Answer = { status: 404, body: { message: "There is nothing here." } };

function moviesAnswer(imdbId: string | undefined, url: string): Answer {
  if (imdbId === undefined) return { status: 200, body: films.map((film) => toOmdb(film, url)) };
  const film = findFilm(imdbId);
  if (film === undefined) return { status: 404, body: { message: "No movie has this IMDb id." } };
  return { status: 200, body: toOmdb(film, url) };
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
