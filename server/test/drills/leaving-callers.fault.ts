import { once } from "node:events";
import { request as send } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { serve } from "@hono/node-server";
import { afterAll, expect, test } from "vitest";
import type { Outcome } from "../../../scripts/sandbox/outcomes.ts";
import { transformer } from "../../src/contract/index.ts";
import { listDifferences } from "../compare-books.ts";
import { nameOf, startDatabaseProxy, type Statement } from "../database-proxy.ts";
import { tokenOf } from "../given.ts";
import { isOpen, moneyCalls, saidBy } from "../money-calls.ts";
import { headersFor, mutate } from "../rpc-call.ts";
import { createTestApp } from "../test-app.ts";
import { whenOver } from "../when-over.ts";

const app = await createTestApp();
const proxy = await startDatabaseProxy(app.databaseUrl);
afterAll(() => proxy.close());
const server = await createTestApp({ beside: app, databaseUrl: () => proxy.url });
const calls = moneyCalls(app, "2026-03-11");

/** What the server still works on, whether or not its caller is there. */
let working: Response | Promise<Response> | undefined;
let connection: Socket | undefined;
const port = await listen();

type CallName = keyof typeof calls;

const payments: { call: CallName; charge?: Outcome }[] = [
  { call: "a payment by card", charge: "success" },
  { call: "a payment by card", charge: "reset-after-effect" },
  { call: "a payment by card", charge: "reset-before-effect" },
  { call: "a payment by a card that is declined", charge: "declined" },
  { call: "a payment by wallet" },
  { call: "a payment by wallet and card", charge: "success" },
  { call: "funds for the wallet", charge: "success" },
];

test(
  "P12: a caller who leaves during any step of a payment has the same result as if they had stayed",
  { timeout: 300_000 },
  async () => {
    const figures = { left: 0, heardLater: 0 };
    for (const { call, charge } of payments) {
      const stayed = await stay(call, charge);
      for (const [index, name] of stayed.steps.entries()) {
        const what = `${call}, ${charge}: left at ${name}`;
        const { caller, leave, again, end } = await prepare(call, charge);
        let turn = 0;
        const stop = proxy.intercept((statement) => isOfCall(statement) && turn++ === index, "hold");
        const request = caller();
        await stop.reached;
        await leave(request);
        stop.release();
        await working;
        figures.left += 1;

        // Whether or not a caller listened, the answer is there now: the work is not done a second time.
        const first = await again();
        const isInDoubt = isOpen(first);
        expect([what, isInDoubt]).toEqual([what, charge?.startsWith("reset") ?? false]);
        if (!isInDoubt) expect([what, first.headers.get("idempotent-replayed")]).toEqual([what, "true"]);
        expect({ what, ...saidBy(first) }).toMatchObject({ what, ...(isInDoubt ? {} : end.truth) });
        if (isInDoubt) {
          figures.heardLater += 1;
          app.clock.advance(25_000);
          await app.reconcile();
          expect({ what, ...saidBy(await again()) }).toMatchObject({ what, ...end.truth });
        }
        expect([what, await end.countEffects()]).toEqual([what, 1]);
      }
      for (const outcome of charge === "success" ? (["slow", "timeout-after-effect"] as const) : []) {
        const { caller, leave, again, end } = await prepare(call, undefined);
        const scripted = app.gateway.script(outcome);
        const request = caller();
        await scripted.arrived;
        await leave(request);
        await scripted.release();
        await working;
        figures.left += 1;
        const first = await again();
        expect(first.headers.get("idempotent-replayed")).toBe("true");
        expect(saidBy(first)).toMatchObject(end.truth);
        expect(await end.countEffects()).toBe(1);
      }
    }
    expect(await listDifferences(app.sql, app.gateway)).toEqual([]);
    console.log(
      `P12: ${figures.left} callers left at every step of ${payments.length} payments: each paid, or not, as if they had stayed, and the same key told it ` +
        `(${figures.heardLater} once the gateway had been asked).`,
    );
  },
);

// What every new connection begins with belongs to no call.
function isOfCall({ sql }: Statement): boolean {
  return !sql.includes("transaction_timeout");
}

/** The steps of a payment whose caller waits for the answer. */
async function stay(call: CallName, charge: Outcome | undefined): Promise<{ steps: string[] }> {
  const { caller, again } = await prepare(call, charge);
  const before = proxy.statements().length;
  const request = caller();
  await once(request, "response");
  const steps = proxy.statements().slice(before).filter(isOfCall).map(nameOf);
  expect(steps.length).toBeGreaterThan(2);
  if (isOpen(await again())) {
    app.clock.advance(25_000);
    await app.reconcile();
  }
  return { steps };
}

async function prepare(name: CallName, charge: Outcome | undefined) {
  const { path, given } = calls[name];
  const end = await given();
  if (charge !== undefined && charge !== "declined") app.gateway.script(charge);
  const options = {
    token: await tokenOf(app.deps, end.caller),
    headers: { "idempotency-key": "the only one" },
  };
  const caller = () => {
    const request = send({
      port,
      path: `/trpc/${path}`,
      method: "POST",
      agent: false,
      headers: { "content-type": "application/json", ...headersFor(options) },
    });
    request.on("error", () => {});
    request.end(JSON.stringify(transformer.serialize(end.input)));
    return request;
  };
  const leave = async (request: ReturnType<typeof send>) => {
    const closed = once(connection!, "close");
    request.destroy();
    await closed;
  };
  return { end, caller, leave, again: () => mutate(app, path, end.input, options) };
}

/** Listens as a running server does, and knows what it is working on. */
async function listen(): Promise<number> {
  const fetch = (request: Request, env: object) => {
    working = server.app.fetch(request, env);
    return working;
  };
  const listening = serve({ fetch, port: 0, hostname: "127.0.0.1" });
  listening.on("connection", (socket: Socket) => {
    connection = socket;
  });
  await once(listening, "listening");
  whenOver(() => listening.close());
  return (listening.address() as AddressInfo).port;
}
