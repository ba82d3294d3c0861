import { connectOnce, type Connection } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient } from "@skyfox/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { startPaymentGateway, type PaymentGatewaySandbox } from "../../../scripts/sandbox/payment-gateway.ts";
import { startChildServer, type ChildServer } from "../child-server.ts";
import { goodCard } from "../given.ts";
import { until, untilLockWait } from "../until.ts";

const apiKey = "key-of-the-drills";
const gatewayKey = "gateway-key-of-the-drills";
const password = "Correct-Horse-9";
const signUp = {
  name: "Customer One",
  username: "customer-1",
  password,
  phoneNumber: "9000000001",
  email: "customer-1@example.com",
  securityQuestionId: 1,
  securityAnswer: "first pet",
};

// A hold short enough to be over when the unknown outcome is settled, so that "free" can be seen.
const holdSeconds = 15;

interface Scene {
  sql: Connection;
  gateway: PaymentGatewaySandbox;
  start(): Promise<ChildServer>;
  client(server: ChildServer, token?: string): ReturnType<typeof createSkyfoxClient>;
  /** Signs up, logs in and holds a seat. */
  hold(server: ChildServer): Promise<{ token: string; bookingId: number }>;
  end(): Promise<void>;
}

async function createScene(whenOver: (end: () => void) => void): Promise<Scene> {
  const { url: databaseUrl } = await createTestDatabase();
  const sql = await connectOnce(databaseUrl);
  const gateway = await startPaymentGateway({ apiKey: gatewayKey });
  await sql.query("insert into movie (movie_id, title) values ('tt0000001', 'Film 1')");
  const [show] = await sql.query(
    `insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
     select 'tt0000001', (tomorrow at time zone 'Asia/Kolkata')::date, 1, 200, 1, tomorrow, tomorrow + interval '3 hours'
     from (select clock_timestamp() + interval '1 day' as tomorrow) t returning id`,
  );
  const client = (server: ChildServer, token?: string) =>
    createSkyfoxClient({ url: server.url, apiKey, token, retries: 0 });
  return {
    sql,
    gateway,
    client,
    start: () =>
      startChildServer(
        {
          DATABASE_URL: databaseUrl,
          API_GATEWAY_KEY: apiKey,
          PAYMENT_GATEWAY_URL: gateway.url,
          PAYMENT_GATEWAY_API_KEY: gatewayKey,
          HOLD_SECONDS: String(holdSeconds),
        },
        whenOver,
      ),
    async hold(server) {
      await client(server).auth.signup.mutate(signUp);
      const { token } = await client(server).auth.login.mutate({ username: signUp.username, password });
      const { bookingId } = await client(server, token).booking.initialize.mutate({
        showId: show?.["id"] as number,
        seatNumbers: ["A1", "F1"],
      });
      return { token, bookingId };
    },
    async end() {
      expect(await sql.query("select * from integrity_violation")).toEqual([]);
      await sql.end();
      await gateway.stop();
    },
  };
}

describe("P6: expiry survives kill -9", () => {
  test(
    "monitors are rebuilt before the server listens, and expire the hold on time",
    { timeout: 60_000 },
    async () => {
      const scene = await createScene(onTestFinished);
      const first = await scene.start();
      const { token, bookingId } = await scene.hold(first);
      await first.kill();
      const second = await scene.start();
      expect(await second.line("SkyFox is listening.")).toMatchObject({ rehydrated: 1 });
      expect(await scene.client(second, token).booking.byId.query({ bookingId })).toMatchObject({
        status: "Pending",
      });
      await second.line("Holds have expired");
      const [row] = await scene.sql.query(
        "select status, ended_at >= expires_at and ended_at < expires_at + interval '1 second' as on_time from booking where id = $1",
        [bookingId],
      );
      expect(row).toEqual({ status: "Expired", on_time: true });
      expect(await second.stop()).toBe(0);
      await scene.end();
    },
  );

  test("a hold that became overdue while no server ran is expired at once", { timeout: 60_000 }, async () => {
    const scene = await createScene(onTestFinished);
    const first = await scene.start();
    const { bookingId } = await scene.hold(first);
    await first.kill();
    await scene.sql.query("update booking set expires_at = clock_timestamp() where id = $1", [bookingId]);
    await scene.sql.query("update seat_claim set free_after = clock_timestamp() where booking_id = $1", [
      bookingId,
    ]);
    const second = await scene.start();
    await until(scene.sql, "select 1 from booking where id = $1 and status = 'Expired'", [bookingId]);
    expect(await second.stop()).toBe(0);
    await scene.end();
  });
});

/** The step of the payment at which the server is killed: what the test does until it stands there. */
const steps: Record<
  string,
  { paid: boolean; reach(scene: Scene, bookingId: number, pay: () => void): Promise<void> }
> = {
  "before the payment is committed": {
    paid: false,
    async reach({ sql }, bookingId, pay) {
      await sql.query("begin");
      await sql.query("select id from booking where id = $1 for update", [bookingId]);
      pay();
      await untilLockWait(sql);
    },
  },
  "while the gateway has not charged yet": {
    paid: false,
    async reach({ gateway }, _bookingId, pay) {
      const call = gateway.script("timeout-before-effect");
      pay();
      await call.arrived;
    },
  },
  "after the charge, before its answer": {
    paid: true,
    async reach({ gateway }, _bookingId, pay) {
      const call = gateway.script("timeout-after-effect");
      pay();
      await call.arrived;
    },
  },
  "after the answer, before its outcome is recorded": {
    paid: true,
    async reach({ gateway, sql }, bookingId, pay) {
      const call = gateway.script("timeout-after-effect");
      pay();
      await call.arrived;
      await sql.query("begin");
      await sql.query("select id from booking where id = $1 for update", [bookingId]);
      await call.release();
      await untilLockWait(sql);
    },
  },
  "after its outcome is recorded": {
    paid: true,
    async reach({ sql }, bookingId, pay) {
      pay();
      await until(sql, "select 1 from booking where id = $1 and status = 'Confirmed'", [bookingId]);
    },
  },
};

describe("a server killed during a card payment, started again, ends as paid once and confirmed, or not paid and free:", () => {
  test.concurrent.for(Object.entries(steps))(
    "killed %s",
    { timeout: 90_000 },
    async ([name, step], context) => {
      // Its own: the others go on beside it.
      const scene = await createScene(context.onTestFinished);
      const first = await scene.start();
      const { token, bookingId } = await scene.hold(first);
      const pay = () => {
        const card = goodCard;
        // The reply is lost with the server.
        scene
          .client(first, token)
          .booking.pay.mutate({ bookingId, method: "Card", card })
          .catch(() => {});
      };
      await step.reach(scene, bookingId, pay);
      await first.kill();
      await scene.sql.query("rollback");

      const restartedAt = performance.now();
      const second = await scene.start();
      const ended = step.paid ? "Confirmed" : "Expired";
      await until(scene.sql, "select 1 from booking where id = $1 and status = $2::booking_status", [
        bookingId,
        ended,
      ]);
      const seconds = (performance.now() - restartedAt) / 1_000;
      expect(seconds).toBeLessThan(30);

      const { charges, refunds } = scene.gateway.books();
      expect([charges.length, refunds.length]).toEqual([step.paid ? 1 : 0, 0]);
      const claims = await scene.sql.query("select booking_id from seat_claim where booking_id is not null");
      expect(claims).toHaveLength(step.paid ? 2 : 0);
      const open = await scene.sql.query(
        "select 1 from payment_transaction where status in ('Started', 'Unknown')",
      );
      expect(open).toEqual([]);
      console.log(
        `Killed ${name}: ${ended} ${seconds.toFixed(1)} s after the restart, charged ${charges.length} times.`,
      );
      await second.stop();
      await scene.end();
    },
  );
});
