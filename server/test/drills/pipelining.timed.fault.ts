import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createSkyfoxClient } from "@skyfox/sdk";
import { expect, onTestFinished, test } from "vitest";
import { drillApiKey as apiKey, startServerOf } from "../drill-server.ts";
import type { Flood, FloodReport } from "../flood.ts";
import { givenCustomer, givenShow, goodCard, tokenOf } from "../given.ts";
import { percentile, residentMb } from "../measures.ts";
import { createTestApp } from "../test-app.ts";

const floodScript = fileURLToPath(new URL("../flood.ts", import.meta.url));
const payments = 100;

test(
  "P21: while fifty connections send a million requests ahead, half of them without reading, every customer pays within a second",
  { timeout: 180_000 },
  async () => {
    const app = await createTestApp();
    app.clock.set(new Date());
    const tomorrow = Temporal.Now.plainDateISO("Asia/Kolkata").add({ days: 1 }).toString();
    const [showId, warmShowId] = [
      await givenShow(app, { date: tomorrow }),
      await givenShow(app, { date: tomorrow }),
    ];
    const server = await startServerOf(app, onTestFinished);
    const pay = async (seat: number, of: number) => {
      const token = await tokenOf(app.deps, await givenCustomer(app.deps));
      const skyfox = createSkyfoxClient({ url: server.url, apiKey, token, retries: 0 });
      const seatNumbers = [`${"ABCDEFGHIJ"[Math.floor(seat / 10)]}${(seat % 10) + 1}`];
      const startedAt = performance.now();
      const { bookingId } = await skyfox.booking.initialize.mutate({ showId: of, seatNumbers });
      const heldAt = performance.now();
      const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });
      expect(paid.status).toBe("Confirmed");
      return { holdMs: heldAt - startedAt, payMs: performance.now() - heldAt };
    };

    // Its code is compiled before its memory is looked at.
    for (let warm = 0; warm < payments; warm += 1) await pay(warm, warmShowId);
    const callers = Array.from({ length: 50 }, async () => {
      for (let calls = 0; calls < 500; calls += 1) await (await fetch(`${server.url}/nowhere`)).text();
    });
    await Promise.all(callers);
    const before = residentMb(server.pid);
    const flood = startFlood({
      port: Number(new URL(server.url).port),
      connections: 50,
      requestsAhead: 1_000_000,
    });
    const health: number[] = [];
    const times: Awaited<ReturnType<typeof pay>>[] = [];
    for (let seat = 0; seat < payments; seat += 1) {
      const askedAt = performance.now();
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      health.push(performance.now() - askedAt);
      times.push(await pay(seat, showId));
    }
    const grown = residentMb(server.pid) - before;
    const { connected, answered } = await flood.end();
    const payMs = times.map((one) => one.payMs);
    const holdMs = times.map((one) => one.holdMs);
    console.log(
      `P21: ${times.length} of ${payments} payments beside 50 connections that ask a million times ahead (${connected} connections made, ${answered} answers read): hold p50 ` +
        `${percentile(holdMs, 50)} ms, p99 ${percentile(holdMs, 99)} ms; pay p50 ${percentile(payMs, 50)} ms, p99 ${percentile(payMs, 99)} ms; /health p99 ` +
        `${percentile(health, 99)} ms; resident memory grew by ${grown.toFixed(0)} MB.`,
    );
    expect(answered).toBeGreaterThan(0);
    expect(percentile(payMs, 99)).toBeLessThan(1_000);
    expect(percentile(holdMs, 99)).toBeLessThan(1_000);
    // Seen: 22 to 37 MB in six runs, as the collector has it; without bounds it was 2,900.
    expect(grown).toBeLessThan(100);
  },
);

function startFlood(flood: Flood) {
  const child = spawn(process.execPath, [floodScript, JSON.stringify(flood)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return {
    async end(): Promise<FloodReport> {
      child.stdin.end();
      const [report] = await Promise.all([text(child.stdout), once(child, "exit")]);
      return JSON.parse(report) as FloodReport;
    },
  };
}
