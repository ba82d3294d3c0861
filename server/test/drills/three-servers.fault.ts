import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import type { Decimal } from "decimal.js";
import { describe, expect, onTestFinished, test } from "vitest";
import { maxLiveHolds, type Hold, type SeatMap } from "../../src/contract/index.ts";
import type { User } from "../../src/deps.ts";
import { cinemaToday } from "../../src/show/window.ts";
import {
  acknowledgeMadeLater,
  listUntruths,
  nothingAcknowledged,
  openWork,
  type OpenCalls,
} from "../acknowledged.ts";
import type { ChildServer } from "../child-server.ts";
import { listDifferences } from "../compare-books.ts";
import { startDatabaseProxy, type Deed } from "../database-proxy.ts";
import { drillApiKey, startServerOf } from "../drill-server.ts";
import { givenCustomer, givenCustomers, givenShow, goodCard, tokenOf } from "../given.ts";
import { createManualClock } from "../manual-clock.ts";
import { isOpen, saidBy } from "../money-calls.ts";
import { createPersistentCallers, type Call } from "../persistent-callers.ts";
import { mutate, query, type Answer, type CallOptions, type Reachable } from "../rpc-call.ts";
import { shiftDatabaseClock } from "../shift-database-clock.ts";
import { createTestApp } from "../test-app.ts";
import { until } from "../until.ts";
import { watchMap, type Watching } from "../watch-seat-map.ts";

const buyerCount = 60;
const watchersPerServer = 3;
// Longer than a call is answered in the meantime, and shorter than the freeze.
const holdSeconds = 8;
// As an operating system may freeze a process: long enough for Postgres to end its idle transactions and for its neighbours to take over all it held.
const frozenSeconds = 30;
// A row that the frozen server had locked is free after ten seconds, and servers look for holds without a timer every ten.
const sweptWithinSeconds = 25;

const environment = {
  HOLD_SECONDS: String(holdSeconds),
  // All buyers come from one address, again and again.
  LIMIT_HOLDS_PER_ACCOUNT: "100000",
  LIMIT_HOLDS_PER_ADDRESS: "1000000",
  LIMIT_FAILED_CARDS_PER_ACCOUNT: "100000",
  LIMIT_FAILED_CARDS_PER_ADDRESS: "1000000",
  LIMIT_HELD_SEATS_PER_ACCOUNT: "1000",
  LIMIT_HELD_SEATS_PER_ADDRESS: "100000",
  LIMIT_ABANDONED_HOLDS_PER_ACCOUNT: "100000",
};

// Prepares and looks. Its clock stands still, those of the servers do not.
const app = await createTestApp({ clock: createManualClock(new Date()) });
const { sql } = app;
const date = cinemaToday(app.deps, new Date(app.clock.now().getTime() + 24 * 3_600_000));

/** Three servers; the first reaches the database by way of a proxy, if there is one. */
async function givenServers(first: Record<string, string>, shared: Record<string, string> = {}) {
  const settings = [first, {}, {}];
  const started = await Promise.all(
    settings.map((own) => startServerOf(app, onTestFinished, { ...shared, ...own })),
  );
  return started as [ChildServer, ChildServer, ChildServer];
}

function reach({ url }: ChildServer): Reachable {
  return { app: { request: async (path, init) => await fetch(`${url}${path}`, init) } };
}

const optionsOf = async (user: User, key?: string): Promise<CallOptions> => ({
  token: await tokenOf(app.deps, user),
  apiKey: drillApiKey,
  ...(key !== undefined && { headers: { "idempotency-key": key } }),
});

async function hold(
  server: ChildServer,
  user: User,
  showId: number,
  seatNumbers: string[],
): Promise<Answer<Hold>> {
  const options = await optionsOf(user, crypto.randomUUID());
  for (;;) {
    const answer = await mutate<Hold>(reach(server), "booking.initialize", { showId, seatNumbers }, options);
    // A server with much to do says so; the test's own timeout is the bound.
    if (codeIn(answer) !== "OVERLOADED") return answer;
  }
}

function freeze(server: ChildServer): () => void {
  process.kill(server.pid, "SIGSTOP");
  return () => process.kill(server.pid, "SIGCONT");
}

const codeIn = ({ error }: Answer<unknown>) => error?.data.domain?.code;

test(
  `of three servers one is frozen for ${frozenSeconds} s and one is killed under ${buyerCount} buyers: every story has one end`,
  { timeout: 300_000 },
  async () => {
    const servers = await givenServers({}, environment);
    const [going, frozen, killed] = servers;
    let alive: ChildServer[] = [...servers];
    const pick = () => alive[randomInt(alive.length)]!;
    const random = () => randomInt(1_000_000) / 1_000_000;
    const callers = createPersistentCallers({ pickUrl: () => pick().url, apiKey: drillApiKey, random });
    const acknowledged = nothingAcknowledged();
    const shows = [await givenShow(app, { date }), await givenShow(app, { date })];
    const open: OpenCalls = { holds: [], sales: [] };
    const counts = { best: 0, changed: 0, left: 0 };
    let isOver = false;

    const greedy = await givenCustomer(app.deps);
    const quietShow = await givenShow(app, { date });
    const wishes = Array.from("ABCDEFGHIJ", (row) => [`${row}1`, `${row}2`]).flat();
    const answers = await Promise.all(
      wishes.map((seat, index) => hold(servers[index % 3]!, greedy, quietShow, [seat])),
    );
    const kept = answers.flatMap(({ data }) => data ?? []);
    expect(kept).toHaveLength(maxLiveHolds);
    expect(new Set(answers.map(codeIn))).toEqual(new Set([undefined, "TOO_MANY_HOLDS"]));
    acknowledge(greedy, kept);

    const viewers = await givenCustomers(app.deps, watchersPerServer);
    const watchers = await Promise.all(
      servers.flatMap((server) => viewers.map((viewer, index) => follow(server, viewer, shows[index % 2]!))),
    );
    const buyers = await givenCustomers(app.deps, buyerCount);
    const buying = Promise.all(buyers.map((buyer) => buyAgainAndAgain(buyer)));
    onTestFinished(() => void (isOver = true));
    // Where the test ends before they are awaited, the servers end under them.
    buying.catch(() => {});

    await untilHeld(buyerCount + randomInt(buyerCount));
    const quiet = await givenCustomer(app.deps);
    const lonely = await Promise.all([
      hold(frozen, quiet, quietShow, ["A5"]),
      hold(killed, quiet, quietShow, ["B5"]),
    ]);
    acknowledge(
      quiet,
      lonely.flatMap(({ data }) => data ?? []),
    );
    expect(lonely.map(({ status }) => status)).toEqual([200, 200]);
    const [{ now: frozenAt } = {}] = await sql.query("select clock_timestamp() as now");
    const thaw = freeze(frozen);
    await killed.kill();
    alive = [going, frozen];
    await until(
      sql,
      "select from pg_sleep(0.1) where clock_timestamp() > $1::timestamptz + $2 * interval '1 second'",
      [frozenAt, frozenSeconds],
    );
    const lateHolds = lonely.map(({ data }) => data!.bookingId);
    const pending = "select id from booking where id = any($1) and status = 'Pending'";
    await expect.poll(() => sql.query(pending, [lateHolds]), { timeout: 30_000 }).toEqual([]);
    const heldWhileFrozen = acknowledged.holds.length;
    thaw();
    await untilHeld(heldWhileFrozen + buyerCount);
    isOver = true;
    await buying;

    await untilNothingIsOpen();
    await callers.repeat(1);
    await untilNothingIsOpen();
    const [{ late } = {}] = await sql.query(
      `select max(extract(epoch from ended_at - expires_at))::float as late from booking where status = 'Expired'`,
    );
    const fresh = new Map(
      await Promise.all(
        shows.map(async (showId) => [showId, await freshMap(going, viewers[0]!, showId)] as const),
      ),
    );
    for (const { seen, showId } of watchers)
      await expect.poll(() => seen.map?.version, { timeout: 15_000 }).toBe(fresh.get(showId)?.version);
    for (const { seen, showId } of watchers) {
      expect(seen.map).toEqual(fresh.get(showId));
      expect(seen.wentBack).toBe(0);
    }
    await Promise.all(watchers.map(({ leave }) => leave()));
    console.log(
      `Three servers, one frozen and one killed: ${acknowledged.holds.length} holds (${counts.best} of best seats, ${counts.changed} changed, ` +
        `${counts.left} left to expire), ${acknowledged.payments.length} payments, ${acknowledged.cancels.length} cancelled; ` +
        `callers ${JSON.stringify(callers.counts)}; expired at most ${Number(late).toFixed(1)} s late; ` +
        `${watchers.reduce((sum, { seen }) => sum + seen.events, 0)} events on ${watchers.length} live maps.`,
    );
    expect(callers.surprises).toEqual([]);
    // A charge that counted as failed may have turned out to be one meanwhile, and goes back.
    await untilNothingIsOpen();
    const madeLater = await acknowledgeMadeLater(sql, acknowledged, open);
    console.log(`Made later than a caller was told: ${madeLater.holds} holds.`);
    expect(await listUntruths(sql, acknowledged, app.gateway)).toEqual([]);
    expect(late).toBeLessThan(sweptWithinSeconds);
    expect(Object.values(counts).every((count) => count > 0)).toBe(true);
    expect(await Promise.all(alive.map((server) => server.stop()))).toEqual([0, 0]);

    function acknowledge({ username }: User, holds: Hold[]): void {
      for (const { bookingId, showId, seatNumbers } of holds)
        acknowledged.holds.push({ bookingId, username, showId, seats: seatNumbers });
    }

    async function buyAgainAndAgain(buyer: User): Promise<void> {
      const token = await tokenOf(app.deps, buyer);
      const ask = async <Data>(path: string, input: object) => {
        const call: Call = { path, input, token, key: crypto.randomUUID() };
        return await callers.call<Data>(call);
      };
      while (!isOver) {
        // Choosing takes a while: what is looked for is faults, not overload.
        await pause(200 + randomInt(800));
        const showId = shows[randomInt(shows.length)]!;
        const isBest = random() < 0.3;
        const seats = isBest ? 1 + randomInt(3) : pickSeats();
        const held =
          typeof seats === "number"
            ? await ask<Hold>("booking.initializeBest", { showId, count: seats })
            : await ask<Hold>("booking.initialize", { showId, seatNumbers: seats });
        if (held.data === undefined) {
          if (held.isOpen) open.holds.push({ username: buyer.username, showId, seats });
          continue;
        }
        if (isBest) counts.best += 1;
        const { bookingId, seatNumbers } = held.data;
        let { amountDue } = held.data;
        const entry = { bookingId, username: buyer.username, showId, seats: seatNumbers };
        acknowledged.holds.push(entry);
        if (random() < 0.4) {
          const changed = await ask<Hold>("booking.changeSeats", { bookingId, seatNumbers: pickSeats() });
          if (changed.data !== undefined) {
            counts.changed += 1;
            entry.seats = changed.data.seatNumbers;
            amountDue = changed.data.amountDue;
          }
        }
        await finish(ask, bookingId, amountDue);
      }
    }

    // Few are paid, so that there are seats to the end.
    async function finish(
      ask: (path: string, input: object) => Promise<{ data: unknown }>,
      bookingId: number,
      amountDue: Decimal,
    ): Promise<void> {
      const chance = random();
      if (chance < 0.15) {
        const paid = await ask("booking.pay", { bookingId, method: "Card", card: goodCard });
        if (paid.data !== undefined) acknowledged.payments.push({ bookingId, amount: amountDue.toFixed(2) });
      } else if (chance < 0.85) {
        const cancelled = await ask("booking.cancel", { bookingId });
        if (cancelled.data !== undefined) acknowledged.cancels.push({ bookingId });
      } else counts.left += 1;
    }

    async function untilHeld(count: number): Promise<void> {
      await expect.poll(() => acknowledged.holds.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(count);
    }

    /** Watches a show at a server, and at another one when its stream ends. */
    async function follow(first: ChildServer, viewer: User, showId: number) {
      const seen = {
        map: undefined as SeatMap | undefined,
        events: 0,
        wentBack: 0,
        id: undefined as string | undefined,
      };
      const options = await optionsOf(viewer);
      const watch = async (server: ChildServer) =>
        await watchMap(
          reach(server),
          { showId, ...(seen.id !== undefined && { lastEventId: seen.id }) },
          { ...options, map: seen.map },
        );
      let watching: Watching = await watch(first);
      const follows = async () => {
        while (!isLeaving) {
          const got = await watching.next().catch(() => undefined);
          if (got?.event !== undefined) {
            seen.events += 1;
            const { map } = watching;
            if ((map?.version ?? 0) < (seen.map?.version ?? 0)) seen.wentBack += 1;
            seen.map = map;
            seen.id = got.id ?? seen.id;
          } else if (!isLeaving) watching = await watch(pick()).catch(() => watching);
        }
      };
      let isLeaving = false;
      const following = follows();
      const leave = async () => {
        isLeaving = true;
        watching.leave();
        await following;
      };
      return { seen, showId, leave };
    }
  },
);

function pickSeats(): string[] {
  const row = "ABCDEFGHIJ"[randomInt(10)]!;
  const from = 1 + randomInt(8);
  return Array.from({ length: 1 + randomInt(3) }, (_, index) => `${row}${from + index}`);
}

async function freshMap(server: ChildServer, viewer: User, showId: number): Promise<SeatMap> {
  const { data } = await query<SeatMap>(reach(server), "show.seatMap", { showId }, await optionsOf(viewer));
  if (data === undefined) throw new Error("There is no seat map.");
  return data;
}

async function untilNothingIsOpen(): Promise<void> {
  await until(sql, `select from pg_sleep(0.1) where not exists (${openWork})`);
}

describe("a server that is frozen between the statements of a change of seats", () => {
  test.each<[string, Extract<Deed, "hold" | "silence">, object]>([
    ["before its commit has changed nothing", "hold", { code: "SEATS_UNAVAILABLE" }],
    ["after its commit has changed them once", "silence", { seatNumbers: ["A1", "B1"] }],
  ])("%s, and holds up no other buyer", { timeout: 120_000 }, async (_name, deed, truth) => {
    const proxy = await startDatabaseProxy(app.databaseUrl);
    onTestFinished(() => proxy.close());
    const [frozen, second, third] = await givenServers({ DATABASE_URL: proxy.url });
    const [showId, caller] = [await givenShow(app, { date }), await givenCustomer(app.deps)];
    const { data: { bookingId = 0 } = {} } = await hold(frozen, caller, showId, ["A1"]);
    const atCommit = proxy.intercept(
      (statement) =>
        statement.sql === "commit" && statement.path.some((one) => one.includes("change_seats(")),
      deed,
    );
    const options = await optionsOf(caller, crypto.randomUUID());
    const change = async (server: ChildServer) =>
      await mutate(reach(server), "booking.changeSeats", { bookingId, seatNumbers: ["A1", "B1"] }, options);
    const changing = change(frozen);
    // Where the test ends before it is awaited, the server ends under it.
    changing.catch(() => {});
    await atCommit.reached;
    const thaw = freeze(frozen);

    const rivals = await givenCustomers(app.deps, 10);
    const others = await givenCustomers(app.deps, 10);
    const startedAt = performance.now();
    const [refused, served, best] = await Promise.all([
      Promise.all(rivals.map((rival, index) => hold(index % 2 ? second : third, rival, showId, ["B1"]))),
      Promise.all(
        others.map((other, index) => hold(index % 2 ? second : third, other, showId, [`C${index + 1}`])),
      ),
      mutate<Hold>(
        reach(second),
        "booking.initializeBest",
        { showId, count: 2 },
        await optionsOf(await givenCustomer(app.deps)),
      ),
    ]);
    const seconds = (performance.now() - startedAt) / 1_000;
    expect(refused.map(codeIn)).toEqual(rivals.map(() => "SEATS_UNAVAILABLE"));
    expect([...served, best].map(({ status }) => status)).toEqual([...others, best].map(() => 200));
    expect(seconds).toBeLessThan(10);

    if (deed === "hold") {
      const isIdle =
        "from pg_stat_activity where datname = current_database() and state = 'idle in transaction'";
      expect(await sql.query(`select ${isIdle}`)).not.toEqual([]);
      expect(saidBy(await change(second))).toMatchObject({ code: "IDEMPOTENCY_IN_FLIGHT" });
      await expect.poll(() => sql.query(`select ${isIdle}`), { timeout: 20_000 }).toEqual([]);
      expect(await hold(second, rivals[0]!, showId, ["B1"])).toMatchObject({ status: 200 });
    }
    const repeated = await change(third);
    expect(saidBy(repeated)).toMatchObject(truth);
    thaw();
    atCommit.release();
    const own = await changing;
    if (own.status < 500 && !isOpen(own)) expect(saidBy(own)).toEqual(saidBy(repeated));
    expect(saidBy(await change(frozen))).toEqual(saidBy(repeated));

    const claimed = await sql.query(
      "select seat_number as seat from seat_claim where show_id = $1 and booking_id = $2 order by 1",
      [showId, bookingId],
    );
    expect(claimed.map(({ seat }) => seat)).toEqual(deed === "hold" ? ["A1"] : ["A1", "B1"]);
    console.log(
      `Frozen with a seat locked: 20 buyers answered within ${seconds.toFixed(1)} s; ${own.status}.`,
    );
    expect(await frozen.stop()).toBe(0);
  });
});

describe("a payment whose server is frozen while it waits for the gateway", () => {
  test.each([
    ["for longer than it would wait", false],
    ["and that finds the gateway's answer when it goes on", true],
  ])("%s is settled by another server, once", { timeout: 120_000 }, async (_name, isAnswered) => {
    const [frozen, second] = await givenServers({});
    const [showId, caller] = [await givenShow(app, { date }), await givenCustomer(app.deps)];
    const { data: { bookingId = 0 } = {} } = await hold(frozen, caller, showId, ["A1"]);
    const charge = app.gateway.script("timeout-after-effect");
    const options = await optionsOf(caller, crypto.randomUUID());
    const pay = async (server: ChildServer) =>
      await mutate(reach(server), "booking.pay", { bookingId, method: "Card", card: goodCard }, options);
    const paying = pay(frozen);
    paying.catch(() => {});
    const { key } = await charge.arrived;
    const thaw = freeze(frozen);
    // Asked about before the charge's own timeout, as after a restart of another server.
    if (isAnswered)
      await sql.query(
        "update payment_transaction set next_attempt_at = clock_timestamp() where booking_id = $1",
        [bookingId],
      );
    await until(
      sql,
      "select from pg_sleep(0.1) where exists (select from payment_transaction where booking_id = $1 and status = 'Completed')",
      [bookingId],
    );
    const recorded = async () =>
      await sql.query(
        `select b.xmin::text as booking, p.xmin::text as payment, p.status, b.status as sold
         from booking b join payment_transaction p on p.booking_id = b.id where b.id = $1`,
        [bookingId],
      );
    const before = await recorded();
    const repeated = await pay(second);
    expect(repeated).toMatchObject({ status: 200, data: { status: "Confirmed" } });
    if (isAnswered) await charge.release();
    thaw();
    expect(saidBy(await paying)).toEqual(saidBy(repeated));
    if (!isAnswered) await charge.release();
    expect(await recorded()).toEqual(before);
    expect(before).toHaveLength(1);
    expect(app.gateway.books().charges.filter((one) => one.key === key)).toHaveLength(1);
    expect(await frozen.stop()).toBe(0);
    expect(await listDifferences(sql, app.gateway)).toEqual([]);
  });
});

test(
  "a server that was frozen measures the database's clock when it goes on",
  { timeout: 60_000 },
  async () => {
    const { url: databaseUrl } = await createTestDatabase();
    const owner = await connectOnce(databaseUrl);
    onTestFinished(() => owner.end());
    const shiftClock = await shiftDatabaseClock(owner);
    // Without background tasks nothing else reads the time before the next minute.
    const server = await startServerOf({ databaseUrl, gateway: app.gateway }, onTestFinished, {
      BACKGROUND: "off",
    });
    const thaw = freeze(server);
    await shiftClock(3_600_000);
    // A standstill of two seconds is noticed.
    await owner.query("select pg_sleep(3)");
    const startedAt = performance.now();
    thaw();
    const { jumpedMs } = await server.line("The database's time has jumped.");
    const seconds = (performance.now() - startedAt) / 1_000;
    expect(Math.abs(Number(jumpedMs) - 3_600_000)).toBeLessThan(1_000);
    expect(seconds).toBeLessThan(10);
    console.log(`Frozen while the database's clock jumped: measured ${seconds.toFixed(1)} s after.`);
    expect(await server.stop()).toBe(0);
  },
);
