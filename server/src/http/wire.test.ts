import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { givenCustomer, tokenOf } from "../../test/given.ts";
import { openPort } from "../../test/open-port.ts";
import { createTestApp, testApiKey } from "../../test/test-app.ts";

const app = await createTestApp();
const port = await openPort(app);

const key = `x-api-key: ${testApiKey}`;

/** Sends these very bytes and gives back what comes until the server ends the connection. */
async function send(...lines: string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A reset is an answer too.
  socket.on("error", () => {});
  socket.write(lines.join("\r\n"));
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

const get = (path: string, ...headers: string[]) =>
  send(`GET ${path} HTTP/1.1`, "host: localhost", "connection: close", ...headers, "", "");

const post = (path: string, headers: string[], body: string) =>
  send(
    `POST ${path} HTTP/1.1`,
    "host: localhost",
    "connection: close",
    key,
    "content-type: application/json",
    ...headers,
    "",
    body,
  );

test("the address of an audit line is the connection's, whatever the caller says", async () => {
  await get("/nowhere", "x-forwarded-for: 6.6.6.6", "x-request-id: wire-1");
  expect(
    app.logger.lines.find((line) => line["audit"] !== undefined && line["requestId"] === "wire-1"),
  ).toMatchObject({
    address: "127.0.0.1",
  });
});

test("a second Authorization header is not passed over", async () => {
  const bearer = `authorization: Bearer ${await tokenOf(app.deps, await givenCustomer(app.deps))}`;
  expect(await get("/trpc/auth.me", key, bearer)).toContain("HTTP/1.1 200");
  for (const second of [bearer, "authorization: Bearer x", "Authorization: Basic x"])
    expect(await get("/trpc/auth.me", key, bearer, second)).toMatch(/^HTTP\/1\.1 (401|400)/);
});

test("a second API key header is not passed over", async () => {
  expect(await get("/trpc/auth.securityQuestions", key, "x-api-key: wrong")).toContain("HTTP/1.1 403");
  expect(await get("/trpc/auth.securityQuestions", key, key)).toContain("HTTP/1.1 403");
});

test.each([
  ["headers of 20 KB", () => get("/health", `x-filling: ${"x".repeat(20_000)}`), /^HTTP\/1\.1 431/],
  ["a path of 20 KB", () => get(`/${"x".repeat(20_000)}`), /^HTTP\/1\.1 (431|414)/],
  [
    "an odd Host",
    () => send("GET /trpc/auth.me HTTP/1.1", "host: evil.example\\@x:0:0", "connection: close", key, "", ""),
    /^HTTP\/1\.1 4\d\d/,
  ],
  ["no Host", () => send("GET /health HTTP/1.1", "connection: close", "", ""), /^HTTP\/1\.1 4\d\d/],
  ["an absolute address", () => get("http://evil.example/trpc/auth.me", key), /^HTTP\/1\.1 4\d\d/],
  ["no path", () => get("*", key), /^HTTP\/1\.1 4\d\d/],
  ["no HTTP", () => send("hello", "", ""), /^HTTP\/1\.1 400/],
  [
    "a body longer than it says",
    () => post("/trpc/auth.login", ["content-length: 5"], '{"json":{}}'),
    /^HTTP\/1\.1 400/,
  ],
  ["a negative length", () => post("/trpc/auth.login", ["content-length: -1"], "{}"), /^HTTP\/1\.1 400/],
  [
    "two lengths",
    () => post("/trpc/auth.login", ["content-length: 2", "content-length: 11"], "{}"),
    /^HTTP\/1\.1 400/,
  ],
  [
    "a length and chunks",
    () => post("/trpc/auth.login", ["content-length: 2", "transfer-encoding: chunked"], "0\r\n\r\n"),
    /^HTTP\/1\.1 400/,
  ],
  [
    "a length beyond the limit",
    () => post("/trpc/auth.login", ["content-length: 70000"], "{"),
    /^HTTP\/1\.1 413/,
  ],
  [
    "a length that is no number",
    () => post("/trpc/auth.login", ["content-length: 1e3"], "{}"),
    /^HTTP\/1\.1 400/,
  ],
  [
    "chunks beyond the limit",
    () =>
      post("/trpc/auth.login", ["transfer-encoding: chunked"], `11170\r\n${"x".repeat(70_000)}\r\n0\r\n\r\n`),
    /^HTTP\/1\.1 413/,
  ],
  [
    "chunks within it",
    () => post("/trpc/auth.login", ["transfer-encoding: chunked"], 'b\r\n{"json":{}}\r\n0\r\n\r\n'),
    /^HTTP\/1\.1 400/,
  ],
  [
    "a broken chunk",
    () => post("/trpc/auth.login", ["transfer-encoding: chunked"], "zz\r\n{}\r\n"),
    /^HTTP\/1\.1 400/,
  ],
  [
    "TRACE",
    () => send("TRACE /health HTTP/1.1", "host: localhost", "connection: close", key, "", ""),
    /^HTTP\/1\.1 4\d\d/,
  ],
] as const)("%s is refused, and the next call is answered", async (_, attack, expected) => {
  const answer = await attack();
  expect(answer).toMatch(expected);
  expect(answer).not.toMatch(/node_modules|at .*\.ts/);
  expect(await get("/health")).toContain('{"status":"healthy"}');
});
