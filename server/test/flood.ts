// A process of its own that asks ahead on many connections, as fast as the server takes it and without a key, until its parent ends it or
// closes its input. Half of the connections never read an answer. Tells on SIGTERM how much it has written, as one JSON line.
import { connect } from "node:net";

/** What the process is to do, as JSON in its first argument. */
export interface Flood {
  port: number;
  connections: number;
  /** How many requests each connection sends ahead. */
  requestsAhead: number;
}

/** What it tells at the end. */
export interface FloodReport {
  connected: number;
  bytesWritten: number;
  answered: number;
}

const flood = JSON.parse(process.argv[2] ?? "") as Flood;
const requests = Buffer.from("GET /x HTTP/1.1\r\nhost: a\r\n\r\n".repeat(flood.requestsAhead));
const report: FloodReport = { connected: 0, bytesWritten: 0, answered: 0 };

process.stdin.resume();
process.stdin.once("end", () => {
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
});

for (let index = 0; index < flood.connections; index += 1) open(index % 2 === 0);

function open(isReading: boolean): void {
  const socket = connect(flood.port, "127.0.0.1");
  socket.once("connect", () => {
    report.connected += 1;
    socket.write(requests);
  });
  if (isReading) {
    socket.on("data", (chunk) => {
      report.answered += chunk.toString("latin1").split("HTTP/1.1 403 ").length - 1;
    });
  } else {
    socket.pause();
  }
  // What it has not sent yet is for the next connection.
  socket.once("end", () => socket.destroy());
  socket.on("error", () => {});
  socket.once("close", () => {
    report.bytesWritten += socket.bytesWritten;
    setImmediate(() => open(isReading));
  });
}
