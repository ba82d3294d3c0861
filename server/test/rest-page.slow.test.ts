import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, expect, test } from "vitest";
import { startChildServer } from "./child-server.ts";

const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
});

const page = await readFile(join(import.meta.dirname, "../docs/rest.md"), "utf8");
const script = Array.from(page.matchAll(/^```sh\n([^]*?)^```$/gm), ([, text]) => text).join("\n");

test("the page on REST buys a ticket with curl", async () => {
  const { url: databaseUrl } = await createTestDatabase();
  const server = await startChildServer({ DATABASE_URL: databaseUrl, DEMO_SEED: "on", PORT: "0" }, (end) =>
    ends.push(end),
  );
  const folder = await mkdtemp(join(tmpdir(), "skyfox-rest-"));
  try {
    const here = script.replace("http://127.0.0.1:8080", server.url);
    expect(here).toContain(server.url);
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", here], { cwd: folder });
    expect(stdout).toContain('"username":"asha.rao"');
    expect(stdout).toMatch(/\d+\.00$/m);
    expect(stdout).toContain('"status":"Confirmed"');
    const [ticket, ...others] = await readdir(folder);
    expect([ticket, others]).toEqual([expect.stringMatching(/^ticket-\d+\.pdf$/), []]);
    expect((await readFile(join(folder, ticket!), "latin1")).slice(0, 5)).toBe("%PDF-");
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
