import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { openPort } from "../open-port.ts";
import { createTestApp, testApiKey } from "../test-app.ts";

const app = await createTestApp();
const port = await openPort(app);
const maxMs = 70_000;

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

test(
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
