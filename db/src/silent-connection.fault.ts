import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { createTestDatabase } from "../embedded/test-database.ts";
import { openDatabase } from "./connect.ts";

test(
  "a connection that falls silent fails its call, and the next calls are served",
  { timeout: 60_000 },
  async () => {
    const { url } = await createTestDatabase();
    const target = new URL(url);
    const { hostname: host, port } = target;
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
    target.port = String((proxy.address() as AddressInfo).port);
    const db = openDatabase(target.href, { maxConnections: 1 });
    const ask = () => sql`select 1`.execute(db);

    await ask();
    isSilent = true;
    const startedAt = performance.now();
    await expect(ask()).rejects.toThrow("Connection terminated");
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    isSilent = false;
    await ask();
    expect(upstreams).toHaveLength(2);
    await db.destroy();
    proxy.close();
  },
);
