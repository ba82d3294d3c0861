import { generateKeyPairSync } from "node:crypto";
import { CompactSign } from "jose";
import { describe, expect, test } from "vitest";
import { createTicketTokens } from "../../server/src/ticket/ticket-tokens.ts";
import { createTestApp, testApiKey } from "../../server/test/test-app.ts";
import { connect, errorOf } from "../test/connect.ts";
import { createSkyfoxClient, domainErrorOf, isSkyfoxError, type Fetch, type TicketKeys } from "./index.ts";
import { verifyTicket } from "./tickets.ts";

const app = await createTestApp();
const { privateKey: signing, publicKey } = generateKeyPairSync("ed25519");
const server = createTicketTokens({ signing, retired: [] });
const keys = await server.keys();
const ticket = { bookingId: 12_345, showId: 678, seatNumbers: ["A1", "A2"] };
const token = await server.sign(ticket);
const [header = "", payload = "", signature = ""] = token.split(".");

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function signed(head: object, body: unknown = ticket, key = signing): Promise<string> {
  const protectedHeader = { alg: "EdDSA", kid: keys.keys[0]!.kid, typ: "skyfox-ticket+jwt", ...head };
  return await new CompactSign(Buffer.from(JSON.stringify(body)))
    .setProtectedHeader(protectedHeader)
    .sign(key);
}

describe("verifyTicket", () => {
  test("gives the ticket of a token that the cinema has signed, without a call", async () => {
    expect(await verifyTicket(token, keys)).toEqual({ valid: true, ticket });
  });

  test("finds a token by another key forged when it names one of these, and says when it names none of them", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const forged = { valid: false, reason: "forged" };
    expect(await verifyTicket(await signed({}, ticket, privateKey), keys)).toEqual(forged);
    const foreign = await createTicketTokens({ signing: privateKey, retired: [] }).sign(ticket);
    expect(await verifyTicket(foreign, keys)).toEqual({ valid: false, reason: "unknown-key" });
    expect(await verifyTicket(token, { keys: [] })).toEqual({ valid: false, reason: "unknown-key" });
  });

  test("finds a token forged of which booking, show, seats or signature are others", async () => {
    for (const change of [{ bookingId: 1 }, { showId: 1 }, { seatNumbers: ["B1"] }]) {
      const altered = `${header}.${encode({ ...ticket, ...change })}.${signature}`;
      expect(await verifyTicket(altered, keys)).toEqual({ valid: false, reason: "forged" });
    }
    const altered = `${header}.${payload}.${"A".repeat(86)}`;
    expect(await verifyTicket(altered, keys)).toEqual({ valid: false, reason: "forged" });
  });

  test("takes no other type, no other algorithm, no token of a session and nothing else that our key signed", async () => {
    const { x = "" } = publicKey.export({ format: "jwk" });
    const tokens = [
      await signed({ typ: "JWT" }),
      await signed({}, { ...ticket, admin: true }),
      await signed({}, "ticket"),
      `${encode({ alg: "none", kid: keys.keys[0]!.kid })}.${payload}.`,
      `${encode({ alg: "none", kid: keys.keys[0]!.kid })}.${payload}.${signature}`,
      await new CompactSign(Buffer.from(JSON.stringify(ticket)))
        .setProtectedHeader({ alg: "HS256", kid: keys.keys[0]!.kid, typ: "skyfox-ticket+jwt" })
        .sign(Buffer.from(x, "base64url")),
    ];
    for (const one of tokens)
      expect(await verifyTicket(one, keys)).toEqual({ valid: false, reason: "malformed" });
  });

  test("reads past the line break that a scanner writes", async () => {
    for (const read of [`${token}\n`, `${token}\r\n`, ` ${token}`])
      expect(await verifyTicket(read, keys)).toEqual({ valid: true, ticket });
  });

  test("leaves keys of another kind alone, and takes no damaged one", async () => {
    const others = [
      { kty: "EC", crv: "P-256", kid: "another", x: "AA", y: "AA" },
      { ...keys.keys[0], kid: "damaged", x: "AAAA" },
    ];
    const mixed = { keys: [...others, ...keys.keys] } as TicketKeys;
    expect(await verifyTicket(token, mixed)).toEqual({ valid: true, ticket });
    const unknown = { valid: false, reason: "unknown-key" };
    expect(await verifyTicket(await signed({ kid: "another" }), mixed)).toEqual(unknown);
    expect(await verifyTicket(await signed({ kid: "damaged" }), mixed)).toEqual(unknown);
  });

  test("never throws, whatever it is given", async () => {
    const { length } = token;
    const cut = Array.from({ length }, (_, index) => token.slice(0, index));
    const others = [
      "",
      "a.b.c",
      "x".repeat(10_000),
      `${token}=`,
      `${token} ${token}`,
      null,
      undefined,
      7,
      {},
      "🎟️.🎟️.🎟️",
    ];
    for (const one of [...cut, ...others]) {
      const { valid } = await verifyTicket(one as string, keys);
      expect(valid).toBe(false);
    }
    for (const bad of [
      null,
      undefined,
      {},
      { keys: null },
      { keys: [{}] },
      { keys: [{ ...keys.keys[0], x: 1 }] },
    ])
      expect(await verifyTicket(token, bad as TicketKeys)).toEqual({ valid: false, reason: "unknown-key" });
  });

  test("agrees with the server about every token of which one character is another one", async () => {
    for (let index = 0; index < token.length; index += 1) {
      for (const other of ["A", "Q", "."]) {
        const altered = `${token.slice(0, index)}${other}${token.slice(index + 1)}`;
        const { valid } = await verifyTicket(altered, keys);
        expect([index, valid]).toEqual([index, (await server.verify(altered)) !== undefined]);
      }
    }
  });
});

describe("tickets.keys", () => {
  test("gives the keys that verify the server's tickets", async () => {
    const found = await connect(app).tickets.keys();
    expect(found).toEqual(await app.deps.tickets.keys());
    expect(await verifyTicket(await app.deps.tickets.sign(ticket), found)).toEqual({ valid: true, ticket });
  });

  test("leaves the procedures where they are", async () => {
    const client = connect(app);
    expect(await client.auth.securityQuestions.query()).toHaveLength(10);
    expect((await errorOf(client.booking.ticketQr.query({ bookingId: 1 }))) as Error).toHaveProperty(
      "data.domain.code",
      "MISSING_TOKEN",
    );
  });

  test("rejects like a procedure when SkyFox refuses", async () => {
    const stranger = createSkyfoxClient({
      url: "http://skyfox.test/",
      apiKey: "another key",
      fetch: async (url, init) => app.app.request(url, init),
    });
    const error = await errorOf(stranger.tickets.keys());
    expect(isSkyfoxError(error)).toBe(true);
    // The transport's code, as of any other call.
    expect(error).toMatchObject({ data: { code: "FORBIDDEN", httpStatus: 403, path: "tickets.keys" } });
    expect(domainErrorOf(error)).toMatchObject({
      code: "INVALID_API_KEY",
      message: "A valid API key is needed.",
    });
    expect(domainErrorOf(error)?.requestId).toMatch(/./);
  });

  test.each<[string, Response | Error, object]>([
    ["a proxy", new Response("<h1>Bad gateway</h1>", { status: 502 }), {}],
    ["another server", Response.json({ keys: "none" }), {}],
    ["another server, without JSON,", new Response("<h1>Welcome</h1>"), {}],
  ])("is not SkyFox's when %s answers", async (_, answer) => {
    const error = await errorOf(answering(async () => answer as Response).tickets.keys());
    expect(error).toMatchObject({
      name: "TRPCClientError",
      message: expect.stringContaining("skyfox.test answered") as string,
    });
    expect(isSkyfoxError(error)).toBe(false);
  });

  test("rejects as a procedure does when no answer comes, and when asked to stop", async () => {
    const offline = answering(async () => {
      throw new TypeError("fetch failed");
    });
    const heedful = answering(async (_, { signal }) => {
      signal?.throwIfAborted();
      return Response.json(keys);
    });
    const stop = { signal: AbortSignal.abort() };
    for (const [client, options, name] of [
      [offline, {}, "TypeError"],
      [heedful, stop, "AbortError"],
    ] as const) {
      const error = await errorOf(client.tickets.keys(options));
      const same = await errorOf(client.auth.securityQuestions.query(undefined, options));
      expect(error).toMatchObject({ name: "TRPCClientError", cause: { name } });
      expect(same).toMatchObject({ name: "TRPCClientError", cause: { name } });
      expect(isSkyfoxError(error)).toBe(false);
    }
  });
});

function answering(fetch: Fetch) {
  return createSkyfoxClient({ url: "http://skyfox.test", apiKey: testApiKey, fetch, retries: 0 });
}
