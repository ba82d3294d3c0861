// Eight tabs of Chromium that watch one show over HTTP/1.1, with the packed SDK: a browser opens six connections to a host, so that each could not have its own.
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { build } from "tsdown";
import { Missing, runChecks, within } from "./checks.ts";
import { startChromium, type Tab } from "./chromium.ts";
import { openCinema, visit } from "./cinema.ts";
import { servePage } from "./page-server.ts";

const tabCount = 8;
const loadMs = 30_000;
const followMs = 10_000;
const packed = join(import.meta.dirname, "../../sdk/dist/package/index.js");

/** What a page shows. */
interface Shown {
  status: string;
  /** Whether the tab has the stream. */
  leads: boolean;
  isHidden: boolean;
  version: number;
  /** The seats that are not free. */
  taken: string[];
}

// Also of a page that has not loaded yet.
const shown = `(({ status = "none", leads = false, map }) => ({
  status, leads, isHidden: document.hidden, version: map?.version ?? -1,
  taken: (map?.rows ?? []).flatMap(({ seats }) => seats).filter(({ status }) => status !== "free").map(({ seatNumber }) => seatNumber),
}))(globalThis.state ?? {})`;

function writePage(settings: { apiKey: string; token: string; showId: number }): string {
  return `<!doctype html><title>Seats</title><script type="module">
    import { createSkyfoxClient } from "/sdk.js";
    const { apiKey, token, showId } = ${JSON.stringify(settings)};
    const state = (globalThis.state = { status: "none", leads: false, map: undefined });
    const client = createSkyfoxClient({
      url: location.origin,
      apiKey,
      token,
      fetch(url, init) {
        if (String(url).includes("watchSeatMap")) {
          state.leads = true;
          init.signal.addEventListener("abort", () => (state.leads = false));
        }
        return fetch(url, init);
      },
    });
    client.watchSeatMap(showId, {
      onChange: (map) => (state.map = map),
      onStatus: (status) => (state.status = status),
      signal: new AbortController().signal,
    });
  </script>`;
}

/** The packed SDK with what it depends on, as one module for a browser. */
async function bundleSdk(): Promise<string> {
  await access(packed).catch(() => {
    throw new Missing("The SDK is not packed. Run: npm run build");
  });
  const outDir = await mkdtemp(join(tmpdir(), "skyfox-browser-"));
  try {
    await build({
      config: false,
      entry: { sdk: packed },
      outDir,
      platform: "browser",
      fixedExtension: false,
      dts: false,
      logLevel: "error",
      deps: { alwaysBundle: [/./], onlyBundle: false },
    });
    return await readFile(join(outDir, "sdk.js"), "utf8");
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}

/** Looks at all tabs until they show what they should. Throws with what they show after so long. */
async function untilAll(
  what: string,
  tabs: Tab[],
  isRight: (all: Shown[]) => boolean,
  ms = followMs,
): Promise<void> {
  let last: Shown[] = [];
  const look = async () => {
    for (;;) {
      last = (await Promise.all(tabs.map((tab) => tab.evaluate(shown)))) as Shown[];
      if (isRight(last)) return;
      await pause(100);
    }
  };
  await within(ms, what, look()).catch((error: unknown) => {
    throw new Error(`${what}: not so. ${JSON.stringify(last)}`, { cause: error });
  });
  console.log(`${what}.`);
}

// The same map, live, with these seats and no others taken.
function showAll(all: Shown[], ...seats: string[]): boolean {
  return all.every(
    ({ status, version, taken }) =>
      status === "live" && version === all[0]?.version && taken.join() === seats.join(),
  );
}

async function findTab(tabs: Tab[], is: (shown: Shown) => boolean): Promise<number> {
  const all = (await Promise.all(tabs.map((tab) => tab.evaluate(shown)))) as Shown[];
  const index = all.findIndex(is);
  if (index === -1) throw new Error(`There is no such tab: ${JSON.stringify(all)}`);
  return index;
}

await runChecks(async (stops) => {
  const sdk = await bundleSdk();
  const browser = await startChromium(stops);
  const cinema = await openCinema();
  stops.push(cinema.stop);
  const { client, token, showId } = await visit(cinema, cinema.url);
  const texts = new Map([
    ["/", { type: "text/html", text: writePage({ apiKey: cinema.apiKey, token, showId }) }],
    ["/sdk.js", { type: "text/javascript", text: sdk }],
  ]);
  const site = await servePage(texts, cinema.url);
  stops.push(site.close);

  const isOneStream = () => site.streams === 1;
  const tabs: Tab[] = [];
  // Side by side: in one window all but one are hidden.
  while (tabs.length < tabCount) tabs.push(await browser.openTab(`${site.url}/`, { newWindow: true }));
  await untilAll(
    `${tabCount} tabs load and show the same map, over one stream`,
    tabs,
    (all) => showAll(all) && isOneStream(),
    loadMs,
  );

  await client.booking.initialize.mutate({ showId, seatNumbers: ["A1"] });
  await untilAll("A hold shows in all of them", tabs, (all) => showAll(all, "A1") && isOneStream());

  const [leader] = tabs.splice(await findTab(tabs, ({ leads }) => leads), 1);
  await leader?.close();
  await client.booking.initialize.mutate({ showId, seatNumbers: ["A2"] });
  await untilAll(
    "The tab with the stream is closed, another one takes over, and the next hold shows in all that are left",
    tabs,
    (all) => showAll(all, "A1", "A2") && isOneStream(),
  );

  // It covers one of them.
  const cover = await browser.openTab("about:blank", { newWindow: false });
  await untilAll(
    "A hidden tab says that it is stale",
    tabs,
    (all) => all.filter(({ isHidden, status }) => isHidden && status === "stale").length === 1,
  );
  const [hidden] = tabs.splice(await findTab(tabs, ({ isHidden }) => isHidden), 1);
  if (hidden === undefined) throw new RangeError("No tab is hidden.");
  await client.booking.initialize.mutate({ showId, seatNumbers: ["A3"] });
  await untilAll(
    "A hold shows in all others, over one stream",
    tabs,
    (all) => showAll(all, "A1", "A2", "A3") && isOneStream(),
  );
  await untilAll("The hidden tab has not heard of it", [hidden], ([one]) => one?.taken.join() === "A1,A2");
  await hidden.show();
  await untilAll(
    "It is shown again and catches up",
    [hidden, ...tabs],
    (all) => showAll(all, "A1", "A2", "A3") && isOneStream(),
  );
  for (const tab of [cover, hidden, ...tabs]) await tab.close();
  await untilAll("All are closed, and no stream is left", [], () => site.streams === 0);
});
