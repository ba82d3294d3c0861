import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { afterAll } from "vitest";
import type { TestApp } from "./test-app.ts";

/** Lets a test's server be called over the network until the file's last test is over, and gives the port. */
export async function openPort({ app }: TestApp): Promise<number> {
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  afterAll(async () => {
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}
