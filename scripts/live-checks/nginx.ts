// A live map through Debian's nginx with its default settings: nothing is held back, a minute of silence ends nothing, a stop of the server does.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findFreePort } from "../free-port.ts";
import { Missing, runChecks, within, type Stops } from "./checks.ts";
import { openCinema, visit } from "./cinema.ts";

const atOnceMs = 1_000;
// Longer than the 60 seconds after which nginx gives up an answer that is silent.
const silenceMs = 70_000;
const stopMs = 10_000;
const program = "nginx";
// Debian has it where only root looks.
const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin` };

// /etc/nginx/nginx.conf of Debian 12, but for where files lie, and one server.
const configure = (port: number, upstream: string) => `
${process.getuid?.() === 0 ? "user www-data;" : ""}
worker_processes auto;
pid nginx.pid;
error_log error.log;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log access.log;
  gzip on;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${upstream}; }
  }
}
`;

async function startNginx(upstream: string, stops: Stops): Promise<string> {
  if (spawnSync(program, ["-v"], { env }).error !== undefined)
    throw new Missing("nginx is not installed. On Debian: apt-get install -y nginx");
  const folder = await mkdtemp(join(tmpdir(), "skyfox-nginx-"));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  // Its workers are of another user when it is started by root.
  await chmod(folder, 0o755);
  await mkdir(join(folder, "logs"));
  const port = await findFreePort();
  await writeFile(join(folder, "nginx.conf"), configure(port, upstream));
  const options = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "error.log", "-g", "daemon off;"];
  const nginx = spawn(program, options, { env, stdio: ["ignore", "inherit", "inherit"] });
  const ended = once(nginx, "exit");
  stops.push(async () => {
    nginx.kill("SIGTERM");
    await ended;
  });
  process.once("exit", () => nginx.kill("SIGTERM"));
  const url = `http://127.0.0.1:${port}`;
  const isUp = async () => {
    while (!(await fetch(`${url}/health`).catch(() => undefined))?.ok) await pause(50);
  };
  await within(10_000, "nginx answers", isUp());
  return url;
}

/** The events of a stream as text, one at a time. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<string, void> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const text of response as AsyncIterable<string>) {
    const events = (rest + text).split("\n\n");
    rest = events.pop() ?? "";
    yield* events;
  }
}

await runChecks(async (stops) => {
  const cinema = await openCinema();
  stops.push(cinema.stop);
  const url = await startNginx(cinema.url, stops);
  const { client, token, showId } = await visit(cinema, url);

  const input = encodeURIComponent(JSON.stringify({ json: { showId } }));
  const asked = get(`${url}/trpc/show.watchSeatMap?input=${input}`, {
    headers: {
      "x-api-key": cinema.apiKey,
      authorization: `Bearer ${token}`,
      accept: "text/event-stream",
      "accept-encoding": "gzip",
    },
  });
  stops.push(() => asked.destroy());
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const { "content-type": type = "", "content-encoding": encoding } = response.headers;
  if (!type.startsWith("text/event-stream") || encoding !== undefined)
    throw new Error(`The answer is ${type}, ${encoding ?? "not compressed"}.`);
  const events = eventsOf(response);
  const next = async (includes: string) => {
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) throw new Error(`The stream has ended before ${includes}.`);
      if (value.includes(includes)) return;
    }
  };
  await within(atOnceMs, "The snapshot comes", next('"snapshot"'));
  console.log("The snapshot comes at once, and is not compressed.");

  const { bookingId } = await client.booking.initialize.mutate({ showId, seatNumbers: ["A1"] });
  await within(atOnceMs, "A hold comes", next('"held"'));
  console.log("A hold comes at once.");

  console.log(`Nothing happens for ${silenceMs / 1_000} seconds …`);
  const cut = once(response, "close").then(() => Promise.reject(new Error("The silent stream was cut.")));
  cut.catch(() => {});
  await Promise.race([pause(silenceMs), cut]);
  await client.booking.cancel.mutate({ bookingId });
  await within(atOnceMs, "A freed seat comes after the silence", next('"free"'));
  console.log("The stream is still there, and a freed seat comes at once.");

  const rest = (async () => {
    for await (const event of events)
      if (event.includes("event: return")) throw new Error("It is said to be over.");
  })();
  await Promise.all([
    within(stopMs, "The stream ends with the server", rest.catch(ignoreCut)),
    cinema.stop(),
  ]);
  console.log("It ends when the server stops.");
});

// nginx may cut the answer of a server that has gone.
function ignoreCut(error: unknown): void {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ECONNRESET") throw error;
}
