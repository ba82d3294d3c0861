import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { startServerOf } from "../drill-server.ts";
import { openPort } from "../open-port.ts";
import { createTestApp, testApiKey } from "../test-app.ts";

const app = await createTestApp();
const port = await openPort(app);
const maxMs = 70_000;
// What load balancers keep an idle connection for, and a little more: one that the server has closed by then costs a caller a 502.
const idleSeconds = 66;
const shortSeconds = 5;
// What is left of a stop once nothing is under way.
const stopWithinSeconds = 5;

const head = (path: string, length: number) =>
  [
    `POST ${path} HTTP/1.1`,
    "host: localhost",
    `x-api-key: ${testApiKey}`,
    "content-type: application/json",
    `content-length: ${length}`,
    "",
    "",
  ].join("\r\n");

/** Sends the first bytes at once and a few more every so often, and tells the answer and the seconds that the server put up with it. */
async function sendSlowly({ first, bytes, everyMs }: { first: string; bytes: number; everyMs: number }) {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  socket.on("error", () => {});
  socket.write(first);
  const startedAt = performance.now();
  const sending = setInterval(() => socket.write("x".repeat(bytes)), everyMs);
  const tooLong = setTimeout(() => socket.destroy(), maxMs);
  await once(socket, "close");
  clearInterval(sending);
  clearTimeout(tooLong);
  return { answer, seconds: (performance.now() - startedAt) / 1_000 };
}

// Both wait for a minute, and need little of the machine.
test.concurrent(
  "callers who send slowly are cut off, and others are answered meanwhile",
  { timeout: maxMs + 5_000 },
  async () => {
    const callers = [
      { name: "nothing at all", first: "", bytes: 0, everyMs: maxMs, within: 10 },
      {
        name: "headers byte by byte",
        first: "GET /health HTTP/1.1\r\nx-slow: ",
        bytes: 1,
        everyMs: 1_000,
        within: 10,
      },
      {
        name: "a body byte by byte",
        first: head("/trpc/auth.login", 60_000),
        bytes: 1,
        everyMs: 1_000,
        within: 20,
      },
      {
        name: "a body at 1 KB a second",
        first: head("/trpc/auth.login", 60_000),
        bytes: 1_000,
        everyMs: 1_000,
        within: 20,
      },
      {
        name: "a picture byte by byte",
        first: head("/trpc/auth.signup", 900_000),
        bytes: 1,
        everyMs: 500,
        within: 5,
      },
      {
        name: "a picture at 2 KB a second",
        first: head("/trpc/auth.signup", 900_000),
        bytes: 2_048,
        everyMs: 1_000,
        within: 5,
      },
      {
        name: "a picture at 8 KB a second, which is fast enough but not for so much",
        // What goes on reads as a JPEG's base64.
        first: `${head("/trpc/auth.signup", 900_000)}{"json":{"profileImage":{"base64":"/9j/4AAQSkZJRgABAQ`,
        bytes: 8_192,
        everyMs: 1_000,
        within: 60,
      },
    ];
    const sending = callers.map(async (caller) => ({ ...caller, ...(await sendSlowly(caller)) }));
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    for (const { name, first, within, answer, seconds } of await Promise.all(sending)) {
      console.log(`${name}: cut off after ${seconds.toFixed(1)} s of ${within}`);
      if (first !== "") expect([name, answer.slice(0, 13)]).toEqual([name, "HTTP/1.1 408 "]);
      expect(seconds).toBeGreaterThan(within - 1);
      expect(seconds).toBeLessThan(within + 4);
    }
  },
);

/** Asks over a connection, which it leaves open, and gives the status line. */
async function ask(socket: Socket): Promise<string> {
  if (socket.destroyed) return "closed";
  const answered = once(socket, "data");
  socket.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [answer] = (await answered) as [Buffer];
  return answer.toString("latin1").split("\r\n")[0] ?? "";
}

test.concurrent(
  `an idle connection is kept for ${idleSeconds} s, and no longer than KEEP_ALIVE_SECONDS or a stop`,
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const connectTo = (url: string): Socket => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      // One that the server closes may be reset.
      socket.on("error", () => {});
      onTestFinished(() => void socket.destroy());
      return socket;
    };
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
