import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startServerOf } from "../drill-server.ts";
import { createTestApp } from "../test-app.ts";

// What load balancers keep an idle connection for, and a little more: one that the server has closed by then costs a caller a 502.
const idleSeconds = 66;
const shortSeconds = 5;
// What is left of a stop once nothing is under way.
const stopWithinSeconds = 5;

const app = await createTestApp();

/** Asks over a connection, which it leaves open, and gives the status line. */
async function ask(socket: Socket): Promise<string> {
  if (socket.destroyed) return "closed";
  const answered = once(socket, "data");
  socket.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [answer] = (await answered) as [Buffer];
  return answer.toString("latin1").split("\r\n")[0] ?? "";
}

function connectTo(url: string): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  // One that the server closes may be reset.
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

test(
  `an idle connection is kept for ${idleSeconds} s, and no longer than KEEP_ALIVE_SECONDS or a stop`,
  { timeout: 120_000 },
  async () => {
    const [usual, hasty] = await Promise.all([
      startServerOf(app, onTestFinished),
      startServerOf(app, onTestFinished, { KEEP_ALIVE_SECONDS: String(shortSeconds) }),
    ]);
    const [kept, closed] = [connectTo(usual.url), connectTo(hasty.url)];
    expect([await ask(kept), await ask(closed)]).toEqual(["HTTP/1.1 200 OK", "HTTP/1.1 200 OK"]);
    const idleFrom = performance.now();
    await once(closed, "close");
    const closedAfter = (performance.now() - idleFrom) / 1_000;

    await pause(idleSeconds * 1_000 - (performance.now() - idleFrom));
    expect(await ask(kept)).toBe("HTTP/1.1 200 OK");
    const stoppedFrom = performance.now();
    const [code] = await Promise.all([usual.stop(), once(kept, "close")]);
    const stoppedAfter = (performance.now() - stoppedFrom) / 1_000;
    console.log(
      `Idle for ${idleSeconds} s and answered; with ${shortSeconds} s closed after ${closedAfter.toFixed(1)} s; stopped within ${stoppedAfter.toFixed(1)} s.`,
    );
    expect(code).toBe(0);
    expect(closedAfter).toBeGreaterThan(shortSeconds - 1);
    expect(closedAfter).toBeLessThan(shortSeconds + 5);
    expect(stoppedAfter).toBeLessThan(stopWithinSeconds);
  },
);
