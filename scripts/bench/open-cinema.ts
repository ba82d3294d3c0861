import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOnce, databaseTime, openDatabase, type Db } from "@skyfox/db";
import { startTestCluster } from "@skyfox/db/embedded";
import { createSkyfoxClient, type RouterOutputs, type SkyfoxClient } from "@skyfox/sdk";
import { developmentApiKey } from "../../server/src/config.ts";
import { startChildServer } from "../../server/test/child-server.ts";
import { givenTakings } from "../../server/test/given-takings.ts";
import { demoPassword, demoStaff } from "../seed.ts";

/** A SkyFox in a process of its own with lived-in data, and a way around it straight to its Postgres. */
export interface OpenCinema {
  /** Asks the server over HTTP and reads the answer's text. Throws when it is a refusal. */
  ask(path: string, token: string | null, call?: { query?: object; body?: object }): Promise<string>;
  db: Db;
  adminToken: string;
  customers: { username: string; token: string }[];
  /** Tomorrow's shows, on which every seat is free. */
  shows: RouterOutputs["show"]["list"];
  cinemaTimeZone: string;
  now: Date;
  close(): Promise<void>;
}

const cinemaTimeZone = "Asia/Kolkata";
const password = "Seven-Seas-7";

/** Starts a Postgres, a server on it with the demo's shows, sells that many bookings and signs customers up. */
export async function openCinema(counts: { bookings: number; customers: number }): Promise<OpenCinema> {
  const stops: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  try {
    const stateDirectory = await mkdtemp(join(tmpdir(), "skyfox-bench-"));
    stops.push(() => rm(stateDirectory, { recursive: true, force: true }));
    const cluster = await startTestCluster();
    stops.push(() => cluster.stop());
    const databaseUrl = await cluster.createDatabase("template0");
    const server = await startChildServer(
      {
        APP_ENV: "development",
        DATABASE_URL: databaseUrl,
        CINEMA_TIME_ZONE: cinemaTimeZone,
        API_GATEWAY_KEY: developmentApiKey,
        SKYFOX_STATE_DIRECTORY: stateDirectory,
        DEMO_SEED: "on",
      },
      (end) => process.once("exit", end),
    );
    stops.push(() => server.stop());
    const db = openDatabase(databaseUrl);
    stops.push(() => db.destroy());

    const now = await databaseTime(db);
    const sql = await connectOnce(databaseUrl);
    await givenTakings(sql, counts.bookings, now);
    await sql.end();

    const anyone = connect(server.url);
    const admin = demoStaff.find(({ role }) => role === "admin")?.username ?? "";
    const { token: adminToken } = await anyone.auth.login.mutate({ username: admin, password: demoPassword });
    const customers = [];
    for (let index = 1; index <= counts.customers; index += 1) customers.push(await signUp(anyone, index));
    const tomorrow = now
      .toTemporalInstant()
      .toZonedDateTimeISO(cinemaTimeZone)
      .add({ days: 1 })
      .toPlainDate();
    const shows = await connect(server.url, adminToken).show.list.query({ date: tomorrow.toString() });
    return { ask: askAt(server.url), db, adminToken, customers, shows, cinemaTimeZone, now, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function connect(url: string, token: string | null = null): SkyfoxClient {
  return createSkyfoxClient({ url, apiKey: developmentApiKey, token: () => token });
}

async function signUp(anyone: SkyfoxClient, index: number): Promise<{ username: string; token: string }> {
  const username = `customer.${index}`;
  await anyone.auth.signup.mutate({
    name: "Customer",
    username,
    password,
    phoneNumber: String(9_000_000_000 + index),
    email: `${username}@example.com`,
    securityQuestionId: 1,
    securityAnswer: "A brown fox",
  });
  const { token } = await anyone.auth.login.mutate({ username, password });
  return { username, token };
}

function askAt(url: string): OpenCinema["ask"] {
  return async (path, token, { query, body } = {}) => {
    const search = query === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify({ json: query }))}`;
    const headers = {
      "x-api-key": developmentApiKey,
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const response = await fetch(`${url}${path}${search}`, {
      headers,
      ...(body !== undefined && { method: "POST", body: JSON.stringify({ json: body }) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
    return text;
  };
}
