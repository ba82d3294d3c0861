import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectOnce, databaseTime, openDatabase, type Connection, type Db } from "@skyfox/db";
import { startTestCluster } from "@skyfox/db/embedded";
import { createSessionTokens } from "../../server/src/auth/session-tokens.ts";
import { startDatabaseClock } from "../../server/src/runtime/clock.ts";
import { createProcessLogger } from "../../server/src/runtime/logger.ts";
import { startChildServer, type ChildServer } from "../../server/test/child-server.ts";
import { givenTakings } from "../../server/test/given-takings.ts";
import { findFreePort } from "../free-port.ts";
import { openCaller, type Caller, type Person } from "./caller.ts";
import { openRawStatements, type RawStatements } from "./raw-statements.ts";
import { familyProcessorUs, parentOf, processorUs, startPart } from "./processes.ts";
import type { Meter } from "./measure.ts";

/** How many calls are under way at once. */
export const callers = 32;

/** How many customers there are; each holds no more seats than it may. */
export const customersOfTheBench = 240;

/** Bookings of the month that is exported. */
export const rowsOfTheMonth = 12_000;

/** The seats of a show, row by row. */
export const seatsOfTheHall = Array.from(
  { length: 100 },
  (_, seat) => `${"ABCDEFGHIJ"[Math.floor(seat / 10)]}${(seat % 10) + 1}`,
);

/** A show on which every seat is free at first. */
export interface Show {
  id: number;
  screenId: number;
  date: string;
}

/** A seat of a show. */
export interface Place {
  show: Show;
  seat: string;
}

/** A server with a database of its own; `close` ends the server. */
export interface Branch extends Pick<Cinema, "server" | "serverCpu" | "customers" | "shows"> {
  url: string;
  /** Where the server can be inspected. */
  inspector: string;
  close(): Promise<void>;
}

/** A server, its Postgres and its gateway in processes of their own, with lived-in data. */
export interface Cinema {
  server: Caller;
  serverPid: number;
  serverCpu: Meter;
  /** The server that has nothing but the libraries. */
  bare: Caller;
  bareCpu: Meter;
  postgresCpu: Meter;
  databaseUrl: string;
  /** For reports by hand, without the limits in time of calls. */
  db: Db;
  raw: RawStatements;
  admin: Person;
  customers: Person[];
  /** 48 on each of six days. */
  shows: Show[];
  /** The next seat that no one has asked for yet. Throws when all have been. */
  nextPlace(): Place;
  /** A month with exactly `rowsOfTheMonth` bookings. */
  month: { month: number; year: number };
  cinemaTimeZone: string;
  now: Date;
  /** Another database of the same Postgres, with the schema of the server and nothing in it. */
  createDatabase(): Promise<string>;
  /** Another server, on that database. */
  startServer(databaseUrl: string): Promise<ChildServer>;
  /** A server with a database of its own that has the same customers and shows, and no bookings. */
  openBranch(): Promise<Branch>;
  close(): Promise<void>;
}

const cinemaTimeZone = "Asia/Kolkata";
const jwtSecret = "a secret of the benchmark, long enough for HS256";
const days = 6;
const screensOfTheBench = 12;
const noLimit = "1000000";
const streamsOfTheBench = "5000";

/** Starts everything and sells that many bookings. On failure all that was started is stopped again. */
export async function openCinema(bookings: number): Promise<Cinema> {
  const stops: (() => unknown)[] = [];
  const close = async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  try {
    const stateDirectory = await mkdtemp(join(tmpdir(), "skyfox-bench-"));
    stops.push(() => rm(stateDirectory, { recursive: true, force: true }));
    const cluster = await startTestCluster();
    stops.push(() => cluster.stop());
    const gateway = await startPart(new URL("gateway-process.ts", import.meta.url));
    stops.push(() => gateway.stop());
    const bareServer = await startPart(new URL("../../server/test/bare-server.ts", import.meta.url));
    stops.push(() => bareServer.stop());

    const environment = {
      APP_ENV: "development",
      CINEMA_TIME_ZONE: cinemaTimeZone,
      JWT_SECRET_KEY: jwtSecret,
      PAYMENT_GATEWAY_URL: gateway.said,
      PAYMENT_GATEWAY_API_KEY: "key-of-the-benchmark",
      SKYFOX_STATE_DIRECTORY: stateDirectory,
      TRUSTED_PROXIES: "1",
      HOLD_SECONDS: "3600",
      LIMIT_HOLDS_PER_ACCOUNT: noLimit,
      LIMIT_HOLDS_PER_ADDRESS: noLimit,
      LIMIT_ABANDONED_HOLDS_PER_ACCOUNT: noLimit,
      MAX_STREAMS: streamsOfTheBench,
      MAX_STREAMS_PER_ADDRESS: streamsOfTheBench,
    };
    const startServer = async (url: string, settings: Record<string, string> = {}) => {
      const child = await startChildServer({ ...environment, DATABASE_URL: url, ...settings }, (end) =>
        process.once("exit", end),
      );
      stops.push(() => child.stop());
      return child;
    };
    const databaseUrl = await cluster.createDatabase("template0");
    const child = await startServer(databaseUrl);
    const db = openDatabase(databaseUrl, { statementMs: 60_000 });
    stops.push(() => db.destroy());
    const now = await databaseTime(db);
    const raw = openRawStatements({ databaseUrl, db, now });
    stops.push(() => raw.close());
    const sql = await connectOnce(databaseUrl);
    stops.push(() => sql.end());

    await givenTakings(sql, bookings, now);
    const month = await givenMonth(sql, now);
    const shows = await givenShows(sql, now);
    const { admin, customers } = await givenPeople(db, sql, now);
    await sql.query("vacuum analyze");

    const server = openCaller(child.url, customersOfTheBench);
    const bare = openCaller(bareServer.said, callers);
    stops.push(server.close, bare.close);
    const [row] = await sql.query("select pg_backend_pid() as pid");
    const postmaster = parentOf(Number(row?.["pid"]));
    let places = 0;
    const nextPlace = () => {
      const show = shows[places % shows.length];
      const seat = seatsOfTheHall[Math.floor(places / shows.length)];
      if (show === undefined || seat === undefined)
        throw new Error("All seats of the benchmark have been asked for.");
      places += 1;
      return { show, seat };
    };
    return {
      server,
      serverPid: child.pid,
      serverCpu: () => processorUs(child.pid),
      bare,
      bareCpu: () => processorUs(bareServer.pid),
      postgresCpu: () => (postmaster === undefined ? undefined : familyProcessorUs(postmaster)),
      databaseUrl,
      db,
      raw,
      admin,
      customers,
      shows,
      nextPlace,
      month,
      cinemaTimeZone,
      now,
      async createDatabase() {
        const url = await cluster.createDatabase("template0");
        const migrating = await startServer(url);
        await migrating.stop();
        return url;
      },
      startServer,
      async openBranch() {
        const url = await cluster.createDatabase("template0");
        const inspector = `127.0.0.1:${await findFreePort()}`;
        const branch = await startServer(url, { NODE_OPTIONS: `--inspect=${inspector}` });
        const own = await connectOnce(url);
        const ownDb = openDatabase(url);
        const ownShows = await givenShows(own, now);
        const people = await givenPeople(ownDb, own, now);
        await own.query("vacuum analyze");
        await Promise.all([own.end(), ownDb.destroy()]);
        const caller = openCaller(branch.url, customersOfTheBench);
        return {
          url: branch.url,
          server: caller,
          inspector,
          serverCpu: () => processorUs(branch.pid),
          customers: people.customers,
          shows: ownShows,
          async close() {
            caller.close();
            await branch.stop();
          },
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

// Older than all other bookings, so that no other one is in it.
async function givenMonth(sql: Connection, now: Date): Promise<Cinema["month"]> {
  const first = now
    .toTemporalInstant()
    .toZonedDateTimeISO(cinemaTimeZone)
    .toPlainDate()
    .with({ day: 1 })
    .subtract({ months: 30 });
  await sql.query(
    `update booking set booking_time = ($1::date + interval '1 day') at time zone $2 + interval '1 second' * (id * 7919 % 2000000)
     where id in (select id from booking order by id limit $3)`,
    [first.toString(), cinemaTimeZone, rowsOfTheMonth],
  );
  return { month: first.month, year: first.year };
}

async function givenShows(sql: Connection, now: Date): Promise<Show[]> {
  await sql.query(
    "insert into movie (movie_id, title, runtime_minutes, genres) values ('bench', 'The Benchmark', 120, '{Drama}')",
  );
  const today = now.toTemporalInstant().toZonedDateTimeISO(cinemaTimeZone).toPlainDate().toString();
  const rows = await sql.query(
    `with hall as (
       insert into screen (name) select 'Bench ' || n from generate_series(1, ${screensOfTheBench}) n returning id
     ), seats as (
       insert into seat (screen_id, seat_number, seat_type, row_label, column_number)
       select hall.id, seat_number, seat_type, row_label, column_number from hall, seat where screen_id = 1
     )
     insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
     select 'bench', $1::date + day, slot.id, 200, hall.id, ($1::date + day + slot.start_time) at time zone $2,
       ($1::date + day + slot.end_time) at time zone $2
     from generate_series(1, ${days}) day, slot, hall
     order by day, slot.id, hall.id
     returning id, screen_id as "screenId", date`,
    [today, cinemaTimeZone],
  );
  return rows as unknown as Show[];
}

// Written straight into the tables: their passwords are none, their sessions and tokens are those that a login would have made.
async function givenPeople(db: Db, sql: Connection, now: Date): Promise<Pick<Cinema, "admin" | "customers">> {
  await sql.query(
    `with boss as (
       insert into usertable (username, password, role) values ('bench.admin', 'none', 'admin') returning username
     ), employed as (
       insert into stafftable (username, name, counter_no) select username, 'Bench', 901 from boss
     ), account as (
       insert into usertable (username, password, role) select 'bench.' || n, 'none', 'customer' from generate_series(1, $1::int) n returning username
     ), customer as (
       insert into customertable (username, name, email, number, security_question_id, security_answer_hash)
       select username, 'Customer', username || '@example.com', (9100000000 + split_part(username, '.', 2)::bigint)::text, 1, 'none' from account
       returning username
     )
     insert into customer_wallet (username) select username from customer`,
    [customersOfTheBench],
  );
  const expiresAt = new Date(now.getTime() + 86_400_000);
  const sessions = await sql.query(
    `insert into session (id, username, created_at, expires_at)
     select gen_random_uuid(), username, $1, $2 from usertable where username like 'bench.%' returning id, username`,
    [now, expiresAt],
  );
  const clock = await startDatabaseClock(db, createProcessLogger("error"));
  const tokens = createSessionTokens({ secrets: [{ kid: "default", secret: jwtSecret }], clock });
  const people = await Promise.all(
    sessions.map(async ({ id, username }, index) => {
      const isAdmin = username === "bench.admin";
      const claims = { sessionId: String(id), username: String(username), issuedAt: now, expiresAt };
      const token = await tokens.sign({ ...claims, role: isAdmin ? "admin" : "customer" });
      const address = `10.0.${index >> 8}.${index & 255}`;
      return { username: String(username), token, address, isAdmin };
    }),
  );
  clock.close();
  const admin = people.find(({ isAdmin }) => isAdmin);
  if (admin === undefined) throw new Error("There is no admin.");
  return { admin, customers: people.filter(({ isAdmin }) => !isAdmin) };
}
