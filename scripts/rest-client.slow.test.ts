import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, expect, test } from "vitest";
import { appRouter } from "../server/src/app-router.ts";
import { developmentApiKey } from "../server/src/config.ts";
import { describeApi } from "../server/src/openapi/document.ts";
import { startChildServer } from "../server/test/child-server.ts";

const run = promisify(execFile);
const folder = join(import.meta.dirname, "rest-client");
const tool = (name: string) => join(folder, "node_modules", ".bin", name);

const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
});

test("a client that is generated from the document compiles, and buys a ticket", async () => {
  await mkdir(join(folder, "dist"), { recursive: true });
  await writeFile(
    join(folder, "dist", "openapi.json"),
    JSON.stringify(await describeApi(appRouter, "0.1.0")),
  );
  await run(tool("openapi-typescript"), ["dist/openapi.json", "--output", "dist/api.d.ts"], { cwd: folder });
  await run(tool("tsc"), ["-p", "."], { cwd: folder });

  const { url: databaseUrl } = await createTestDatabase();
  const server = await startChildServer({ DATABASE_URL: databaseUrl, DEMO_SEED: "on" }, (end) =>
    ends.push(end),
  );
  const address = `${server.url}/api/v1`;
  const { stdout } = await run(process.execPath, ["journey.ts", address, developmentApiKey], { cwd: folder });
  await server.stop();
  expect(JSON.parse(stdout)).toEqual({
    cost: expect.stringMatching(/^\d+\.00$/) as string,
    taken: ["A1"],
    wrong: 50,
    status: "Confirmed",
    paid: expect.stringMatching(/^\d+\.00$/) as string,
    ticketBytes: expect.any(Number) as number,
    listed: [true],
    nextCursor: null,
  });
}, 120_000);
