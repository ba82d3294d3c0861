import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import type { ConnectionLimits } from "./connections.ts";
import { openPort } from "./listen.ts";

const unlimited: ConnectionLimits = { atOnce: 1_000, atOncePerAddress: undefined };
const request = (path = "/x") => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

/** A port that answers each request when the test says so, or at once. */
async function givenPort({
  limits = unlimited,
  answer = () => new Response("ok"),
}: { limits?: ConnectionLimits; answer?: () => Response | Promise<Response> } = {}) {
  const logger = createMemoryLogger();
  const counts = { begun: 0, atOnce: 0, most: 0 };
  const fetch = async () => {
    counts.begun += 1;
    counts.atOnce += 1;
    counts.most = Math.max(counts.most, counts.atOnce);
    try {
      return await answer();
    } finally {
      counts.atOnce -= 1;
    }
  };
  const options = { port: 0, hostname: "127.0.0.1", keepAliveSeconds: 75, connections: limits };
  const { server, port, stopListening } = await openPort({ fetch }, options, logger);
  const sockets: Socket[] = [];
  server.on("connection", (socket) => void sockets.push(socket));
  onTestFinished(async () => {
    server.closeAllConnections();
    await stopListening();
  });
  return { port, counts, sockets };
}

async function givenSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** What comes until so many answers have come, or the server ends the connection. */
async function readAnswers(socket: Socket, count: number): Promise<string[]> {
  let text = "";
  const answers = () => text.split(/(?=HTTP\/1\.1 )/).filter((part) => part !== "");
  for await (const chunk of socket) {
    text += String(chunk);
    if (answers().length >= count) break;
  }
  return answers();
}

describe("requests that are sent ahead", () => {
  test("are all answered, in their order, four at work at most", async () => {
    let number = 0;
    const { port, counts } = await givenPort({
      answer: async () => {
        const own = (number += 1);
        for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
        return new Response(`answer ${own}.`);
      },
    });
    const socket = await givenSocket(port);
    socket.write(request().repeat(500));
    const answers = await readAnswers(socket, 500);
    expect(answers.map((answer) => /answer \d+/.exec(answer)?.[0])).toEqual(
      Array.from({ length: 500 }, (_, index) => `answer ${index + 1}`),
    );
    expect(counts.most).toBe(4);
  });

  test("are begun no earlier for having bodies", async () => {
    const { port, counts } = await givenPort({ answer: () => Promise.withResolvers<Response>().promise });
    const socket = await givenSocket(port);
    socket.write("POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx".repeat(2_000));
    await expect.poll(() => counts.begun).toBeGreaterThan(3);
    for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(counts.begun).toBeLessThan(10);
  });

  test("are a thousand on a connection, which then ends; the caller connects again", async () => {
    const { port, counts } = await givenPort();
    const socket = await givenSocket(port);
    socket.write(request().repeat(1_500));
    const answers = await readAnswers(socket, 1_500);
    expect(answers).toHaveLength(1_000);
    expect(answers.slice(0, -1).join("")).not.toMatch(/connection: close/i);
    expect(answers.at(-1)).toMatch(/connection: close/i);
    expect(counts.begun).toBe(1_000);
  });

  test("beyond the thousandth are dropped slowly, so that a flood of them costs no memory", async () => {
    const { port, sockets } = await givenPort();
    const flood = await givenSocket(port);
    flood.write(request().repeat(3_000_000));
    flood.resume();
    await once(flood, "end");
    const other = await givenSocket(port);
    for (let calls = 0; calls < 300; calls += 1) {
      other.write(request());
      await once(other, "data");
    }
    expect(sockets[0]?.bytesRead).toBeLessThan(5_000_000);
  });

  test("may end with a body: the last one is read", async () => {
    const { port } = await givenPort();
    const socket = await givenSocket(port);
    const last = "POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello";
    socket.write(request().repeat(999) + last);
    expect(await readAnswers(socket, 1_000)).toHaveLength(1_000);
  });

  test("of a caller who takes the answers are not read ahead either", async () => {
    const later = Promise.withResolvers<Response>();
    const { port, counts, sockets } = await givenPort({
      answer: () => (counts.begun < 500 ? new Response("ok") : later.promise),
    });
    const socket = await givenSocket(port);
    socket.resume();
    socket.write(request().repeat(200_000));
    await expect.poll(() => counts.begun).toBe(503);
    expect(sockets[0]?.bytesRead).toBeLessThan(500_000);
    later.resolve(new Response("ok"));
  });

  test("keep the connections of others waiting for no more than a few of them", async () => {
    const { port, counts } = await givenPort();
    const flood = await givenSocket(port);
    flood.resume();
    flood.write(request("/flood").repeat(1_000));
    const other = await givenSocket(port);
    other.write(request("/other"));
    await readAnswers(other, 1);
    // The 64 KB that Node reads at once hold all thousand.
    expect(counts.begun).toBeLessThan(100);
  });

  test("by a caller who takes no answer are begun as far as answers can be sent, and no further", async () => {
    const answer = new Response("x".repeat(4_000_000));
    const { port, counts, sockets } = await givenPort({ answer: () => answer.clone() });
    const silent = await givenSocket(port);
    silent.pause();
    silent.write(request().repeat(200_000));
    const other = await givenSocket(port);
    for (let calls = 0; calls < 30; calls += 1) {
      const before = counts.begun;
      other.write(request());
      await expect.poll(() => counts.begun).toBeGreaterThan(before);
      await new Promise((resolve) => setImmediate(resolve));
      other.resume();
    }
    expect(counts.begun - 30).toBeLessThan(10);
    // And what it has sent ahead stays in its own socket.
    expect(sockets[0]?.bytesRead).toBeLessThan(500_000);
  });

  test("may have bodies, of a length or in chunks", async () => {
    const bodies: string[] = [];
    const logger = createMemoryLogger();
    const { port, stopListening } = await openPort(
      {
        async fetch(call: Request) {
          bodies.push(await call.text());
          return new Response("ok");
        },
      },
      { port: 0, hostname: "127.0.0.1", keepAliveSeconds: 75, connections: unlimited },
      logger,
    );
    onTestFinished(() => void stopListening());
    const socket = await givenSocket(port);
    const long = `${"line\r\n\r\n".repeat(20_000)}end`;
    const post = (headers: string, body: string) =>
      `POST /x HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n\r\n${body}`;
    const chunked = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
    socket.write(
      [
        post("content-length: 5", "one\r\n"),
        post(`content-length: ${long.length}`, long),
        post("transfer-encoding: chunked", chunked),
        request(),
      ].join(""),
    );
    expect(await readAnswers(socket, 4)).toHaveLength(4);
    // In whichever order they are read to their ends.
    expect(bodies.toSorted()).toEqual(["", long, long, "one\r\n"]);
    socket.destroy();
  });
});

test("a body of empty lines reaches its reader in a few pieces", async () => {
  let pieces = 0;
  const reads = Promise.withResolvers<void>();
  const { port, stopListening } = await openPort(
    {
      fetch(_call: Request, { incoming }) {
        incoming.on("data", () => (pieces += 1));
        incoming.once("end", reads.resolve);
        return reads.promise.then(() => new Response("ok"));
      },
    },
    { port: 0, hostname: "127.0.0.1", keepAliveSeconds: 75, connections: unlimited },
    createMemoryLogger(),
  );
  onTestFinished(() => void stopListening());
  const socket = await givenSocket(port);
  const body = "\r\n\r\n".repeat(15_000);
  socket.write(`POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  await readAnswers(socket, 1);
  expect(pieces).toBeLessThan(50);
  socket.destroy();
});

test("of four hundred callers who ask at once, and then no more, each is answered", async () => {
  const { port } = await givenPort();
  const sockets = await Promise.all(Array.from({ length: 400 }, () => givenSocket(port)));
  for (const socket of sockets) socket.write(request());
  const answers = await Promise.all(sockets.map((socket) => readAnswers(socket, 1)));
  expect(answers.flat()).toHaveLength(400);
});

test("a request that comes byte by byte is answered like any other", async () => {
  const { port } = await givenPort();
  const socket = await givenSocket(port);
  for (const byte of request()) {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await readAnswers(socket, 1))[0]).toContain("HTTP/1.1 200");
});

describe("connections", () => {
  const answered = async (port: number) => {
    const socket = await givenSocket(port);
    socket.write(request());
    return { socket, isAnswered: (await readAnswers(socket, 1).catch(() => [])).length === 1 };
  };

  test("are so many at the same time; one more is closed, and has a place once another has gone", async () => {
    const { port } = await givenPort({ limits: { atOnce: 3, atOncePerAddress: undefined } });
    const sockets = [];
    for (let count = 0; count < 3; count += 1) {
      const socket = await givenSocket(port);
      socket.write(request());
      await once(socket, "data");
      sockets.push(socket);
    }
    expect((await answered(port)).isAnswered).toBe(false);
    sockets[0]?.destroy();
    await expect.poll(async () => (await answered(port)).isAnswered).toBe(true);
  });

  test("of one address are fewer", async () => {
    const { port } = await givenPort({ limits: { atOnce: 100, atOncePerAddress: 2 } });
    const first = await givenSocket(port);
    const second = await givenSocket(port);
    for (const socket of [first, second]) {
      socket.write(request());
      await once(socket, "data");
    }
    expect((await answered(port)).isAnswered).toBe(false);
    second.destroy();
    await expect.poll(async () => (await answered(port)).isAnswered).toBe(true);
  });
});

test("a path with a backslash reaches what refuses it as it was written", async () => {
  const logger = createMemoryLogger();
  const urls: string[] = [];
  const { port, stopListening } = await openPort(
    {
      fetch(call: Request) {
        urls.push(new URL(call.url).pathname);
        return new Response(null, { status: 404 });
      },
    },
    { port: 0, hostname: "127.0.0.1", keepAliveSeconds: 75, connections: unlimited },
    logger,
  );
  onTestFinished(() => void stopListening());
  const socket = await givenSocket(port);
  socket.write(request("/a\\..\\.env"));
  await readAnswers(socket, 1);
  expect(urls).toEqual(["/a%5C..%5C.env"]);
  socket.destroy();
});
