import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { serve, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headOf, identify } from "./caller.ts";

// Tells the caller's address behind as many proxies as the path says.
const app = new Hono().get("/:proxies", (context) =>
  context.text(identify(headOf(context), Number(context.req.param("proxies"))).address),
);

let server: ServerType;
beforeAll(async () => {
  server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
});
afterAll(() => server.close());

async function addressBehind(proxies: number, forwarded?: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  const asking = request({ host: "127.0.0.1", port, path: `/${proxies}`, headers, agent: false });
  asking.end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  return await text(answer);
}

describe("behind a proxy", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:4711", "203.0.113.7"],
    ["203.0.113.7:4712", "203.0.113.7"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:db8::1:443", "2001:db8::1:443"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:443", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["fe80::1%one", "fe80::1"],
    ["[fe80::1%two]:443", "fe80::1"],
    ["203.0.113.66, 203.0.113.7:4711", "203.0.113.7"],
  ])("the address of %s is %s", async (entry, address) => {
    expect(await addressBehind(1, entry)).toBe(address);
  });

  test.each([
    "one",
    "unknown",
    "_hidden",
    "203.0.113.7.9",
    "203.0.113.256",
    "203.0.113.7:",
    "203.0.113.7:x",
    "203.0.113.7 x",
    "x 203.0.113.7",
    "[203.0.113.7",
    "[]",
    "[]:443",
    "[2001:db8::1",
    "[2001:db8::1]x",
    "[2001:db8::1]:",
    "2001:db8::1]:443",
    "2001:db8",
    "::1::",
    ":4711",
    "%one",
    "0x7f.1",
    "1",
    "203.0.113.66, one",
    `${"1.".repeat(1_000)}1`,
  ])("what is no address counts as the connection's own: %s", async (entry) => {
    expect(await addressBehind(1, entry)).toBe("127.0.0.1");
  });

  test("only what the outermost of the trusted proxies saw counts, and without proxies only the connection", async () => {
    const seen = "203.0.113.66, [2001:db8::1]:443, 203.0.113.8:80";
    expect(await addressBehind(2, seen)).toBe("2001:db8::1");
    expect(await addressBehind(3, seen)).toBe("203.0.113.66");
    expect(await addressBehind(0, seen)).toBe("127.0.0.1");
    expect(await addressBehind(1)).toBe("127.0.0.1");
  });
});

test("a connection of IPv4 over IPv6 has its IPv4 address", async () => {
  const incoming = { socket: { remoteAddress: "::ffff:127.0.0.1", remotePort: 1, remoteFamily: "IPv6" } };
  const answer = await app.request("/0", {}, { incoming });
  expect(await answer.text()).toBe("127.0.0.1");
});
