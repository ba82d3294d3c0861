import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { startLoopbackServer } from "../sandbox/loopback-server.ts";
import { openCaller } from "./caller.ts";

type Answering = (
  request: IncomingMessage,
  body: string,
) => { status: number; headers?: object; body: string };

// A caller of a server that answers so.
async function givenCaller(answer: Answering) {
  const server = await startLoopbackServer(async (request, response) => {
    const { status, headers, body } = answer(request, await text(request));
    response.writeHead(status, { ...headers }).end(body);
  }, 0);
  const caller = openCaller(server.url, 2);
  onTestFinished(async () => {
    caller.close();
    await server.stop();
  });
  return caller;
}

const person = { username: "anna", token: "a.b.c", address: "10.0.0.1" };

test("a query travels in the address, a mutation in the body, both with who asks", async () => {
  const caller = await givenCaller(({ method, url, headers }, body) => {
    const { authorization, "x-forwarded-for": address } = headers;
    return { status: 200, body: JSON.stringify([method, url, authorization, address, body]) };
  });
  const query = await caller.ask("/trpc/a", person, { query: { id: 1 } });
  expect(JSON.parse(query)).toEqual([
    "GET",
    `/trpc/a?input=${encodeURIComponent('{"json":{"id":1}}')}`,
    "Bearer a.b.c",
    "10.0.0.1",
    "",
  ]);
  const mutation = await caller.ask("/trpc/b", person, { mutation: { name: "é" } });
  expect(JSON.parse(mutation)).toEqual([
    "POST",
    "/trpc/b",
    "Bearer a.b.c",
    "10.0.0.1",
    '{"json":{"name":"é"}}',
  ]);
});

test("what an overloaded server puts off is called again and counted", async () => {
  let calls = 0;
  const caller = await givenCaller(() => {
    calls += 1;
    return calls < 3
      ? { status: 503, headers: { "retry-after": "0" }, body: "" }
      : { status: 200, body: "late" };
  });
  expect(await caller.ask("/trpc/a")).toBe("late");
  expect(caller.putOff()).toBe(2);
});

test("a refusal is an error of `ask`, and an answer of `send`", async () => {
  const caller = await givenCaller(() => ({ status: 409, body: "taken" }));
  await expect(caller.ask("/trpc/a")).rejects.toThrow("/trpc/a was answered 409: taken");
  expect(await caller.send("/trpc/a")).toEqual({ status: 409, body: "taken" });
  expect(caller.putOff()).toBe(0);
});
