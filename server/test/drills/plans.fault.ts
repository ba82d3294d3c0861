import { readFile } from "node:fs/promises";
import { deleteShowChanges, listShowChanges } from "@skyfox/db";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appRouter } from "../../src/app-router.ts";
import { compose } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import type { Booking, Hold } from "../../src/contract/index.ts";
import { Decimal } from "../../src/contract/index.ts";
import { bookingsOfHistory, givenHistory } from "../given-history.ts";
import {
  declinedCard,
  givenCustomer,
  givenScreen,
  givenShow,
  givenStaff,
  goodCard,
  testAnswer,
  testPassword,
  tokenOf,
} from "../given.ts";
import { createMemoryLogger } from "../memory-logger.ts";
import { givenPhoto, uploadOf } from "../pictures.ts";
import { startPlanRecorder, type ReadStatement } from "../plan-recorder.ts";
import { headersFor, mutate, query } from "../rpc-call.ts";
import { createTestApp, testGatewayKey, testTicketKeys } from "../test-app.ts";
import { watchMap } from "../watch-seat-map.ts";
import { until } from "../until.ts";

const mostUnused = 2_000;
// What may read more: the hourly reading of the books, revenue, which adds up what it reads, and an admin's look at how far the
// cancellation of a show is, which reads the bookings of that show.
const reports = [/integrity_violation/, /with showing as materialized/, /with owed as/];

// By which each background task of a server shows that it has run.
const statementOfTask = {
  "reconcile payments": /"next_attempt_at"|next_attempt_at <=/,
  "follow the clock": /with ties/,
  "write the heartbeat": /insert into server_heartbeat/,
  "warn of refunds that wait": /refunds_wait_since/,
  "sweep expired holds": /order by expires_at limit/,
  "check the books": /integrity_violation/,
  "remove what has ended": /delete from idempotency_key where ctid/,
  "fill in films": /from "movie"/,
  "remove pictures without an owner": /profile_image/,
  "remove changes that servers have seen": /shows_changed_since/,
};

const app = await createTestApp();
await givenHistory(app);
const recorder = await startPlanRecorder(app.sql, app.databaseUrl);
afterAll(() => recorder.close());
const recorded = await createTestApp({ beside: app, databaseUrl: () => recorder.url });

const tokens: Record<string, string> = {};
const heavy = { username: "person-1", password: testPassword };
beforeAll(async () => {
  const customer = await givenCustomer(app.deps);
  tokens["customer"] = await tokenOf(app.deps, customer);
  for (const role of ["staff", "admin"] as const)
    tokens[role] = await tokenOf(app.deps, await givenStaff(app.deps, role));
  // A customer with a history, who can log in.
  await app.sql.query(
    `update usertable set password = (select password from usertable where username = $1) where username = 'person-1'`,
    [customer.username],
  );
  await app.sql.query(
    `update customertable set security_answer_hash = (select security_answer_hash from customertable where username = $1) where username = 'person-1'`,
    [customer.username],
  );
});

const called = new Set<string>();

async function call<Data = unknown>(path: string, input: unknown, token?: string): Promise<Data> {
  const { _def } = (appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>)[
    path
  ]!;
  const send = _def.type === "mutation" ? mutate : query;
  const answer = await send<Data>(recorded, path, input, { token });
  called.add(path);
  expect([path, answer.status, answer.text.slice(0, 300)]).toEqual([path, 200, expect.anything()]);
  return answer.data as Data;
}

/** Watches a seat map until it has been read, and checked for what was not announced. */
async function watch(showId: number, token: string): Promise<void> {
  const watching = await watchMap(recorded, { showId }, { token });
  expect((await watching.next())?.event).toMatchObject({ type: "snapshot" });
  app.clock.advance(1_500);
  while (!recorder.statements.some(({ text }) => text.includes('"isCancelled"')))
    await app.sql.query("select 1");
  watching.leave();
  called.add("show.watchSeatMap");
}

async function refusedCall(path: string, input: unknown, token: string): Promise<void> {
  expect((await mutate(recorded, path, input, { token })).status).toBeGreaterThanOrEqual(400);
}

function assertFewUnused(statements: ReadStatement[]): void {
  expect(statements.length).toBeGreaterThan(0);
  const counted = statements.filter(({ text }) => !reports.some((report) => report.test(text)));
  const worst = counted.toSorted((one, other) => other.unused - one.unused);
  const beyond = worst.filter(({ unused }) => unused > mostUnused);
  expect(beyond.map(({ unused, text }) => ({ unused, text }))).toEqual([]);
}

test(
  `with ${bookingsOfHistory} bookings, no statement of a call reads more than ${mostUnused} rows that it does not need`,
  { timeout: 300_000 },
  async () => {
    recorder.statements.length = 0;
    const { customer = "", staff = "", admin = "" } = tokens;
    const signup = {
      name: "Anna Lee",
      username: "newcomer-1",
      password: testPassword,
      phoneNumber: "8000000001",
    };
    const answers = { securityQuestionId: 1, securityAnswer: testAnswer };
    await call("auth.signup", { ...signup, email: "newcomer-1@example.com", ...answers });
    const { token: person } = await call<{ token: string }>("auth.login", heavy);
    const email = "person-1@example.com";
    await call("auth.securityQuestions", undefined);
    await call("auth.securityQuestion", { email });
    const { resetToken } = await call<{ resetToken: string }>("auth.verifySecurityAnswer", {
      email,
      securityAnswer: testAnswer,
    });
    await call("auth.me", undefined, person);
    await call(
      "auth.updateProfile",
      { name: "Person One", email, phoneNumber: "8000000002", securityAnswer: testAnswer },
      person,
    );
    await call(
      "auth.updateProfileImage",
      { securityAnswer: testAnswer, image: uploadOf(await givenPhoto("png")) },
      person,
    );
    await call("auth.profileImage", undefined, person);

    const showId = await givenShow(app, { slotId: 3 });
    await call("show.list", {}, person);
    await call("show.list", { date: "2026-03-11" }, person);
    await call("show.byId", { showId }, person);
    await call("show.seatMap", { showId }, person);
    await call("show.bestAvailable", { showId, count: 2 }, person);
    await call("show.cinema", undefined, person);
    await watch(showId, person);
    const hold = (seat: string) => call<Hold>("booking.initialize", { showId, seatNumbers: [seat] }, person);
    const { bookingId } = await hold("A1");
    await refusedCall("booking.initialize", { showId, seatNumbers: ["A1"] }, customer);
    await refusedCall("booking.pay", { bookingId, method: "Card", card: declinedCard }, person);
    await call("booking.pay", { bookingId, method: "Card", card: goodCard }, person);
    const byWallet = await hold("A2");
    await call("booking.pay", { bookingId: byWallet.bookingId, method: "Wallet", card: goodCard }, person);
    const givenUp = await hold("A3");
    await call("booking.cancel", { bookingId: givenUp.bookingId }, person);
    const best = await call<Hold>("booking.initializeBest", { showId, count: 2 }, person);
    await call("booking.changeSeats", { bookingId: best.bookingId, seatNumbers: ["C1", "C2", "C3"] }, person);
    await call("booking.cancel", { bookingId: best.bookingId }, person);
    await call("booking.byId", { bookingId }, person);
    await call("booking.ticketQr", { bookingId }, person);
    await call("booking.ticketPdf", { bookingId }, person);
    await call("booking.latest", undefined, person);
    const first = await call<{ nextCursor: string | null }>("booking.list", {}, person);
    await call("booking.list", { cursor: first.nextCursor }, person);
    for (const status of ["Pending", "Expired", "Cancelled", "Refunded", "Confirmed"])
      await call("booking.list", { status }, person);

    await call("wallet.balance", undefined, person);
    await call("wallet.addFunds", { amount: new Decimal(10), card: goodCard }, person);
    await call("wallet.transactions", {}, person);

    await call("admin.movies", undefined, admin);
    const screenId = await givenScreen(app);
    await call("admin.slots", { date: "2026-03-12", screenId }, admin);
    const [busy] = await app.sql.query(
      "select screen_id::int as id from show group by 1 order by count(*) desc limit 1",
    );
    await call("admin.slots", { date: "2026-03-12", screenId: busy?.["id"] }, admin);
    await call("admin.allSlots", undefined, admin);
    const show = { movieId: "tt1375666", date: "2026-03-12", slotId: 2, cost: new Decimal(250), screenId };
    await call("admin.createShow", show, admin);
    await call("admin.screens", undefined, admin);
    const rows = [{ row: "A", seats: [{ number: 1, type: "Standard" }] }];
    await call("admin.createScreen", { name: "Balcony", rows }, admin);
    await call("admin.staff", undefined, admin);
    const employee = { username: "counter-1", name: "Counter One", role: "staff", counterNo: 7 };
    await call("admin.createStaff", { ...employee, password: testPassword }, admin);
    await call("admin.updateStaff", { username: "counter-1", counterNo: 8 }, admin);
    await call("admin.unlockAccount", { username: "person-2" }, admin);
    const walkIn = { showId, customerName: "Walk In", phoneNumber: "9876543210" };
    const atCounter = await call<Booking>("admin.createBooking", { ...walkIn, seatNumbers: ["B1"] }, admin);
    await call("admin.doorList", {}, staff);
    await call("admin.doorList", { showId }, staff);
    await call("admin.checkIn", { bookingIds: [atCounter.bookingId] }, staff);
    await call("admin.checkInTicket", { ticket: "no ticket" }, staff);
    await call("admin.revenue", {}, admin);
    await call("admin.refundBooking", { bookingId, to: "wallet", reason: "The projector is broken." }, admin);
    await call("admin.paymentsInDoubt", {}, admin);
    await call("admin.integrity", undefined, admin);
    // A show with history, which the reconciler would go on with.
    const [past] = await app.sql.query(
      "select min(show_id)::int as id from booking where status = 'Expired'",
    );
    await call("admin.cancelShow", { showId: past?.["id"], reason: "The projector is broken." }, admin);
    await call("admin.showCancellation", { showId: past?.["id"] }, admin);
    await recorded.reconcile();
    const headers = headersFor({ token: admin });
    for (const path of ["/exports/bookings.csv", "/exports/bookings.csv?month=2&year=2026"])
      expect((await (await recorded.app.request(path, { headers })).text()).length).toBeGreaterThan(0);

    const inDoubt = await hold("C1");
    app.gateway.script("reset-after-effect");
    await refusedCall(
      "booking.pay",
      { bookingId: inDoubt.bookingId, method: "Card", card: goodCard },
      person,
    );
    const [payment] = await app.sql.query("select id::int from payment_transaction where booking_id = $1", [
      inDoubt.bookingId,
    ]);
    await call("admin.resolvePayment", { paymentId: payment?.["id"] }, admin);
    const reference = "in-the-books-1";
    const settled = await hold("C2");
    app.gateway.script("reset-after-effect");
    await refusedCall(
      "booking.pay",
      { bookingId: settled.bookingId, method: "Card", card: goodCard },
      person,
    );
    const paymentOf = async (id: number) => {
      const [row] = await app.sql.query("select id::int from payment_transaction where booking_id = $1", [
        id,
      ]);
      return row?.["id"] as number;
    };
    app.clock.advance(20_000);
    const inTheBooks = {
      paymentId: await paymentOf(settled.bookingId),
      reference,
      reason: "In their books.",
    };
    await call("admin.settlePayment", { ...inTheBooks, outcome: "charged" }, admin);
    await call(
      "admin.refundBooking",
      { bookingId: settled.bookingId, to: "source", reason: "The projector is broken." },
      admin,
    );
    app.gateway.scriptRefund("declined");
    await recorded.reconcile();
    app.clock.advance(20_000);
    await call("admin.settleRefund", inTheBooks, admin);
    await call(
      "auth.changePassword",
      { currentPassword: testPassword, newPassword: "Another-Horse-10" },
      person,
    );
    await call("auth.logout", {}, person);
    await call("auth.resetPassword", { email, resetToken, newPassword: "Another-Horse-11" });

    // A procedure that is not called here could hide a statement.
    expect([...called].toSorted()).toEqual(Object.keys(appRouter._def.procedures).toSorted());
    assertFewUnused(recorder.statements);
  },
);

test(
  `with ${bookingsOfHistory} bookings, no statement of a background task reads more than ${mostUnused} rows that it does not need`,
  { timeout: 300_000 },
  async () => {
    recorder.statements.length = 0;
    const [due] = await app.sql.query("select min(id)::int as id from booking where status = 'Pending'");
    // What each task has to do: a payment to ask about, a refund to send, a show to give back, and a payment that took too long.
    await app.sql.query(
      `with late as (
         update booking set status = 'Paying', paying_until = expires_at where id = $1 returning id, customer_username
       ), kept as (update seat_claim set free_after = null where booking_id = $1)
       insert into payment_transaction (booking_id, username, payment_method, amount, card_amount, status, started_at, next_attempt_at)
       select id, customer_username, 'Card', 200, 200, 'Unknown', $2, $2 from late`,
      [due?.["id"], app.clock.now()],
    );
    const config = {
      ...readConfig({}),
      databaseUrl: recorder.url,
      paymentGateway: { url: app.gateway.url, apiKey: testGatewayKey },
      ticketSigningKeys: testTicketKeys,
      imageFolder: app.imageFolder,
    };
    const server = await compose(config, createMemoryLogger(), () => "");
    await server.startBackground();
    await until(
      app.sql,
      "select where not exists (select from booking where status in ('Pending', 'Paying'))",
    );
    await until(app.sql, "select where not exists (select from idempotency_key where expires_at <= now())");
    await until(app.sql, "select where not exists (select from rate_limit where expire < 1700000000000)");
    // A stop would end the reading that the task began.
    await server.deps.books.listViolations();
    await server.stopBackground();
    await server.close();
    // Its second round comes minutes later.
    const { db } = recorded.deps;
    expect(await deleteShowChanges(db, (await listShowChanges(db, null)).snapshot, 5_000)).toBeGreaterThan(0);
    assertFewUnused(recorder.statements);
    // A task that is not in this table could hide a statement.
    const source = await readFile(new URL("../../src/background-tasks.ts", import.meta.url), "utf8");
    const names = new Set([...source.matchAll(/every\(\w+, "([^"]+)"/g)].map(([, name = ""]) => name));
    expect([...names].toSorted()).toEqual(Object.keys(statementOfTask).toSorted());
    for (const statement of Object.values(statementOfTask))
      expect(recorder.statements.map(({ text }) => text).filter((text) => statement.test(text))).not.toEqual(
        [],
      );
  },
);
