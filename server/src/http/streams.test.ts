import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { headersFor, mutate } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { openPort } from "./listen.ts";

const app = await createTestApp();
const token = await tokenOf(app.deps, await givenCustomer(app.deps));
const adminToken = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));

const options = { port: 0, hostname: "127.0.0.1", keepAliveSeconds: 75 };
const connections = { atOnce: 1_000, atOncePerAddress: undefined };
const { server, port, stopListening } = await openPort(app.app, { ...options, connections }, app.logger);
afterAll(async () => {
  server.closeAllConnections();
  await stopListening();
});

/** Watches a show over a connection, of which it gives both ends once the first event is there. */
async function givenStream(showId: number) {
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const caller = connect(port, "127.0.0.1");
  onTestFinished(() => void caller.destroy());
  const head = Object.entries(headersFor({ token })).map(([name, value]) => `${name}: ${value}\r\n`);
  const path = `/trpc/show.watchSeatMap?input=${encodeURIComponent(`{"json":{"showId":${showId}}}`)}`;
  caller.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${head.join("")}\r\n`);
  let text = "";
  caller.on("data", (chunk) => (text += String(chunk)));
  while (!text.includes("snapshot")) await once(caller, "data");
  const [socket] = await accepted;
  return { caller, socket, heard: () => text };
}

test("a stream whose caller takes nothing for a minute is cut, and its place is free", async () => {
  const { caller, socket } = await givenStream(await givenShow(app));
  expect(socket.timeout).toBe(60_000);
  expect(app.deps.liveMaps.watched.watchers).toBe(1);
  const closed = once(caller, "close");
  // As Node does when nothing could be written for so long.
  socket.emit("timeout");
  await closed;
  while (app.deps.liveMaps.watched.watchers > 0) await app.sql.query("select 1");
});

test("a connection whose stream has come to its end is as any other", async () => {
  const showId = await givenShow(app);
  const { caller, socket, heard } = await givenStream(showId);
  await mutate(app, "admin.cancelShow", { showId, reason: "The projector broke." }, { token: adminToken });
  // The last chunk of the answer.
  while (!heard().endsWith("0\r\n\r\n")) await once(caller, "data");
  while (socket.listenerCount("timeout") > 1) await app.sql.query("select 1");
  // The time after which an idle connection ends.
  expect(socket.timeout).toBe(76_000);
  caller.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
  while (!heard().includes('"healthy"')) await once(caller, "data");
  expect(socket.timeout).not.toBe(60_000);
  expect(socket.listenerCount("timeout")).toBe(1);
});
