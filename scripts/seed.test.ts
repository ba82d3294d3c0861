import {
  connectOnce,
  findAccount,
  findCustomerAnswer,
  getWallet,
  insertAccount,
  insertCustomer,
  inTransaction,
  listWalletTransactions,
  openDatabase,
  type Connection,
} from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createPasswordHasher } from "../server/src/auth/passwords.ts";
import { publishedPasswords } from "../server/src/auth/published-passwords.ts";
import { signUpInput } from "../server/src/contract/index.ts";
import { connectMovieService } from "../server/src/movie/movie-service.ts";
import { openWallet } from "../server/src/wallet/open-wallet.ts";
import { createManualClock } from "../server/test/manual-clock.ts";
import { createMemoryLogger } from "../server/test/memory-logger.ts";
import { startLoopbackServer, sendJson } from "./sandbox/loopback-server.ts";
import { startMovieService } from "./sandbox/movie-service.ts";
import { demoCustomer, seedDemo } from "./seed.ts";

const apiKey = "movie-key-of-the-tests";
const cinemaTimeZone = "Asia/Kolkata";
/** Already 10 March in the cinema. */
const now = new Date("2026-03-09T20:00:00Z");
const dayLater = new Date("2026-03-10T20:00:00Z");

let films: string;

beforeAll(async () => {
  const service = await startMovieService({ apiKey });
  films = service.url;
  return service.stop;
});

describe("the demo seed", () => {
  test("employs two admins and one at the door", async () => {
    const { seed, sql } = await openCinema();
    await seed(now);
    const people = `select u.username, s.name, u.role, s.counter_no as counter
      from usertable u join stafftable s using (username) order by 1`;
    expect(await sql.query(people)).toEqual([
      { username: "seed-user-1", name: "Admin One", role: "admin", counter: 101 },
      { username: "seed-user-2", name: "Admin Two", role: "admin", counter: 102 },
      { username: "staff-1", name: "Staff One", role: "staff", counter: 501 },
    ]);
  });

  test("has a customer with 1,000.00 in the wallet, and books that add up", async () => {
    const { seed, sql, db } = await openCinema();
    await seed(now);
    const { name, email, phoneNumber } = signUpInput.parse({
      name: demoCustomer.name,
      username: demoCustomer.username,
      password: demoCustomer.password,
      phoneNumber: demoCustomer.phoneNumber,
      email: demoCustomer.email,
      securityQuestionId: 1,
      securityAnswer: demoCustomer.securityAnswer,
    });
    expect(
      await sql.query("select name, email, number from customertable where username = 'customer.one'"),
    ).toEqual([{ name, email, number: phoneNumber }]);
    const { balance, reserved } = await getWallet(db, "customer.one");
    expect([balance, reserved].map(String)).toEqual(["1000", "0"]);
    const history = { username: "customer.one", beforeId: undefined, limit: 10 };
    expect(await listWalletTransactions(db, history)).toMatchObject([
      { type: "ADD", transactionId: "demo-seed" },
    ]);
    expect(await sql.query("select rule, subject from integrity_violation")).toEqual([]);
  });

  test("has passwords and an answer that fit", async () => {
    const { seed, db } = await openCinema();
    await seed(now);
    const { fits } = createPasswordHasher();
    for (const [username, password] of Object.entries(publishedPasswords))
      expect(await fits((await findAccount(db, username))?.passwordHash, password)).toBe(true);
    const answer = await findCustomerAnswer(db, "customer.one");
    expect(await fits(answer?.securityAnswerHash, demoCustomer.securityAnswer.toLowerCase())).toBe(true);
  });

  test.each([
    ["username", { username: demoCustomer.username }],
    ["e-mail address", { email: demoCustomer.email }],
    ["phone number", { phoneNumber: demoCustomer.phoneNumber }],
  ])("leaves a customer alone who has the %s of the demo's, and does all the rest", async (_what, same) => {
    const { seed, sql, db } = await openCinema();
    const theirs = { username: "guest", email: "guest@example.com", phoneNumber: "9000000000" };
    const { username, email, phoneNumber } = { ...theirs, ...same };
    const details = { name: "Guest", securityQuestionId: 1, securityAnswerHash: "answer" };
    await inTransaction(db, async (tx) => {
      await insertAccount(tx, { username, passwordHash: "theirs", role: "customer", createdAt: now });
      await insertCustomer(tx, { username, email, phoneNumber, ...details });
      await openWallet(tx, username, now);
    });
    expect(await seed(now)).toEqual({ newShows: 84 });
    expect(await sql.query("select name from customertable")).toEqual([{ name: "Guest" }]);
    expect(await count(sql, "usertable where role = 'customer'")).toBe(1);
    expect(await count(sql, "wallet_transaction")).toBe(0);
  });

  test("schedules a show per slot for 21 days from today in the cinema's zone", async () => {
    const { seed, sql } = await openCinema();
    expect(await seed(now)).toEqual({ newShows: 84 });
    const perDay = await sql.query("select date, count(*) as shows from show group by date order by date");
    expect(perDay).toHaveLength(21);
    expect(perDay[0]).toEqual({ date: "2026-03-10", shows: 4 });
    expect(perDay.at(-1)).toEqual({ date: "2026-03-30", shows: 4 });
    const [first] = await sql.query("select starts_at, ends_at from show order by starts_at limit 1");
    expect(first).toEqual({
      starts_at: new Date("2026-03-10T03:00:00Z"),
      ends_at: new Date("2026-03-10T06:00:00Z"),
    });
    const [costs] = await sql.query("select min(cost)::text as least, max(cost)::text as most from show");
    expect(costs).toEqual({ least: "150.00", most: "300.00" });
  });

  test("adds nothing the second time and keeps what was changed since", async () => {
    const { seed, sql } = await openCinema();
    await seed(now);
    await sql.query(`update usertable set password = 'changed' where username = 'staff-1';
      update show set cost = 999 where date = '2026-03-10'`);
    expect(await seed(now)).toEqual({ newShows: 0 });
    expect(await sql.query("select password from usertable where username = 'staff-1'")).toEqual([
      { password: "changed" },
    ]);
    expect(await count(sql, "show where cost = 999")).toBe(4);
    expect(await count(sql, "password_history")).toBe(4);
    expect(await count(sql, "wallet_transaction")).toBe(1);
  });

  test("tops the shows up when the day has moved on, and leaves those of yesterday", async () => {
    const { seed, sql } = await openCinema();
    await seed(now);
    expect(await seed(dayLater)).toEqual({ newShows: 4 });
    expect(await count(sql, "show where date = '2026-03-31'")).toBe(4);
    expect(await count(sql, "show")).toBe(88);
  });

  test("gives a day the same films and costs whenever it is planned", async () => {
    const [early, late] = [await openCinema(), await openCinema()];
    await early.seed(now);
    await late.seed(dayLater);
    const day = "select slot_id, movie_id, cost::text from show where date = '2026-03-20' order by slot_id";
    expect(await early.sql.query(day)).toEqual(await late.sql.query(day));
  });

  test("is done once when several servers do it at the same time", async () => {
    const { seed, sql } = await openCinema();
    const seeds = await Promise.all(Array.from({ length: 4 }, () => seed(now)));
    expect(seeds.reduce((sum, { newShows }) => sum + newShows, 0)).toBe(84);
    expect(await count(sql, "show")).toBe(84);
    expect(await count(sql, "stafftable")).toBe(3);
    expect(await count(sql, "customertable")).toBe(1);
    expect(await sql.query("select balance::text from customer_wallet")).toEqual([{ balance: "1000.00" }]);
    expect(await count(sql, "wallet_transaction")).toBe(1);
    expect(await count(sql, "integrity_violation")).toBe(0);
  });

  test.each([
    ["refuses our key", { status: 403, body: {} }, "it answered 403"],
    ["answers something else", { status: 200, body: { films: [] } }, "its answer is not a list of films"],
    ["has no films", { status: 200, body: [] }, "It has none."],
  ])(
    "adds no shows, says why and still has its people when the movie service %s",
    async (_what, answer, reason) => {
      const service = await startLoopbackServer((_request, response) => {
        sendJson(response, answer);
        return Promise.resolve();
      }, 0);
      onTestFinished(service.stop);
      const { seed, sql } = await openCinema(service.url);
      expect(await seed(now)).toEqual({ newShows: 0, noFilms: reason });
      expect([await count(sql, "stafftable"), await count(sql, "customertable")]).toEqual([3, 1]);
    },
  );

  test("adds no shows when the movie service is not there", async () => {
    const { seed } = await openCinema("http://127.0.0.1:1");
    expect(await seed(now)).toEqual({ newShows: 0, noFilms: expect.stringMatching(/\S/) as string });
  });
});

/** A migrated database without shows, and the seed for it. */
async function openCinema(url = films) {
  const database = await createTestDatabase();
  const db = openDatabase(database.url, { maxConnections: 4 });
  const sql = await connectOnce(database.url);
  onTestFinished(async () => {
    await sql.end();
    await db.destroy();
  });
  const seed = (at: Date) => {
    const parts = { clock: createManualClock(at), logger: createMemoryLogger(), random: () => 0 };
    const movies = connectMovieService({ url, apiKey, ...parts });
    return seedDemo(db, { now: at, cinemaTimeZone, movies });
  };
  return { seed, sql, db };
}

async function count(sql: Connection, what: string): Promise<unknown> {
  const [row] = await sql.query(`select count(*) as count from ${what}`);
  return row?.["count"];
}
