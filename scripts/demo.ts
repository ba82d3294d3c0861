import { setTimeout } from "node:timers/promises";
import { domainErrorOf } from "@skyfox/sdk";
import { z } from "zod";
import { readConfig } from "../server/src/config.ts";
import { createProcessLogger } from "../server/src/runtime/logger.ts";
import { describeFailure } from "./database.ts";
import { playJourney } from "./demo/journey.ts";
import { WrongOutcome } from "./demo/outcomes.ts";
import { findDoorTime, makeStateFolder } from "./demo/own-cinema.ts";
import { openTerminal } from "./demo/terminal.ts";
import { startSkyfox, type RunningSkyfox } from "./start.ts";
import { stopOnSignals } from "./stop-on-signals.ts";

// Short enough to watch a hold run out, long enough to pay one.
const ownHoldSeconds = "20";

const interrupted = 130;

let own: Promise<RunningSkyfox> | undefined;
let ownState: Awaited<ReturnType<typeof makeStateFolder>> | undefined;
let ownStopped: Promise<void> | undefined;

const stopping = stopOnSignals(async () => {
  await stopOwnServer();
  console.log("\nStopped before the end.");
  return interrupted;
});
try {
  await playJourney(openTerminal(stopping), (await findServer()) ?? (await startOwnServer()));
  console.log(
    "\nThat was the whole journey, and every step came out as it should. Run it again as often as you like.",
  );
} catch (error) {
  if (!stopping.aborted) {
    console.error(describeFailedDemo(error));
    process.exitCode = 1;
  }
} finally {
  await stopOwnServer();
}

async function findServer(): Promise<{ url: string; apiKey: string } | undefined> {
  const { PORT, API_GATEWAY_KEY, SKYFOX_URL } = process.env;
  const { port, apiKeys } = readConfig({ PORT, API_GATEWAY_KEY });
  const url = SKYFOX_URL || `http://localhost:${port}`;
  if (await isSkyfox(url)) {
    console.log(`A customer's journey through the SkyFox that runs at ${url}`);
    return { url, apiKey: apiKeys[0]?.key ?? "" };
  }
  if (!SKYFOX_URL) return undefined;
  throw new Error(`No SkyFox answers at ${url}. Start it there, or correct SKYFOX_URL.`);
}

async function isSkyfox(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url.replace(/\/+$/, "")}/health`, { signal: AbortSignal.timeout(3_000) });
    return z.object({ status: z.literal("healthy") }).safeParse(await response.json()).success;
  } catch {
    return false;
  }
}

async function startOwnServer(): Promise<{ url: string; apiKey: string }> {
  if (process.env.APP_ENV === "production")
    throw new Error(
      "With APP_ENV=production the demo starts no server. Name a running one: SKYFOX_URL=https://…",
    );
  console.log(
    "No SkyFox runs here yet, so the demo starts one of its own, for as long as it plays. That takes a few seconds …",
  );
  const holdSeconds = process.env.HOLD_SECONDS || ownHoldSeconds;
  // Somewhere a show begins soon enough for its door to be open.
  const zone = process.env.CINEMA_TIME_ZONE || (await waitForDoorTime());
  const config = readConfig({
    ...process.env,
    PORT: "0",
    HOLD_SECONDS: holdSeconds,
    CINEMA_TIME_ZONE: zone,
    DATABASE_URL: undefined,
  });
  ownState = await makeStateFolder();
  own = startSkyfox(config, createProcessLogger("error"), ownState.path);
  const { url } = await own;
  stopping.throwIfAborted();
  console.log(
    `A customer's journey through SkyFox, at ${url}, where holds live ${holdSeconds} seconds and it is ${config.cinemaTimeZone} time`,
  );
  return { url, apiKey: config.apiKeys[0]?.key ?? "" };
}

async function waitForDoorTime(): Promise<string> {
  for (;;) {
    const now = new Date();
    const zone = findDoorTime(now);
    if (zone !== undefined) return zone;
    console.log(
      "In no city a cinema's door is open at this very minute. In the next one it is: waiting for it …",
    );
    await setTimeout(60_000 - (now.getTime() % 60_000), undefined, { signal: stopping });
  }
}

// Once, also when the end and a Ctrl-C both ask for it: its folder goes only after everything in it has stopped.
function stopOwnServer(): Promise<void> {
  return (ownStopped ??= (async () => {
    const skyfox = await own?.catch(() => undefined);
    await skyfox?.stop();
    await ownState?.remove();
  })());
}

function describeFailedDemo(error: unknown): string {
  if (!(error instanceof WrongOutcome)) return `The demo could not be played. ${describeFailure(error)}`;
  const lines = ["", "This step did not come out as it should.", ...error.message.split("\n")];
  if (domainErrorOf(error.cause)?.code === "INVALID_API_KEY")
    lines.push("Set API_GATEWAY_KEY to a key that this server knows.");
  return lines.join("\n    ");
}
