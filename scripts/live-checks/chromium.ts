import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Missing, type Stops } from "./checks.ts";

const program = "chromium";

/** A tab of the browser. */
export interface Tab {
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** Brings it to the front; a tab of the same window that was there is hidden then. */
  show(): Promise<void>;
  close(): Promise<void>;
}

/** A browser without a screen. */
export interface Browser {
  /** In front of the last window, or in a window of its own. */
  openTab(url: string, where: { newWindow: boolean }): Promise<Tab>;
}

interface Reply {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/**
 * Starts Debian's Chromium and speaks the DevTools protocol over the WebSocket that Node has: the few commands used here need no driver. Throws
 * `Missing` where there is no Chromium.
 */
export async function startChromium(stops: Stops): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "skyfox-chromium-"));
  stops.push(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const child = spawn(
    program,
    ["--headless", ...asRoot, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const failed = once(child, "error").then(([error]: unknown[]) => {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw isMissing
      ? new Missing("Chromium is not installed. On Debian: apt-get install -y chromium")
      : error;
  });
  const ended = once(child, "exit");
  process.once("exit", () => child.kill());
  const address = await Promise.race([findAddress(child.stderr), failed]);
  stops.push(async () => {
    child.kill();
    await ended;
  });
  const send = await connect(address);
  return {
    async openTab(url, { newWindow }) {
      const { targetId } = await send("Target.createTarget", { url, newWindow });
      const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
      return {
        async evaluate(expression) {
          const { result, exceptionDetails } = await send(
            "Runtime.evaluate",
            { expression, returnByValue: true, awaitPromise: true },
            String(sessionId),
          );
          if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
          return (result as { value?: unknown }).value;
        },
        show: async () => void (await send("Target.activateTarget", { targetId })),
        close: async () => void (await send("Target.closeTarget", { targetId })),
      };
    },
  };
}

async function findAddress(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    // The rest is not read, and a full pipe would stop the browser.
    output.resume();
    return address;
  }
  throw new Error("Chromium has ended before it could be reached.");
}

async function connect(address: string) {
  const socket = new WebSocket(address);
  await once(socket, "open");
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  let sent = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Reply;
    const reply = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || reply === undefined) return;
    waiting.delete(id);
    if (error === undefined) reply.resolve(result ?? {});
    else reply.reject(new Error(error.message));
  });
  socket.addEventListener("close", () => {
    for (const reply of waiting.values()) reply.reject(new Error("Chromium has gone."));
  });
  return (method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> => {
    const id = ++sent;
    const reply = Promise.withResolvers<Record<string, unknown>>();
    waiting.set(id, reply);
    socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return reply.promise;
  };
}
