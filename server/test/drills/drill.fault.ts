import { setTimeout as pause } from "node:timers/promises";
import { connectOnce } from "@skyfox/db";
import { Decimal } from "decimal.js";
import { expect, onTestFinished, test } from "vitest";
import type { Booking, CheckInOutput } from "../../src/contract/index.ts";
import type { User } from "../../src/deps.ts";
import {
  acknowledgeMadeLater,
  listUntruths,
  nothingAcknowledged,
  openWork,
  type OpenCalls,
} from "../acknowledged.ts";
import { givenCustomers, givenScreen, givenStaff, goodCard, tokenOf } from "../given.ts";
import { createManualClock } from "../manual-clock.ts";
import { createPersistentCallers } from "../persistent-callers.ts";
import { openRudeBooks } from "../rude-books.ts";
import { startRudeGateway } from "../rude-gateway.ts";
import { createTestApp, testApiKey, testGatewayKey, testJwtSecret } from "../test-app.ts";
import { startUnreliableServers } from "../unreliable-servers.ts";

// How long, and which chances: npm run test:faults -- server/test/drills/drill.fault.ts --minutes 30 --seed 7
const minutes = Number(process.env["DRILL_MINUTES"] ?? 2);
const seed = Number(process.env["DRILL_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const customerCount = 48;
const showCount = 6;
// Half of a screen, so that many want the same.
const seatNumbers = ["A", "B", "C", "F", "G"].flatMap((row) =>
  Array.from({ length: 10 }, (_, column) => `${row}${column + 1}`),
);
const holdSeconds = 20;
const settledWithinMs = 120_000;
const longestExtraMs = 120_000;
// Shows begin within the hour, so that their tickets can be checked in, and after the drill is over.
const longestMinutes = 40;

const environment = {
  API_GATEWAY_KEY: testApiKey,
  JWT_SECRET_KEY: testJwtSecret,
  PAYMENT_GATEWAY_API_KEY: testGatewayKey,
  HOLD_SECONDS: String(holdSeconds),
  // All customers come from one address, again and again.
  LIMIT_HOLDS_PER_ACCOUNT: "100000",
  LIMIT_HOLDS_PER_ADDRESS: "1000000",
  LIMIT_FAILED_CARDS_PER_ACCOUNT: "100000",
  LIMIT_FAILED_CARDS_PER_ADDRESS: "1000000",
  LIMIT_HELD_SEATS_PER_ACCOUNT: "1000",
  LIMIT_HELD_SEATS_PER_ADDRESS: "100000",
  LIMIT_ABANDONED_HOLDS_PER_ACCOUNT: "100000",
};

const clock = createManualClock(new Date());
// Prepares and looks; its clock stands still and its gateway is not asked.
const app = await createTestApp({ clock });
const rude = await startRudeGateway({ clock });

test(
  `three servers are killed, frozen and cut off for ${minutes} min, their gateway misbehaves: what was acknowledged is true, and all books agree`,
  { timeout: (minutes * 60 + 600) * 1_000 },
  async () => {
    expect(minutes > 0 && minutes <= longestMinutes).toBe(true);
    console.log(`Drill: seed ${seed}, ${minutes} min.`);
    const randomOf = (what: number) => createRandom(seed + what * 7_919);
    const gateway = openRudeBooks(randomOf(1), async (ms) => {
      await pause(ms);
    });
    rude.says((asked) => gateway.answer(asked));
    const customers = await givenCustomers(app.deps, customerCount);
    const admin = await givenStaff(app.deps, "admin");
    const shows: number[] = [];
    while (shows.length < showCount) shows.push(await givenSoonShow());
    const servers = await startUnreliableServers({
      count: 3,
      databaseUrl: app.databaseUrl,
      environment: { ...environment, PAYMENT_GATEWAY_URL: rude.url },
      random: randomOf(2),
      whenOver: onTestFinished,
    });
    const callers = createPersistentCallers({
      pickUrl: servers.pickUrl,
      apiKey: testApiKey,
      random: randomOf(3),
    });
    const acknowledged = nothingAcknowledged();
    const open: OpenCalls = { holds: [], sales: [] };
    const adminToken = await tokenOf(app.deps, admin);
    const endsAt = performance.now() + minutes * 60_000;
    // A slow machine goes on until each kind of call has succeeded once, but not for ever.
    const isOver = () => {
      const overMs = performance.now() - endsAt;
      return (
        overMs >= longestExtraMs || (overMs >= 0 && Object.values<unknown[]>(acknowledged).every(isFilled))
      );
    };
    const twoLive: unknown[] = [];

    const asAdmin = async <Data>(path: string, input: object, isKeyed = true) =>
      await callers.call<Data>({
        path,
        input,
        token: adminToken,
        ...(isKeyed && { key: crypto.randomUUID() }),
      });

    await Promise.all([
      ...customers.map((customer, index) => visitAgainAndAgain(customer, randomOf(100 + index))),
      repeatedly(servers.kill, randomOf(7)),
      repeatedly(servers.freeze, randomOf(8)),
      cutOff(randomOf(4)),
      sellAtCounter(randomOf(5)),
      cancelShows(randomOf(6)),
      repeatNowAndThen(),
      watchSeats(),
    ]);
    gateway.becomePolite();
    const openFrom = performance.now();
    await untilNothingIsOpen();
    const settledMs = performance.now() - openFrom;
    await callers.repeat(1);
    await untilNothingIsOpen();

    const counts = Object.entries<unknown[]>(acknowledged).map(([what, those]) => `${those.length} ${what}`);
    const { charges, refunds } = gateway.books();
    console.log(
      [
        `Drill, seed ${seed}: ${counts.join(", ")} acknowledged.`,
        `Faults: ${JSON.stringify(servers.counts)}; callers: ${JSON.stringify(callers.counts)}.`,
        `Gateway: ${charges.length} charges, ${refunds.length} refunds; ${gateway
          .deeds()
          .map(([deed, times]) => `${times} ${deed}`)
          .join(", ")}.`,
        `Nothing was open ${(settledMs / 1_000).toFixed(0)} s after the end.`,
      ].join("\n"),
    );
    expect(callers.surprises).toEqual([]);
    expect(twoLive).toEqual([]);
    const madeLater = await acknowledgeMadeLater(app.sql, acknowledged, open);
    console.log(`Made later than a caller was told: ${madeLater.holds} holds, ${madeLater.sales} sales.`);
    expect(await listUntruths(app.sql, acknowledged, gateway)).toEqual([]);
    expect(Object.entries<unknown[]>(acknowledged).filter(([, those]) => !isFilled(those))).toEqual([]);
    await servers.stop();

    async function visitAgainAndAgain(customer: User, random: () => number): Promise<void> {
      const token = await tokenOf(app.deps, customer);
      const ask = async <Data>(path: string, input: object) =>
        await callers.call<Data>({ path, input, token, key: crypto.randomUUID() });
      const username = customer.username;
      while (!isOver()) {
        if (random() < 0.15) await topUp();
        const seats = pickSeats(random);
        const showId = shows[Math.floor(random() * shows.length)]!;
        const held = await ask<{ bookingId: number; amountDue: Decimal }>("booking.initialize", {
          showId,
          seatNumbers: seats,
        });
        if (held.data === undefined) {
          if (held.isOpen) open.holds.push({ username, showId, seats });
          continue;
        }
        const { bookingId, amountDue } = held.data;
        acknowledged.holds.push({ bookingId, username, showId, seats });
        const chance = random();
        if (chance < 0.1) {
          const cancelled = await ask("booking.cancel", { bookingId });
          if (cancelled.data !== undefined) acknowledged.cancels.push({ bookingId });
        } else if (chance < 0.95 && (await pay(bookingId, amountDue))) await afterPayment(bookingId);
      }

      async function topUp(): Promise<void> {
        const amount = new Decimal(Math.floor(random() * 50_000) + 1).dividedBy(100);
        const added = await ask<{ transactionId: string }>("wallet.addFunds", { amount, card: goodCard });
        if (added.data !== undefined)
          acknowledged.topUps.push({
            username,
            amount: amount.toFixed(2),
            transactionId: added.data.transactionId,
          });
      }

      // Another try has a key of its own; a decline costs one of three.
      async function pay(bookingId: number, amountDue: Decimal): Promise<boolean> {
        for (let tries = 0; tries < 4; tries += 1) {
          const chance = random();
          const how =
            chance < 0.5
              ? { method: "Card", card: goodCard }
              : { method: "Wallet", ...(chance < 0.8 && { card: goodCard }) };
          const paid = await ask<Booking>("booking.pay", { bookingId, ...how });
          if (paid.data !== undefined) {
            acknowledged.payments.push({ bookingId, amount: amountDue.toFixed(2) });
            return true;
          }
          if (paid.code === "PAYMENT_DECLINED" || paid.code === "PAYMENT_VALIDATION_FAILED")
            acknowledged.declines.push({ bookingId });
          else if (paid.code !== "INSUFFICIENT_BALANCE" && paid.code !== "PAYMENT_GATEWAY_UNAVAILABLE")
            return false;
        }
        return false;
      }

      async function afterPayment(bookingId: number): Promise<void> {
        if (random() < 0.3) await checkIn(bookingId);
        if (random() >= 0.3) return;
        const to = random() < 0.5 ? "source" : "wallet";
        const refunded = await asAdmin("admin.refundBooking", { bookingId, to, reason: "Asked for." });
        if (refunded.data !== undefined) acknowledged.refunds.push({ bookingId, to });
      }
    }

    async function checkIn(bookingId: number): Promise<void> {
      const answer = await asAdmin<CheckInOutput>("admin.checkIn", { bookingIds: [bookingId] }, false);
      const done = [
        ...(answer.data?.checkedIn ?? []),
        ...(answer.data?.alreadyDone.map((one) => one.bookingId) ?? []),
      ];
      for (const id of done) acknowledged.checkIns.push({ bookingId: id });
    }

    async function sellAtCounter(random: () => number): Promise<void> {
      while (!isOver()) {
        const showId = shows[Math.floor(random() * shows.length)]!;
        const seats = pickSeats(random);
        const walkIn = { customerName: "Walk In", phoneNumber: "9876543210" };
        const sold = await asAdmin<Booking>("admin.createBooking", { showId, ...walkIn, seatNumbers: seats });
        if (sold.data !== undefined) {
          const { bookingId } = sold.data;
          acknowledged.sales.push({ bookingId, showId, seats });
          if (random() < 0.5) await checkIn(bookingId);
        } else if (sold.isOpen) open.sales.push({ showId, seats });
        await pause(random() * 1_000);
      }
    }

    // Each cancelled show makes room for another, so that there are seats to the end.
    async function cancelShows(random: () => number): Promise<void> {
      while (!isOver()) {
        await pause(Math.min(10_000, Math.max(1_000, endsAt - performance.now())));
        const place = Math.floor(random() * shows.length);
        const [showId] = shows.splice(place, 1, await givenSoonShow());
        const cancelled = await asAdmin("admin.cancelShow", { showId, reason: "A power cut." });
        if (cancelled.data !== undefined) acknowledged.cancelledShows.push({ showId: showId! });
      }
    }

    async function repeatedly(work: () => Promise<void>, random: () => number): Promise<void> {
      while (!isOver()) {
        await work();
        await pause(random() * 2_000);
      }
    }

    async function cutOff(random: () => number): Promise<void> {
      while (!isOver()) {
        servers.cut();
        await pause(random() * 800);
      }
    }

    async function repeatNowAndThen(): Promise<void> {
      while (!isOver()) {
        await pause(2_000);
        await callers.repeat(0.01);
      }
    }

    async function watchSeats(): Promise<void> {
      const watcher = await connectOnce(app.databaseUrl);
      while (!isOver()) {
        twoLive.push(
          ...(await watcher.query(
            `select m.show_id, m.seat_number from booking b join booking_seat_mapping m on m.booking_id = b.id
             where b.status in ('Pending', 'Paying', 'Confirmed', 'CheckedIn') group by 1, 2 having count(*) > 1`,
          )),
        );
        await pause(1_000);
      }
      await watcher.end();
    }
  },
);

function isFilled(those: readonly unknown[]): boolean {
  return those.length > 0;
}

async function untilNothingIsOpen(): Promise<void> {
  const deadline = performance.now() + settledWithinMs;
  let open: unknown[];
  do {
    open = await app.sql.query(openWork);
    if (open.length > 0) await app.sql.query("select pg_sleep(0.2)");
  } while (open.length > 0 && performance.now() < deadline);
  expect(open).toEqual([]);
}

/** A show on a screen of its own whose doors are open, and which begins when the drill is over. */
async function givenSoonShow(): Promise<number> {
  const screenId = await givenScreen(app);
  await app.sql.query(
    "insert into movie (movie_id, title) values ('tt0000001', 'Film 1') on conflict do nothing",
  );
  const [row] = await app.sql.query(
    `insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
     select 'tt0000001', (soon at time zone 'Asia/Kolkata')::date, 1, 200.10, $1, soon, soon + interval '3 hours'
     from (select clock_timestamp() + interval '58 minutes' as soon) t returning id`,
    [screenId],
  );
  return row?.["id"] as number;
}

function pickSeats(random: () => number): string[] {
  const start = Math.floor(random() * seatNumbers.length);
  const count = 1 + Math.floor(random() * 3);
  return seatNumbers.slice(start, start + count);
}

/** Mulberry32: the same numbers from 0 to 1 for the same seed. */
function createRandom(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
