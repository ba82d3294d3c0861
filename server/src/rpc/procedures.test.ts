import type { AnyTRPCProcedure } from "@trpc/server";
import { beforeAll, describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, goodCard, testAnswer, testPassword, tokenOf } from "../../test/given.ts";
import { givenPhoto, uploadOf } from "../../test/pictures.ts";
import { headersFor, mutate, query, send } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { appRouter } from "../app-router.ts";
import { procedureCodes, type ProcedurePath } from "../contract/index.ts";

const app = await createTestApp();
const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);
const paths = procedures.map(([path]) => path);

const newcomer = {
  name: "Anna Lee",
  username: "newcomer-1",
  password: testPassword,
  phoneNumber: "8000000001",
  email: "newcomer-1@example.com",
  securityQuestionId: 1,
  securityAnswer: testAnswer,
};

const tokens: Record<string, string> = {};
beforeAll(async () => {
  tokens["customer"] = await tokenOf(app.deps, await givenCustomer(app.deps));
  for (const role of ["staff", "admin"] as const)
    tokens[role] = await tokenOf(app.deps, await givenStaff(app.deps, role));
});

function call(path: string, input: unknown, token?: string) {
  const isMutation = procedures.find(([one]) => one === path)?.[1]._def.type === "mutation";
  return isMutation ? mutate(app, path, input, { token }) : query(app, path, input, { token });
}

/** Calls as the first role that may call this procedure. */
async function callAllowed(path: string, input: unknown) {
  for (const token of Object.values(tokens)) {
    const answer = await call(path, input, token);
    if (answer.status !== 403) return answer;
  }
  throw new Error(`No role may call ${path}.`);
}

test("every procedure lists the codes that it can answer, and no other is listed", () => {
  expect(Object.keys(procedureCodes).toSorted()).toEqual(paths.toSorted());
});

test("every procedure declares its input and its output", () => {
  for (const [path, { _def }] of procedures) {
    const { inputs, output } = _def as unknown as { inputs: unknown[]; output: unknown };
    expect([path, inputs.length, output !== undefined]).toEqual([path, 1, true]);
  }
});

describe("no field can be set that is not meant to be", () => {
  // What these names mean where a procedure does take them.
  const meant: Record<string, string[]> = {
    "booking.list": ["status"],
    "wallet.addFunds": ["amount"],
    "admin.createStaff": ["role"],
    "admin.updateStaff": ["role"],
  };

  // What decides which fields there are at all.
  const kind: Record<string, object> = { "booking.pay": { method: "Card" } };

  test.each(paths)("by a caller of %s", async (path) => {
    const names = ["role", "price", "amount", "status", "username2", "balance", "deps", "ctx", "id"];
    const extra = names.filter((name) => !meant[path]?.includes(name));
    // One by one, because an answer lists ten problems at most.
    for (const name of extra) {
      const { status, error } = await callAllowed(path, { ...kind[path], [name]: "admin" });
      expect(status).toBe(400);
      expect(error?.data.domain).toEqual({ code: "VALIDATION_ERROR", details: null });
      expect(error?.data.fields).toContainEqual({ field: name, message: "There is no such field." });
    }
  });

  test("nor inside a field that has parts", async () => {
    const card = { ...goodCard, amount: "1.00", currency: "XXX" };
    const { error } = await callAllowed("booking.pay", { bookingId: 1, method: "Card", card });
    expect(error?.data.fields).toEqual([
      { field: "card.amount", message: "There is no such field." },
      { field: "card.currency", message: "There is no such field." },
    ]);
  });
});

describe("hostile input is refused by every procedure at once, and never our fault", () => {
  const hostile: [string, string][] = [
    ["a list", '{"json":[]}'],
    ["text", '{"json":"x"}'],
    ["a number", '{"json":1e400}'],
    ["null", '{"json":null}'],
    ["__proto__", '{"json":{"__proto__":{"role":"admin"}}}'],
    ["an instant", '{"json":"2026-03-10","meta":{"values":["Date"]}}'],
    ["an amount", '{"json":"1.00","meta":{"values":[["custom","Decimal"]]}}'],
    ["a typed array", '{"json":{"length":200000000},"meta":{"values":[["typed-array","Uint8Array"]]}}'],
    ["references", '{"json":{},"meta":{"referentialEqualities":{"a":["b"]}}}'],
    ["5,000 levels", `{"json":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`],
    ["NUL", '{"json":{"username":"\\u0000"}}'],
    ["a lone surrogate", '{"json":{"username":"\\ud800"}}'],
    ["a long list", `{"json":{"seatNumbers":[${Array.from({ length: 10_000 }, () => '"A1"').join(",")}]}}`],
    [
      "long texts",
      JSON.stringify({
        json: Object.fromEntries(
          ["name", "username", "email", "cursor"].map((name) => [name, "a".repeat(15_000)]),
        ),
      }),
    ],
  ];

  test.each(paths)("%s", async (path) => {
    const isMutation = procedures.find(([one]) => one === path)?.[1]._def.type === "mutation";
    for (const [what, body] of hostile) {
      for (const token of Object.values(tokens)) {
        const startedAt = performance.now();
        const headers = { ...headersFor({ token }), "content-type": "application/json" };
        const { status } = isMutation
          ? await send(app, `/trpc/${path}`, { method: "POST", headers, body })
          : await send(app, `/trpc/${path}?input=${encodeURIComponent(body)}`, { headers });
        expect([what, [400, 403].includes(status)]).toEqual([what, true]);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
      }
    }
  });
});

describe("who may call", () => {
  test.each(paths)("%s is decided before its input is read", async (path) => {
    const open = [
      "auth.signup",
      "auth.login",
      "auth.securityQuestions",
      "auth.securityQuestion",
      "auth.verifySecurityAnswer",
      "auth.resetPassword",
      "show.cinema",
      "show.list",
      "show.byId",
      "show.seatMap",
      "show.watchSeatMap",
      "show.bestAvailable",
    ];
    const isMutation = procedures.find(([one]) => one === path)?.[1]._def.type === "mutation";
    const headers = { ...headersFor(), "content-type": "application/json" };
    const body = "{not json";
    const { status, error } = isMutation
      ? await send(app, `/trpc/${path}`, { method: "POST", headers, body })
      : await send(app, `/trpc/${path}?input=${encodeURIComponent(body)}`, { headers });
    expect([status, error?.data.domain?.code]).toEqual(
      open.includes(path) ? [400, "VALIDATION_ERROR"] : [401, "MISSING_TOKEN"],
    );
  });

  test("a role that may not call learns which may, whatever the input", async () => {
    for (const role of ["staff", "admin"]) {
      for (const input of [{ bookingId: 1 }, { bookingId: "x" }, undefined]) {
        const { status, error } = await call("booking.cancel", input, tokens[role]);
        expect(status).toBe(403);
        expect(error?.data).toMatchObject({
          domain: { code: "FORBIDDEN", details: { requiredRoles: ["customer"] } },
          fields: null,
        });
      }
    }
  });
});

describe("when the hash queue is full", () => {
  // By its own path a call is refused before it gets to its procedure; by the other one its procedure refuses it.
  test.each(["", "/"])(
    "those that hash, with '%s' at the end, are refused before session, input and database; the others are not",
    async (end) => {
      const hashing = [
        "admin.createStaff",
        "admin.updateStaff",
        "auth.changePassword",
        "auth.login",
        "auth.resetPassword",
        "auth.signup",
        "auth.updateProfile",
        "auth.updateProfileImage",
        "auth.verifySecurityAnswer",
      ];
      const full = await createTestApp({
        beside: app,
        hashGate: { atOnce: 1, waiting: 0 },
        databaseUrl: () => "postgres://nobody@127.0.0.1:1/nowhere",
      });
      const ending = Promise.withResolvers<void>();
      const working = full.deps.hashQueue.run(() => ending.promise);
      const refused: string[] = [];
      for (const [path, { _def }] of procedures) {
        const headers = { ...headersFor(), "content-type": "application/json" };
        const { status, error, ...answer } =
          _def.type === "mutation"
            ? await send(full, `/trpc/${path}${end}`, { method: "POST", headers, body: "{not json" })
            : await query(full, `${path}${end}`, { no: "field" });
        if (error?.data.domain?.code !== "RATE_LIMITED") continue;
        refused.push(path);
        expect([status, answer.headers.get("retry-after")]).toEqual([429, "2"]);
        expect(error.data.domain.details).toEqual({ retryAfterSeconds: 2 });
        expect(procedureCodes[path as ProcedurePath]).toContain("RATE_LIMITED");
      }
      expect(refused.toSorted()).toEqual(hashing);
      ending.resolve();
      await working;
    },
  );

  test("who sends a call slowly has no place in it yet", async () => {
    const narrow = await createTestApp({ beside: app, hashGate: { atOnce: 1, waiting: 0 } });
    const { username } = await givenCustomer(app.deps);
    const body = JSON.stringify({ json: { username, password: testPassword } });
    const sending = new TransformStream<Uint8Array, Uint8Array>();
    const writer = sending.writable.getWriter();
    const isRead = writer.write(new TextEncoder().encode(body.slice(0, 10)));
    const slow = send(narrow, "/trpc/auth.login", {
      method: "POST",
      headers: {
        ...headersFor(),
        "content-type": "application/json",
        "content-length": String(body.length),
      },
      body: sending.readable,
      duplex: "half",
    });
    await isRead;
    expect(await mutate(narrow, "auth.login", { username, password: testPassword })).toMatchObject({
      status: 200,
    });
    await Promise.all([writer.write(new TextEncoder().encode(body.slice(10))), writer.close()]);
    expect(await slow).toMatchObject({ status: 200, data: { user: { username } } });
  });
});

test.each(["auth.signup", "auth.updateProfileImage"])(
  "a picture of %s that is stored slowly keeps no caller out of the hash queue",
  async (path) => {
    const narrow = await createTestApp({ beside: app, hashGate: { atOnce: 1, waiting: 0 } });
    const { deps } = narrow;
    const customer = await givenCustomer(deps);
    const [storing, ending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { put } = deps.images;
    deps.images.put = async (key, picture) => {
      storing.resolve();
      await ending.promise;
      await put(key, picture);
    };
    const picture = uploadOf(await givenPhoto("png"));
    const uploading =
      path === "auth.signup"
        ? mutate(narrow, path, { ...newcomer, profileImage: picture })
        : mutate(
            narrow,
            path,
            { securityAnswer: testAnswer, image: picture },
            { token: await tokenOf(deps, customer) },
          );
    await storing.promise;
    const { username } = customer;
    expect(await mutate(narrow, "auth.login", { username, password: testPassword })).toMatchObject({
      status: 200,
    });
    ending.resolve();
    expect(await uploading).toMatchObject({ status: 200 });
  },
);

test("what goes out is what SuperJSON reads, and no more than the contract says", async () => {
  const { text, data } = await call("auth.me", undefined, tokens["admin"]);
  expect(Object.keys(data as object).toSorted()).toEqual([
    "counterNo",
    "createdAt",
    "name",
    "role",
    "username",
  ]);
  const envelope = JSON.parse(text) as { result: { data: { meta: unknown } } };
  expect(envelope.result.data.meta).toEqual({ values: { createdAt: ["Date"] }, v: 1 });
});
