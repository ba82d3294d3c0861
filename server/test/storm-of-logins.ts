// A process of its own, so that the server's event loop is the server's alone: it logs in on many connections at once, over and over, and
// meanwhile makes ordinary calls. It prints the result as one JSON line, and ends by itself or with its parent.
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";

/** What the process is to do, as JSON in its first argument. */
export interface Storm {
  port: number;
  apiKey: string;
  /** One connection each. */
  usernames: string[];
  password: string;
  /** Of the customer who asks for the shows. */
  token: string;
  seconds: number;
}

/** What it tells at the end; latencies in milliseconds. */
export interface StormReport {
  seconds: number;
  accepted: number;
  refused: number;
  /** Answers that are neither a login nor a proper refusal, the first few of them. */
  unexpected: string[];
  /** Connections that the server ended. */
  cut: number;
  health: number[];
  showList: number[];
}

const probeEveryMs = 50;
const agent = new Agent({ keepAlive: true });

process.stdin.resume();
process.stdin.once("end", () => process.exit(1));

const storm = JSON.parse(process.argv[2] ?? "") as Storm;
const report: StormReport = {
  seconds: 0,
  accepted: 0,
  refused: 0,
  unexpected: [],
  cut: 0,
  health: [],
  showList: [],
};
let isOver = false;

const sockets = await Promise.all(storm.usernames.map(open));
process.stdout.write("storm\n");
const startedAt = performance.now();
const loggingIn = sockets.map((socket, index) => keepLoggingIn(socket, index));
const probing = new Set<Promise<unknown>>();
const probes = setInterval(() => {
  probing.add(probe("/health", report.health));
  probing.add(probe("/trpc/show.list", report.showList));
}, probeEveryMs);
setTimeout(() => {
  isOver = true;
  clearInterval(probes);
}, storm.seconds * 1_000);
await Promise.all(loggingIn);
await Promise.all(probing);
report.seconds = (performance.now() - startedAt) / 1_000;
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

function open(): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ port: storm.port, host: "127.0.0.1", noDelay: true });
  socket.once("error", reject);
  socket.once("connect", () => resolve(socket));
  return promise;
}

// Bytes on a socket, because an HTTP client would take more of the processor than the server.
function keepLoggingIn(socket: Socket, index: number): Promise<void> {
  const body = JSON.stringify({ json: { username: storm.usernames[index], password: storm.password } });
  const call = [
    "POST /trpc/auth.login HTTP/1.1",
    "host: localhost",
    `x-api-key: ${storm.apiKey}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    `x-forwarded-for: 10.0.${index >> 8}.${index & 0xff}`,
    "",
    body,
  ].join("\r\n");
  const { promise, resolve } = Promise.withResolvers<void>();
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    const length = lengthOf(answer);
    if (length === undefined || answer.length < length) return;
    count(answer);
    answer = "";
    if (isOver) socket.destroy();
    else socket.write(call);
  });
  socket.on("error", () => {});
  socket.once("close", () => {
    if (!isOver) report.cut += 1;
    resolve();
  });
  socket.write(call);
  return promise;
}

function lengthOf(answer: string): number | undefined {
  const headEnd = answer.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  return headEnd + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(answer)?.[1]);
}

function count(answer: string): void {
  if (answer.startsWith("HTTP/1.1 200 ")) {
    report.accepted += 1;
  } else if (
    answer.startsWith("HTTP/1.1 429 ") &&
    /\r\nretry-after: [1-9]\d*\r\n/i.test(answer) &&
    /"code":"RATE_LIMITED","details":\{"retryAfterSeconds":[1-9]\d*\}/.test(answer)
  ) {
    report.refused += 1;
  } else if (
    answer.startsWith("HTTP/1.1 503 ") &&
    /"code":"OVERLOADED","details":\{"retryAfterSeconds":1\}/.test(answer)
  ) {
    report.refused += 1;
  } else if (report.unexpected.length < 5) {
    report.unexpected.push(answer);
  }
}

async function probe(path: string, latencies: number[]): Promise<void> {
  const askedAt = performance.now();
  const status = await ask(path);
  if (status === 200) latencies.push(performance.now() - askedAt);
  else report.unexpected.push(`${path}: ${status}`);
}

function ask(path: string): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const headers = { "x-api-key": storm.apiKey, authorization: `Bearer ${storm.token}` };
  const asking = request({ host: "127.0.0.1", port: storm.port, path, headers, agent }, (response) => {
    response.resume();
    response.once("end", () => resolve(response.statusCode));
  });
  asking.once("error", () => resolve(undefined));
  asking.end();
  return promise;
}
