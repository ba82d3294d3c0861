import { createHmac, generateKeyPairSync } from "node:crypto";
import { CompactSign, SignJWT, UnsecuredJWT, calculateJwkThumbprint, exportJWK } from "jose";
import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/manual-clock.ts";
import { testStart } from "../../test/test-app.ts";
import { createSessionTokens } from "../auth/session-tokens.ts";
import { ticketTokenType } from "../contract/index.ts";
import { createTicketTokens } from "./ticket-tokens.ts";

const { privateKey: signing, publicKey } = generateKeyPairSync("ed25519");
const { privateKey: foreignKey } = generateKeyPairSync("ed25519");
const tickets = createTicketTokens({ signing, retired: [] });
const ticket = { bookingId: 12_345, showId: 678, seatNumbers: ["A1", "A2"] };
const token = await tickets.sign(ticket);
const [header = "", payload = "", signature = ""] = token.split(".");
const { kid } = (await tickets.keys()).keys[0]!;
const goodHeader = { alg: "EdDSA", kid, typ: ticketTokenType };

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

async function signAs(key: typeof signing, head: object, body: unknown = ticket): Promise<string> {
  const protectedHeader = { ...goodHeader, ...head };
  return new CompactSign(Buffer.from(JSON.stringify(body))).setProtectedHeader(protectedHeader).sign(key);
}

describe("the token of a ticket", () => {
  test("is a compact JWS by EdDSA with the key's thumbprint and a type of its own", async () => {
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}$/);
    const { x, kty, crv } = await exportJWK(publicKey);
    const thumbprint = await calculateJwkThumbprint({ x: x!, kty: kty!, crv: crv! });
    expect(decode(header)).toEqual({ alg: "EdDSA", kid: thumbprint, typ: "skyfox-ticket+jwt" });
  });

  test("carries the booking, the show and the seats, and nothing about a person", () => {
    expect(decode(payload)).toEqual(ticket);
  });

  test("carries no more than that, whatever else the ticket that is signed has", async () => {
    expect(await tickets.sign({ ...ticket, customerName: "Anna Lee" } as typeof ticket)).toBe(token);
  });

  test("gives the ticket back", async () => {
    expect(await tickets.verify(token)).toEqual(ticket);
  });

  test("is the same each time, and on each server with the key", async () => {
    expect(await tickets.sign(ticket)).toBe(token);
    expect(await createTicketTokens({ signing, retired: [] }).sign(ticket)).toBe(token);
  });

  test("is short enough for a QR code that is easily read, with ten seats too", async () => {
    expect(token.length).toBeLessThan(310);
    const seatNumbers = Array.from({ length: 10 }, (_, index) => `AA${index + 10}`);
    const long = await tickets.sign({ bookingId: 2_147_483_647, showId: 2_147_483_647, seatNumbers });
    expect(long.length).toBeLessThan(450);
    expect(await tickets.verify(long)).toMatchObject({ seatNumbers });
  });
});

describe("is no ticket", () => {
  test("a token by another key, whatever key it names", async () => {
    const foreign = createTicketTokens({ signing: foreignKey, retired: [] });
    expect(await tickets.verify(await foreign.sign(ticket))).toBeUndefined();
    expect(await tickets.verify(await signAs(foreignKey, {}))).toBeUndefined();
  });

  test("a token with the key that it is to be verified with inside", async () => {
    const jwk = await exportJWK(generateKeyPairSync("ed25519").publicKey);
    expect(await tickets.verify(await signAs(foreignKey, { jwk }))).toBeUndefined();
  });

  test.each([undefined, "none", "", "toString"])("a token of ours that names the key %j", async (name) => {
    const head = { ...goodHeader, kid: name };
    const sent = await new CompactSign(Buffer.from(JSON.stringify(ticket)))
      .setProtectedHeader(head as typeof goodHeader)
      .sign(signing);
    expect(await tickets.verify(sent)).toBeUndefined();
  });

  test.each([undefined, "JWT", "jwt", "skyfox-ticket", `${ticketTokenType}x`])(
    "a token by our key of the type %j",
    async (typ) => {
      const sent = await new CompactSign(Buffer.from(JSON.stringify(ticket)))
        .setProtectedHeader({ alg: "EdDSA", kid, ...(typ !== undefined && { typ }) })
        .sign(signing);
      expect(await tickets.verify(sent)).toBeUndefined();
    },
  );

  test("a token without a signature, with alg none", async () => {
    const unsecured = new UnsecuredJWT(ticket).encode();
    expect(await tickets.verify(unsecured)).toBeUndefined();
    expect(await tickets.verify(`${encode({ ...goodHeader, alg: "none" })}.${payload}.`)).toBeUndefined();
    expect(
      await tickets.verify(`${encode({ ...goodHeader, alg: "none" })}.${payload}.${signature}`),
    ).toBeUndefined();
    expect(await tickets.verify(`${header}.${payload}.`)).toBeUndefined();
  });

  test("a token by HS256 with our public key as its secret", async () => {
    const { x = "" } = await exportJWK(publicKey);
    const secrets = [
      publicKey.export({ format: "pem", type: "spki" }),
      publicKey.export({ format: "der", type: "spki" }),
      Buffer.from(x, "base64url"),
      x,
      JSON.stringify(publicKey.export({ format: "jwk" })),
    ];
    for (const secret of secrets) {
      const signed = `${encode({ ...goodHeader, alg: "HS256" })}.${payload}`;
      const mac = createHmac("sha256", secret).update(signed).digest("base64url");
      expect(await tickets.verify(`${signed}.${mac}`)).toBeUndefined();
    }
  });

  test("the token of a session", async () => {
    const sessions = createSessionTokens({
      secrets: [{ kid: "default", secret: "s".repeat(32) }],
      clock: createManualClock(testStart),
    });
    const session = await sessions.sign({
      sessionId: crypto.randomUUID(),
      username: "anna.lee",
      role: "admin",
      issuedAt: testStart,
      expiresAt: new Date(testStart.getTime() + 60_000),
    });
    expect(await tickets.verify(session)).toBeUndefined();
    const byOurKey = new SignJWT({ ...ticket }).setProtectedHeader({ alg: "EdDSA", kid, typ: "JWT" });
    expect(await tickets.verify(await byOurKey.sign(signing))).toBeUndefined();
  });

  test("a token of which any part is cut off", async () => {
    for (let length = 0; length < token.length; length += 1)
      expect(await tickets.verify(token.slice(0, length))).toBeUndefined();
  });

  test("a token of which any character is another one", async () => {
    for (let index = 0; index < token.length; index += 1) {
      for (const other of ["A", "B", "."].filter((character) => character !== token[index])) {
        const altered = `${token.slice(0, index)}${other}${token.slice(index + 1)}`;
        expect([index, await tickets.verify(altered)]).toEqual([index, undefined]);
      }
    }
  });

  test("a token that is written in another way, though its bytes are the same", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(signature.at(-1)!);
    const twin = `${token.slice(0, -1)}${alphabet[last ^ 1]}`;
    expect(Buffer.from(twin.split(".")[2]!, "base64url")).toEqual(Buffer.from(signature, "base64url"));
    expect(await tickets.verify(twin)).toBeUndefined();
    for (const other of [`${token}=`, `${token}==`, ` ${token}`, `${token}\n`, token.replaceAll(".", "..")])
      expect(await tickets.verify(other)).toBeUndefined();
  });

  test("a token for another booking, show or seat with the signature of this one", async () => {
    for (const change of [{ bookingId: 12_346 }, { showId: 679 }, { seatNumbers: ["A1", "A2", "A3"] }]) {
      const altered = `${header}.${encode({ ...ticket, ...change })}.${signature}`;
      expect(await tickets.verify(altered)).toBeUndefined();
    }
  });

  test.each([
    ["no object", "ticket"],
    ["no booking", { showId: 1, seatNumbers: ["A1"] }],
    ["a booking in words", { ...ticket, bookingId: "1" }],
    ["no seats", { ...ticket, seatNumbers: [] }],
    ["something more", { ...ticket, admin: true }],
  ])("what our key signed with %s", async (_, body) => {
    expect(await tickets.verify(await signAs(signing, {}, body))).toBeUndefined();
  });

  test.each(["", ".", "..", "a.b.c", "null", "{}", "x".repeat(100_000), "\0", "🎟️.🎟️.🎟️"])(
    "what is no token at all: %.20j",
    async (text) => {
      expect(await tickets.verify(text)).toBeUndefined();
    },
  );
});

describe("when the key is changed", () => {
  const { privateKey: newKey } = generateKeyPairSync("ed25519");
  const after = createTicketTokens({ signing: newKey, retired: [publicKey] });

  test("the new key signs, and tickets of the old one stay good", async () => {
    const later = await after.sign(ticket);
    expect(later).not.toBe(token);
    expect(await after.verify(later)).toEqual(ticket);
    expect(await after.verify(token)).toEqual(ticket);
  });

  test("both are published, the one that signs first, and each once", async () => {
    const { keys } = await after.keys();
    expect(keys.map((key) => key.kid)).toEqual([
      (await createTicketTokens({ signing: newKey, retired: [] }).keys()).keys[0]?.kid,
      kid,
    ]);
    const twice = createTicketTokens({ signing, retired: [publicKey, publicKey] });
    expect(await twice.keys()).toEqual(await tickets.keys());
  });

  test("a server without the old key refuses its tickets", async () => {
    expect(await createTicketTokens({ signing: newKey, retired: [] }).verify(token)).toBeUndefined();
  });
});

test("what is published is public: no key has its private part", async () => {
  const { keys } = await createTicketTokens({ signing, retired: [signing] }).keys();
  for (const key of keys)
    expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
  const { d = "" } = signing.export({ format: "jwk" });
  expect(JSON.stringify(keys)).not.toContain(d);
});
