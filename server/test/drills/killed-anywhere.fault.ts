import { expect, onTestFinished, test } from "vitest";
import type { Outcome } from "../../../scripts/sandbox/outcomes.ts";
import { startChildServer, type ChildServer } from "../child-server.ts";
import { listDifferences } from "../compare-books.ts";
import { commits, nameOf, startDatabaseProxy, writes, type Deed } from "../database-proxy.ts";
import { tokenOf } from "../given.ts";
import { createManualClock } from "../manual-clock.ts";
import { isOpen, moneyCalls, saidBy, type MoneyCall } from "../money-calls.ts";
import { mutate, type Answer, type Reachable } from "../rpc-call.ts";
import { createTestApp, testApiKey, testGatewayKey, testJwtSecret, type TestApp } from "../test-app.ts";
import { until } from "../until.ts";

const withinSeconds = 30;
// A server has twenty connections, and each call that stands at a statement keeps one of them.
const callsPerServer = 12;
// Most of the time they wait for what is asked about again.
const serversAtOnce = 6;

/** What is asked for, and what the gateway does meanwhile; a refund reaches it only after the call, by the reconciler. */
interface Scenario {
  call: keyof ReturnType<typeof moneyCalls>;
  charge?: Outcome;
  refund?: Outcome;
}

const byCard = ["a payment by card", "a payment by wallet and card", "funds for the wallet"] as const;

// Refunds first: what the reconciler does after them is listed too, and it must have nothing else to do.
const scenarios: Scenario[] = [
  { call: "a refund", refund: "success" },
  { call: "a refund", refund: "declined" },
  { call: "a refund", refund: "reset-after-effect" },
  { call: "a hold" },
  { call: "a hold that takes an overdue one over" },
  { call: "a cancelled hold" },
  { call: "a payment by wallet" },
  ...byCard.flatMap((call) => [
    { call, charge: "success" as const },
    // Nothing is heard of the outcome, as after a timeout, but at once.
    { call, charge: "reset-after-effect" as const },
    { call, charge: "reset-before-effect" as const },
  ]),
  { call: "a payment by a card that is declined", charge: "declined" },
  { call: "funds from a card that is declined", charge: "declined" },
];

/** Where a call, or the refund after it, stands when its server is killed. */
interface Point extends Scenario {
  name: string;
  /** Whether the call is over by then, and the reconciler at work. */
  isAfterwards: boolean;
  /** The statement it stands at, as the how many-th with this text: on its way to Postgres, or done there and unheard. */
  statement?: { sql: string; turn: number; deed: Extract<Deed, "hold" | "silence"> };
}

const date = Temporal.Now.plainDateISO("Asia/Kolkata").add({ days: 2 }).toString();
const apps = await Promise.all(
  Array.from({ length: serversAtOnce }, () =>
    // Prepares and looks. Its clock stands still, the killed servers' does not: holds are made for longer than the drill.
    createTestApp({ clock: createManualClock(new Date()), settings: { holdSeconds: 3_600 } }),
  ),
);

test(
  `P9: what was under way when a server was killed is settled within ${withinSeconds} s of the restart, and is what its caller gets`,
  { timeout: 600_000 },
  async () => {
    const points = await listPoints(apps[0]!);
    // One refund a server: the reconciler takes all of them at once.
    const afterwards = points.filter((point) => point.isAfterwards);
    const others = points.filter((point) => !point.isAfterwards);
    const count = Math.max(afterwards.length, Math.ceil(others.length / callsPerServer));
    const servers = Array.from({ length: count }, (_, turn) => [
      ...others.filter((_point, index) => index % count === turn),
      ...afterwards.slice(turn, turn + 1),
    ]);
    let reached = 0;
    const seconds: number[] = [];
    const next = servers.values();
    await Promise.all(
      apps.map(async (app) => {
        // The server that is started after a kill is the next one to be killed.
        let running = await startBehindProxy(app);
        for (const standing of next) {
          const killed = await killAndRestart(app, running, standing);
          running = killed.restarted;
          reached += killed.reached;
          seconds.push(killed.seconds);
        }
        expect(await running.server.stop()).toBe(0);
        await running.proxy.close();
      }),
    );
    console.log(
      `P9: ${servers.length} servers killed with ${points.length} calls under way, ${reached} of them at the step they were meant to stand at: ` +
        `settled ${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)} s after the restart, nothing lost, doubled or stuck.`,
    );
    expect(reached).toBeGreaterThan(points.length * 0.9);
  },
);

/** Every statement that each scenario sends until nothing of it is left to do, and both moments at which its card is under way. */
async function listPoints(app: TestApp): Promise<Point[]> {
  const { server, proxy } = await startBehindProxy(app);
  const points: Point[] = [];
  for (const scenario of scenarios) {
    const label = [scenario.call, scenario.charge, scenario.refund].filter(Boolean).join(", ");
    const { call } = await prepare(app, scenario);
    const start = proxy.statements().length;
    // What comes before the gateway is asked is the same whatever it does then.
    let first = start;
    const asked = scenario.charge === "declined" ? app.gateway.waitForCall() : script(app, scenario)?.arrived;
    const isUsual = (scenario.charge ?? scenario.refund ?? "success") === "success";
    if (!isUsual) void asked?.then(() => (first = proxy.statements().length));
    await call(server);
    const end = proxy.statements().length;
    if (scenario.refund !== undefined) await untilRefundWasTried(app);
    const seen = new Map<string, number>();
    for (const [index, statement] of proxy.statements().entries()) {
      if (index < start) continue;
      const { sql } = statement;
      const turn = seen.get(sql) ?? 0;
      seen.set(sql, turn + 1);
      const step = nameOf(statement);
      // What the server does by itself, as sharing its counts, giving cards back and sweeping up overdue holds, is no step of the call. A read changes
      // nothing.
      const isByItself =
        /shared_at|return_free_tries|server_heartbeat|'Expired'.*skip locked|skip locked.*'Expired'/s.test(
          sql,
        );
      if (index < first || isByItself || !(writes(sql) || commits(statement))) continue;
      const shared = { ...scenario, isAfterwards: index >= end };
      points.push({ ...shared, name: `${label}: ${step}`, statement: { sql, turn, deed: "hold" } });
      if (commits(statement))
        points.push({
          ...shared,
          name: `${label}: ${step}, unheard`,
          statement: { sql, turn, deed: "silence" },
        });
    }
    for (const outcome of ["timeout-before-effect", "timeout-after-effect"] as const) {
      const name = `${label}: at the gateway, ${outcome}`;
      if (scenario.charge === "success")
        points.push({ ...scenario, name, charge: outcome, isAfterwards: false });
      if (scenario.refund === "success")
        points.push({ ...scenario, name, refund: outcome, isAfterwards: true });
    }
  }
  await server.kill();
  await proxy.close();
  return points;
}

type Running = Awaited<ReturnType<typeof startBehindProxy>>;

/** Brings each call to where it has to stand, kills the server under all of them, starts another, and looks at what has become of them. */
async function killAndRestart(
  app: TestApp,
  { server, proxy }: Running,
  points: Point[],
): Promise<{ restarted: Running; reached: number; seconds: number }> {
  let reached = 0;
  const calls = [];
  for (const point of points) {
    const { call, ...expected } = await prepare(app, point);
    const scripted = script(app, point);
    let turn = 0;
    const { statement } = point;
    const stop =
      statement &&
      proxy.intercept(({ sql }) => sql === statement.sql && turn++ === statement.turn, statement.deed);
    // The answer is lost with the server.
    const answer = call(server).catch(() => {});
    const end = point.isAfterwards ? answer.then(() => untilRefundWasTried(app)) : answer;
    const stands = stop?.reached ?? scripted!.arrived;
    const isReached = await Promise.race([stands.then(() => true), end.then(() => false)]);
    if (isReached) reached += 1;
    else console.log(`P9: not reached: ${point.name}`);
    scripted?.withdraw();
    calls.push({ point, call, ...expected });
  }
  await server.kill();
  await proxy.close();

  const restarted = await startBehindProxy(app);
  const { server: second } = restarted;
  const startedAt = performance.now();
  const early = await Promise.all(calls.map(({ call }) => call(second)));
  expect(await listUnsettled(app)).toEqual([]);
  const seconds = (performance.now() - startedAt) / 1_000;
  expect(seconds).toBeLessThan(withinSeconds);

  for (const [index, { point, call, truth, countEffects }] of calls.entries()) {
    const what = point.name;
    const last = await call(second);
    expect({ what, ...saidBy(last) }).toMatchObject({ what, ...truth });
    const first = early[index]!;
    if (isHeard(first)) expect({ what, ...saidBy(first) }).toEqual({ what, ...saidBy(last) });
    expect([what, await countEffects()]).toEqual([what, 1]);
  }
  // What had to be done again is settled, too.
  expect(await listUnsettled(app)).toEqual([]);
  expect(await listDifferences(app.sql, app.gateway)).toEqual([]);
  expect(await app.listViolations()).toEqual([]);
  return { restarted, reached, seconds };
}

async function prepare(app: TestApp, { call: name }: Scenario) {
  const { path, given } = moneyCalls(app, date)[name];
  const { caller, input, ...expected }: MoneyCall = await given();
  const options = { token: await tokenOf(app.deps, caller), headers: { "idempotency-key": "the only one" } };
  const call = async (server: ChildServer): Promise<Answer<unknown>> =>
    await mutate(reach(server), path, input, options);
  return { call, ...expected };
}

/** Whether an answer says what became of the call: not that it runs, or that a server has only just started. */
function isHeard(answer: Answer<unknown>): boolean {
  return answer.status < 500 && !isOpen(answer);
}

function reach({ url }: ChildServer): Reachable {
  return { app: { request: (path, init) => fetch(`${url}${path}`, init) } };
}

// The gateway's books know nothing of a refund that it has refused, so it will take it the next time.
function script({ gateway }: TestApp, { charge, refund }: Scenario) {
  if (refund !== undefined) return gateway.scriptRefund(refund);
  return charge === undefined || charge === "declined" ? undefined : gateway.script(charge);
}

async function untilRefundWasTried(app: TestApp): Promise<void> {
  await until(
    app.sql,
    "select 1 from pg_sleep(0.05) where not exists (select from payment_refund where state = 'pending' and last_error is null)",
  );
}

/** Waits until every payment and refund is settled; what is still open when the time is over. */
async function listUnsettled(app: TestApp): Promise<object[]> {
  const open = `select 'payment ' || id || ' ' || status || ', asked ' || attempts || ' times' as what
    from payment_transaction where status in ('Started', 'Unknown')
    union all select 'refund ' || id || ', tried ' || attempts || ' times' from payment_refund where state = 'pending'`;
  const deadline = performance.now() + withinSeconds * 1_000;
  let unsettled: object[];
  do {
    await app.sql.query("select pg_sleep(0.1)");
    unsettled = await app.sql.query(open);
  } while (unsettled.length > 0 && performance.now() < deadline);
  return unsettled;
}

async function startBehindProxy(app: TestApp) {
  const proxy = await startDatabaseProxy(app.databaseUrl);
  const server = await startChildServer(
    {
      DATABASE_URL: proxy.url,
      JWT_SECRET_KEY: testJwtSecret,
      API_GATEWAY_KEY: testApiKey,
      PAYMENT_GATEWAY_URL: app.gateway.url,
      PAYMENT_GATEWAY_API_KEY: testGatewayKey,
    },
    onTestFinished,
  );
  return { proxy, server };
}
