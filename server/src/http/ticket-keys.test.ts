import { describe, expect, test } from "vitest";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp, testTicketKeys } from "../../test/test-app.ts";

const app = await createTestApp();

async function ask(init: RequestInit) {
  return await app.app.request("/tickets/keys", init);
}

describe("the keys of tickets", () => {
  test("are given to every caller with the API key, signed in or not", async () => {
    const response = await ask({ headers: headersFor() });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    const { x } = testTicketKeys.signing.export({ format: "jwk" });
    const { kid } = (await app.deps.tickets.keys()).keys[0]!;
    expect(await response.json()).toEqual({
      keys: [{ kty: "OKP", crv: "Ed25519", x, kid, alg: "EdDSA", use: "sig" }],
    });
    expect((await ask({ headers: headersFor({ token: "of nobody" }) })).status).toBe(200);
  });

  test("are refused without it, as everything is", async () => {
    for (const apiKey of [null, "another key"]) {
      const response = await ask({ headers: headersFor({ apiKey }) });
      expect(response.status).toBe(403);
      expect(await response.json()).toEqual({
        status: "ERROR",
        code: "INVALID_API_KEY",
        message: "A valid API key is needed.",
        request_id: response.headers.get("x-request-id"),
      });
      expect(response.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("never have their private part", async () => {
    const { d = "" } = testTicketKeys.signing.export({ format: "jwk" });
    const text = await (await ask({ headers: headersFor() })).text();
    expect(text).not.toContain(d);
    expect(text).not.toContain('"d"');
  });

  test("may be cached for five minutes by the caller, and by no proxy in between", async () => {
    const response = await ask({ headers: headersFor() });
    expect(response.headers.get("cache-control")).toBe("private, max-age=300");
  });

  test("are only to be read", async () => {
    for (const method of ["POST", "PUT", "DELETE"])
      expect((await ask({ method, headers: headersFor() })).status).toBe(404);
  });
});
