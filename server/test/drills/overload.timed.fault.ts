import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { drillApiKey as apiKey, startServerOf } from "../drill-server.ts";
import { givenCustomer, givenShow, tokenOf } from "../given.ts";
import type { Load, LoadReport } from "../load.ts";
import { percentile, residentMb } from "../measures.ts";
import { createTestApp } from "../test-app.ts";

const loadScript = fileURLToPath(new URL("../load.ts", import.meta.url));
const seconds = 20;
const times = 10;

test(
  "P21: ten times what the server can do is refused with a time to come back, and what is accepted stays quick",
  { timeout: 180_000 },
  async () => {
    const app = await createTestApp({ hashesAsInProduction: true });
    const today = Temporal.Now.plainDateISO("Asia/Kolkata").toString();
    for (const slotId of [1, 2, 3, 4]) await givenShow(app, { date: today, slotId });
    const server = await startServerOf(app, onTestFinished);
    app.clock.set(new Date());
    const token = await tokenOf(app.deps, await givenCustomer(app.deps));
    const request = [
      "GET /trpc/show.list HTTP/1.1",
      "host: localhost",
      `x-api-key: ${apiKey}`,
      `authorization: Bearer ${token}`,
      "",
      "",
    ].join("\r\n");
    const load = { port: Number(new URL(server.url).port), request, maxSockets: 2_000 };

    // The server's code is compiled, and its capacity found: what it accepts of a little too much.
    await unleash({ ...load, perSecond: 300, seconds: 4 });
    const full = await unleash({ ...load, perSecond: 1_500, seconds: 4 });
    const capacity = Math.round(full.accepted.length / 4);
    const calm = await unleash({ ...load, perSecond: Math.round(capacity / 2), seconds: 8 });
    const calmP99 = percentile(calm.accepted, 99);
    const before = residentMb(server.pid);
    const over = await unleash({ ...load, perSecond: capacity * times, seconds });
    const grownMb = residentMb(server.pid) - before;
    // Calm again within five seconds: it is the last one of five that counts.
    const after = await unleash({ ...load, perSecond: Math.round(capacity / 2), seconds: 5 });
    const calmAgain = after.accepted.slice(-Math.round(after.accepted.length / 5));

    console.log(
      `P21: capacity ${capacity}/s; calm p50 ${percentile(calm.accepted, 50)} ms, p99 ${calmP99} ms; ${over.sent} calls sent and ${over.unsent} not for want of a socket in ` +
        `${seconds} s: ${over.accepted.length} accepted, p50 ${percentile(over.accepted, 50)} ms, p99 ${percentile(over.accepted, 99)} ms; ${over.refused} refused, the slowest after ` +
        `${over.slowestRefusalMs.toFixed(0)} ms; ${over.cut} cut; resident memory grew by ${grownMb.toFixed(0)} MB; five seconds later p99 ${percentile(calmAgain, 99)} ms, ${after.refused} refused.`,
    );
    for (const part of [calm, over, after]) expect([part.unexpected, part.cut]).toEqual([[], 0]);
    expect(calm.refused).toBe(0);
    expect(over.refused).toBeGreaterThan(over.accepted.length);
    expect(over.accepted.length).toBeGreaterThan(0);
    expect(percentile(over.accepted, 99)).toBeLessThan(5 * calmP99);
    expect(grownMb).toBeLessThan(100);
    expect(percentile(calmAgain, 99)).toBeLessThan(5 * calmP99);
  },
);

async function unleash(load: Load): Promise<LoadReport> {
  const child = spawn(process.execPath, [loadScript, JSON.stringify(load)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [report] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return JSON.parse(report) as LoadReport;
}
