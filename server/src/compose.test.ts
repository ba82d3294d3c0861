import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { expect, onTestFinished, test } from "vitest";
import { startMovieService } from "../../scripts/sandbox/movie-service.ts";
import { createMemoryLogger } from "../test/memory-logger.ts";
import { testTicketKeys } from "../test/test-app.ts";
import { until } from "../test/until.ts";
import { compose } from "./compose.ts";
import { readConfig, type ServiceAccess } from "./config.ts";

const apiKey = "sandbox-key-of-the-tests";

async function givenServer(movieService: ServiceAccess | undefined) {
  const { url: databaseUrl } = await createTestDatabase();
  const sql = await connectOnce(databaseUrl);
  const config = {
    ...readConfig({}),
    databaseUrl,
    movieService,
    paymentGateway: { url: "http://127.0.0.1:1", apiKey },
    ticketSigningKeys: testTicketKeys,
    imageFolder: join(tmpdir(), "skyfox-without-pictures"),
  };
  const server = await compose(config, createMemoryLogger(), () => "");
  onTestFinished(async () => {
    await server.stopBackground();
    await server.close();
    await sql.end();
  });
  return { server, sql };
}

test("a server that starts fills in the films that an adopted database knows by their ids", async () => {
  const service = await startMovieService({ apiKey });
  onTestFinished(service.stop);
  const { server, sql } = await givenServer({ url: service.url, apiKey });
  await sql.query("insert into movie (movie_id, title) values ('tt1375666', 'tt1375666')");
  await server.startBackground();
  await until(sql, "select from movie where title = 'Inception' and runtime_minutes = 148");
  expect(service.calls()).toEqual(["/movies/tt1375666"]);
});

test("a server without a movie service knows no films, and says why", async () => {
  const { server } = await givenServer(undefined);
  const unavailable = { kind: "unavailable", reason: "MOVIE_SERVICE_URL is not set" };
  expect(await server.deps.movies.list()).toEqual(unavailable);
  expect(await server.deps.movies.find("tt1375666")).toEqual(unavailable);
});
