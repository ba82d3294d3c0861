import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { errorOf } from "../test/connect.ts";
import { createSkyfoxClient, transformer, type DeviceTokens, type SkyfoxClientOptions } from "./index.ts";

const credentials = { username: " Anna.Lee ", password: "Correct-Horse-9" };
const deviceToken = "a-device_s.token";

const ofNode = Object.getOwnPropertyDescriptor(globalThis, "localStorage");

afterEach(() => {
  Reflect.deleteProperty(globalThis, "document");
  Reflect.deleteProperty(globalThis, "localStorage");
  if (ofNode !== undefined) Object.defineProperty(globalThis, "localStorage", ofNode);
});

describe("a login", () => {
  test("sends the token that is kept for its username, trimmed and folded, and keeps the one that is answered", async () => {
    const kept = new Map([["anna.lee", "from-before.1"]]);
    const { client, inputs } = answering({ deviceTokens: keptIn(kept) });
    const answer = await client.auth.login.mutate(credentials);
    expect(inputs).toEqual([{ ...credentials, deviceToken: "from-before.1" }]);
    expect([...kept]).toEqual([["anna.lee", deviceToken]]);
    expect(answer.deviceToken).toBe(deviceToken);
  });

  test("sends the caller's token where there is one, and none where none is kept", async () => {
    const kept = new Map([["anna.lee", "from-before.1"]]);
    const { client, inputs } = answering({ deviceTokens: keptIn(kept) });
    await client.auth.login.mutate({ ...credentials, deviceToken: "mine.1" });
    await client.auth.login.mutate({ ...credentials, username: "other" });
    expect(inputs).toEqual([
      { ...credentials, deviceToken: "mine.1" },
      { ...credentials, username: "other" },
    ]);
    expect([...kept.keys()]).toEqual(["anna.lee", "other"]);
  });

  test("is answered once the token is kept", async () => {
    const order: string[] = [];
    const [begun, keeping] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const deviceTokens: DeviceTokens = {
      get: () => Promise.resolve(null),
      async set() {
        begun.resolve();
        await keeping.promise;
        order.push("kept");
      },
    };
    const { client } = answering({ deviceTokens });
    const login = client.auth.login.mutate(credentials).then(() => order.push("answered"));
    await begun.promise;
    await setImmediate();
    keeping.resolve();
    await login;
    expect(order).toEqual(["kept", "answered"]);
  });

  test.for<[string, Partial<DeviceTokens>]>([
    ["throws when it is asked", { get: refuse }],
    ["throws when it is given something", { set: refuse }],
    ["rejects", { get: () => Promise.reject(new Error("No.")), set: () => Promise.reject(new Error("No.")) }],
    ["gives what is no token", { get: () => "\0 no token" }],
    ["gives what is too long", { get: () => "x".repeat(501) }],
    ["gives nothing", { get: () => undefined as unknown as null }],
  ])("succeeds where the place of the tokens %s", async ([, broken]) => {
    const { client, inputs } = answering({ deviceTokens: { ...keptIn(new Map()), ...broken } });
    expect((await client.auth.login.mutate(credentials)).deviceToken).toBe(deviceToken);
    expect(inputs).toEqual([credentials]);
  });

  test("that is refused keeps nothing, and its error is the caller's", async () => {
    const kept = new Map([["anna.lee", "from-before.1"]]);
    const fetch = () => Promise.reject(new TypeError("fetch failed"));
    const client = createSkyfoxClient({
      url: "http://cinema.test",
      apiKey: "key",
      fetch,
      deviceTokens: keptIn(kept),
    });
    expect(await errorOf(client.auth.login.mutate(credentials))).toMatchObject({
      cause: { message: "fetch failed" },
    });
    expect([...kept]).toEqual([["anna.lee", "from-before.1"]]);
  });

  test("that is given up while its token is looked for is not sent", async () => {
    const giveUp = new AbortController();
    const looking = Promise.withResolvers<null>();
    const { client, inputs } = answering({
      deviceTokens: { ...keptIn(new Map()), get: () => looking.promise },
    });
    const login = errorOf(client.auth.login.mutate(credentials, { signal: giveUp.signal }));
    giveUp.abort();
    looking.resolve(null);
    await login;
    expect(inputs).toEqual([]);
  });
});

test("no other call asks for a token or keeps one", async () => {
  const asked: string[] = [];
  const deviceTokens = { get: () => (asked.push("get"), null), set: () => void asked.push("set") };
  const { client, inputs } = answering({ deviceTokens });
  await client.admin.unlockAccount.mutate({ username: "anna.lee" });
  expect(inputs).toEqual([{ username: "anna.lee" }]);
  expect(asked).toEqual([]);
});

describe("by default the tokens are kept", () => {
  test("in the browser's storage, under the username", async () => {
    const items = new Map<string, string>();
    const storage = { getItem: (key: string) => items.get(key) ?? null, setItem: items.set.bind(items) };
    // Browsers have it behind a getter.
    Object.defineProperty(globalThis, "localStorage", { configurable: true, get: () => storage });
    Object.defineProperty(globalThis, "document", { configurable: true, value: {} });
    await answering().client.auth.login.mutate(credentials);
    expect([...items]).toEqual([["skyfox-device:anna.lee", deviceToken]]);
    const { client, inputs } = answering();
    await client.auth.login.mutate(credentials);
    expect(inputs).toEqual([{ ...credentials, deviceToken }]);
  });

  const full = { getItem: () => null, setItem: refuse };

  test.each([
    ["forbidden", refuse],
    ["full", () => full],
  ])("in the client's memory where the browser's storage is %s", async (_, get) => {
    Object.defineProperty(globalThis, "localStorage", { configurable: true, get });
    Object.defineProperty(globalThis, "document", { configurable: true, value: {} });
    const { client, inputs } = answering();
    expect((await client.auth.login.mutate(credentials)).deviceToken).toBe(deviceToken);
    await client.auth.login.mutate(credentials);
    expect(inputs).toEqual([credentials, { ...credentials, deviceToken }]);
  });

  test("in the client's memory where there is no page, without a look at Node's storage, which warns", async () => {
    let looks = 0;
    Object.defineProperty(globalThis, "localStorage", { configurable: true, get: () => void (looks += 1) });
    const { client, inputs } = answering();
    await client.auth.login.mutate(credentials);
    await client.auth.login.mutate({ ...credentials, username: "ANNA.LEE" });
    expect(inputs).toEqual([credentials, { ...credentials, username: "ANNA.LEE", deviceToken }]);
    const another = answering();
    await another.client.auth.login.mutate(credentials);
    expect(another.inputs).toEqual([credentials]);
    expect(looks).toBe(0);
  });
});

/** A client whose server knows every device, and what it was asked. */
function answering(options: Partial<SkyfoxClientOptions> = {}) {
  const inputs: unknown[] = [];
  const client = createSkyfoxClient({
    url: "http://cinema.test",
    apiKey: "key",
    fetch(_url, { body }) {
      const serialized = JSON.parse(body as string) as Parameters<typeof transformer.deserialize>[0];
      inputs.push(transformer.deserialize(serialized));
      return Promise.resolve(Response.json({ result: { data: transformer.serialize({ deviceToken }) } }));
    },
    ...options,
  });
  return { client, inputs };
}

function keptIn(tokens: Map<string, string>): DeviceTokens {
  return {
    get: (username) => tokens.get(username) ?? null,
    set: (username, token) => void tokens.set(username, token),
  };
}

function refuse(): never {
  throw new DOMException("The user has forbidden it.", "SecurityError");
}
