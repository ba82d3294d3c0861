import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { describeFailure } from "../database.ts";
import { stopOnSignals } from "../stop-on-signals.ts";
import { openCinema, type Cinema } from "./cinema.ts";
import {
  compareReports,
  describeResults,
  floorName,
  judge,
  readReport,
  summarise,
  type Figures,
  type Report,
} from "./report.ts";
import { bookingsOf, listScenarios, type Scenario, type Size } from "./scenarios.ts";

const interrupted = 130;
const roundsOfSize = { quick: 1, default: 5, large: 5 };

const usage = `npm run bench -- [options]
  --only name,…          measures these scenarios and what they stand beside
  --quick                one short round, to see that it runs; its figures say nothing
  --large                a million bookings
  --rounds n             how many rounds count (5)
  --json FILE            writes the run into a file
  --compare FILE FILE    shows two such files side by side and measures nothing`;

/** Says what is wrong with the options. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

function readOptions(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      large: { type: "boolean", default: false },
      rounds: { type: "string" },
      json: { type: "string" },
      compare: { type: "boolean", default: false },
    },
  });
  const { only, quick, large, json } = values;
  if (quick && large) throw new UsageError("--quick and --large exclude each other.");
  const [before, after, ...others] = positionals;
  if (values.compare && (before === undefined || after === undefined || others.length > 0))
    throw new UsageError("--compare takes two files.");
  if (!values.compare && before !== undefined) throw new UsageError(`${before} is no option.`);
  const size: Size = quick ? "quick" : large ? "large" : "default";
  const rounds = Number(values.rounds ?? roundsOfSize[size]);
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError("--rounds is a whole number from 1 on.");
  const files = values.compare && before !== undefined && after !== undefined ? { before, after } : undefined;
  return { only: only?.split(","), size, rounds, json, files };
}

// With the floor, and with the yardsticks that the chosen ones stand beside.
function choose(all: Scenario[], only: string[] | undefined): Scenario[] {
  if (only === undefined) return all;
  const unknown = only.filter((name) => all.every((one) => one.name !== name));
  if (unknown.length > 0) {
    const names = all.map(({ name, about }) => `\n  ${name.padEnd(12)} ${about}`).join("");
    throw new UsageError(`There is no scenario ${unknown.join(", ")}. There are:${names}`);
  }
  const yardsticks = all.filter(({ name }) => only.includes(name)).map(({ beside }) => beside);
  return all.filter(({ name }) => name === floorName || only.includes(name) || yardsticks.includes(name));
}

// All by turns in each round, so that whatever else the machine does falls on all alike. The first round only warms up.
async function measure(
  cinema: Cinema,
  scenarios: Scenario[],
  rounds: number,
): Promise<Map<string, Figures>[]> {
  const measured: Map<string, Figures>[] = [];
  const warmUps = rounds === 1 ? 0 : 1;
  for (let turn = -warmUps; turn < rounds; turn += 1) {
    const round = new Map<string, Figures>();
    for (const scenario of scenarios)
      if (scenario.isOnce !== true || turn === rounds - 1)
        round.set(scenario.name, await scenario.round(cinema));
    if (turn >= 0) measured.push(round);
    console.log(turn < 0 ? "Warmed up." : `Round ${turn + 1} of ${rounds} is done.`);
  }
  return measured;
}

let opening: Promise<Cinema> | undefined;

async function run({ only, size, rounds, json }: ReturnType<typeof readOptions>): Promise<void> {
  const scenarios = choose(listScenarios(size), only);
  console.log(`A SkyFox of its own, with ${bookingsOf(size).toLocaleString("en")} bookings …`);
  opening = openCinema(bookingsOf(size));
  const results = summarise(scenarios, await measure(await opening, scenarios, rounds));
  console.log(`\n${describeResults(results, scenarios)}\n`);
  for (const { name, about } of scenarios) console.log(`${name.padEnd(12)} ${about}`);
  console.log("\nOnly ratios can be compared between machines; CPU is that of server and Postgres together.");
  const isKept = scenarios.every(({ name, goals = [] }) => {
    const result = results.find((one) => one.name === name);
    return result === undefined || judge(goals, result).every((verdict) => verdict.isKept);
  });
  // A quick run is too short to judge by.
  if (!isKept && size !== "quick") process.exitCode = 1;
  if (json === undefined) return;
  const report: Report = {
    version: 1,
    at: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    rounds,
    size,
    scenarios: results,
  };
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
}

async function readFileOf(file: string): Promise<Report> {
  return readReport(await readFile(file, "utf8"));
}

async function close(): Promise<void> {
  const cinema = await opening?.catch(() => undefined);
  await cinema?.close();
}

async function main(): Promise<void> {
  const stopping = stopOnSignals(async () => {
    await close();
    return interrupted;
  });
  try {
    const options = readOptions(process.argv.slice(2));
    if (options.files === undefined) return await run(options);
    const { before, after } = options.files;
    console.log(compareReports(await readFileOf(before), await readFileOf(after)));
  } catch (error) {
    if (stopping.aborted) return;
    const isUsage = error instanceof UsageError || error instanceof TypeError;
    console.error(
      isUsage ? `${error.message}\n\n${usage}` : `The benchmark could not be run. ${describeFailure(error)}`,
    );
    process.exitCode = 1;
  } finally {
    await close();
  }
}

await main();
