import { startTestCluster } from "@skyfox/db/embedded";
import { createSkyfoxClient, type SkyfoxClient } from "@skyfox/sdk";
import { publishedPasswords } from "../../server/src/auth/published-passwords.ts";
import { developmentApiKey } from "../../server/src/config.ts";
import { startChildServer } from "../../server/test/child-server.ts";

/** A server with the demo's accounts and shows, on a Postgres of its own. */
export interface Cinema {
  url: string;
  metricsUrl: string;
  apiKey: string;
  stop(): Promise<void>;
}

/** A customer who has logged in, and a show to come. */
export interface Visit {
  client: SkyfoxClient;
  token: string;
  showId: number;
}

/** Starts a server with these settings; everything ends with this process at the latest. */
export async function openCinema(settings: Record<string, string> = {}): Promise<Cinema> {
  const cluster = await startTestCluster();
  try {
    const server = await startChildServer(
      {
        APP_ENV: "development",
        DATABASE_URL: await cluster.createDatabase("template0"),
        DEMO_SEED: "on",
        METRICS_PORT: "0",
        ...settings,
      },
      (end) => process.once("exit", end),
    );
    const { metricsUrl } = await server.line("SkyFox is listening.");
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      await server.stop();
      await cluster.stop();
    };
    return {
      url: server.url,
      metricsUrl: String(metricsUrl),
      apiKey: developmentApiKey,
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Logs the demo's customer in at that address and picks a show of tomorrow. */
export async function visit({ apiKey }: Cinema, url: string): Promise<Visit> {
  let token: string | null = null;
  const client = createSkyfoxClient({ url, apiKey, token: () => token });
  const username = "customer.one";
  ({ token } = await client.auth.login.mutate({ username, password: publishedPasswords[username] }));
  const tomorrow = new Date(new Date().getTime() + 86_400_000)
    .toTemporalInstant()
    .toZonedDateTimeISO("Asia/Kolkata")
    .toPlainDate()
    .toString();
  const [show] = await client.show.list.query({ date: tomorrow });
  if (show === undefined) throw new Error(`There is no show on ${tomorrow}.`);
  return { client, token, showId: show.id };
}
