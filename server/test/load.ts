// A process of its own, so that neither the server nor the test has a share in the cost of asking: it sends one request over and over on raw
// sockets, that many a second whether or not earlier ones have been answered, and tells what came back as one JSON line.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What the process is to do, as JSON in its first argument. */
export interface Load {
  port: number;
  /** The bytes of one request. */
  request: string;
  perSecond: number;
  seconds: number;
  /** Connections, made before the first request; what finds none free is not sent. */
  maxSockets: number;
}

/** What it tells at the end. */
export interface LoadReport {
  sent: number;
  /** What found no socket free. */
  unsent: number;
  /** Milliseconds from when each was due to its answer of status 200, in the order of the answers. */
  accepted: number[];
  /** Answers of status 503 that say when to come back. */
  refused: number;
  /** The longest wait for such an answer. */
  slowestRefusalMs: number;
  /** Other answers, the first few of them. */
  unexpected: string[];
  /** Sockets that the server ended while a request was under way. */
  cut: number;
}

interface Connection {
  socket: Socket;
  dueAt: number;
  answer: string;
}

process.stdin.resume();
process.stdin.once("end", () => process.exit(1));

const load = JSON.parse(process.argv[2] ?? "") as Load;
const report: LoadReport = {
  sent: 0,
  unsent: 0,
  accepted: [],
  refused: 0,
  slowestRefusalMs: 0,
  unexpected: [],
  cut: 0,
};
const idle: Connection[] = [];
let sockets = 0;
let underWay = 0;

// As the callers of a running server have them.
while (sockets < load.maxSockets) await open();
const startedAt = performance.now();
const endsAt = startedAt + load.seconds * 1_000;
let due = 0;
tick();

function tick(): void {
  const now = performance.now();
  const upTo = Math.floor(((Math.min(now, endsAt) - startedAt) / 1_000) * load.perSecond);
  for (; due < upTo; due += 1) send(startedAt + (due / load.perSecond) * 1_000);
  if (now < endsAt) setTimeout(tick, 1);
  else setTimeout(tell, 3_000);
}

function send(dueAt: number): void {
  const free = idle.pop();
  if (free !== undefined) return ask(free, dueAt);
  report.unsent += 1;
}

async function open(): Promise<void> {
  sockets += 1;
  const socket = connect({ port: load.port, host: "127.0.0.1", noDelay: true });
  const connection: Connection = { socket, dueAt: Number.NaN, answer: "" };
  socket.on("data", (chunk) => receive(connection, chunk.toString("latin1")));
  socket.on("error", () => {});
  socket.once("close", () => {
    sockets -= 1;
    if (!Number.isNaN(connection.dueAt)) {
      underWay -= 1;
      report.cut += 1;
    }
    const place = idle.indexOf(connection);
    if (place !== -1) idle.splice(place, 1);
  });
  await once(socket, "connect");
  idle.push(connection);
}

function ask(connection: Connection, dueAt: number): void {
  connection.dueAt = dueAt;
  connection.answer = "";
  report.sent += 1;
  underWay += 1;
  connection.socket.write(load.request);
}

function receive(connection: Connection, text: string): void {
  connection.answer += text;
  const { answer } = connection;
  const headEnd = answer.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  if (headEnd === -1 || length === undefined || answer.length < headEnd + 4 + Number(length)) return;
  count(answer, performance.now() - connection.dueAt);
  connection.dueAt = Number.NaN;
  underWay -= 1;
  // Without the sockets that the server is about to close.
  if (!/\r\nconnection: close\r\n/i.test(answer)) idle.push(connection);
}

function count(answer: string, ms: number): void {
  if (answer.startsWith("HTTP/1.1 200 ")) {
    report.accepted.push(ms);
  } else if (answer.startsWith("HTTP/1.1 503 ") && /\r\nretry-after: [1-9]\d*\r\n/i.test(answer)) {
    report.refused += 1;
    report.slowestRefusalMs = Math.max(report.slowestRefusalMs, ms);
  } else if (report.unexpected.length < 5) {
    report.unexpected.push(answer);
  }
}

function tell(): void {
  report.cut += underWay;
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}
