import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runScript } from "../test/run-script.ts";
import { readReport } from "./report.ts";

// Three servers start, one after the other.
const quickRunMs = 60_000;

test(
  "a quick run measures what is asked for and what it stands beside, and can be compared",
  { timeout: quickRunMs },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "skyfox-bench-test-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "run.json");
    const bench = runScript(
      "bench/bench.ts",
      {},
      { args: ["--quick", "--only", "hold,pay,race,live-spread", "--json", file] },
    );
    const code = await bench.ended;
    expect({ code, said: bench.output() }).toMatchObject({ code: 0 });
    expect(bench.output()).toContain("calls/s ÷ raw-hold");

    const { size, scenarios } = readReport(await readFile(file, "utf8"));
    expect(size).toBe("quick");
    expect(scenarios.map(({ name }) => name)).toEqual([
      "bare",
      "raw-hold",
      "hold",
      "raw-pay",
      "pay",
      "race",
      "live",
      "live-spread",
    ]);
    const named = (name: string) => scenarios.find((one) => one.name === name);
    expect(named("race")?.figures).toMatchObject({ winners: 1 });

    const hold = named("hold");
    const cpu = process.platform === "linux" ? ["server µs", "Postgres µs"] : [];
    expect(Object.keys(hold?.figures ?? {})).toEqual(["calls/s", "p50 ms", "p99 ms", ...cpu, "put off %"]);

    const ofLive = ["changes/s", "p50 ms", "p99 ms", "call p50 ms", "call p99 ms", ...cpu, "KB a watcher"];
    expect(Object.keys(named("live")?.figures ?? {})).toEqual(ofLive);
    expect(Object.keys(named("live-spread")?.figures ?? {})).toEqual(ofLive);

    const comparison = runScript("bench/bench.ts", {}, { args: ["--compare", file, file] });
    expect(await comparison.ended).toBe(0);
    expect(comparison.output()).toMatch(/race +winners +1\.00 +1\.00 +1\.00/);
  },
);

test.each([
  [["--only", "holds"], "There is no scenario holds."],
  [["--compare", "one.json"], "--compare takes two files."],
  [["--quick", "--large"], "exclude each other"],
  [["--rounds", "none"], "--rounds is a whole number"],
  [["--fast"], "Unknown option"],
])("%j is refused before anything is started", async (args, complaint) => {
  const bench = runScript("bench/bench.ts", {}, { args });
  expect(await bench.ended).toBe(1);
  expect(bench.output()).toContain(complaint);
  expect(bench.output()).not.toContain("A SkyFox of its own");
});
