import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { createTestDatabase, throughPort } from "../embedded/test-database.ts";
import { connectOnce, openDatabase } from "../src/connect.ts";

test.each([
  ["a connection that falls silent fails its call, and the next calls are served", 8_000, 0],
  ["the same holds for one that was idle for longer than silence is allowed", 1_000, 2],
])("%s", { timeout: 60_000 }, async (_name, silenceMs, idleSeconds) => {
  const { url } = await createTestDatabase();
  const { hostname: host, port } = new URL(url);
  let isSilent = false;
  const upstreams: Socket[] = [];
  const proxy = createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    upstreams.push(upstream);
    client.pipe(upstream);
    upstream.on("data", (data) => {
      if (!isSilent) client.write(data);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      socket.on("close", () => [client, upstream].forEach((one) => one.destroy()));
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const db = openDatabase(throughPort(url, (proxy.address() as AddressInfo).port), {
    maxConnections: 1,
    silenceMs,
  });
  const ask = () => sql`select 1`.execute(db);

  await ask();
  // Another connection passes the time.
  const other = await connectOnce(url);
  await other.query("select pg_sleep($1)", [idleSeconds]);
  await other.end();
  isSilent = true;
  const startedAt = performance.now();
  await expect(ask()).rejects.toThrow("Connection terminated");
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  isSilent = false;
  await ask();
  expect(upstreams).toHaveLength(2);
  await db.destroy();
  proxy.close();
});
