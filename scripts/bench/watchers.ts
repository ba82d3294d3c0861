import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { MadeChange } from "./watched-changes.ts";

/** One live map to open. */
export interface ToWatch {
  url: string;
  apiKey: string;
  showId: number;
  token: string;
  address: string;
}

/** What the watchers' process is asked. */
export type Ask = { type: "watch"; wanted: ToWatch[] } | { type: "judge"; changes: MadeChange[] };

/** What it says: percentiles in milliseconds, over each change and each watcher of its show. */
export type Said =
  | { type: "watching" }
  | { type: "seen"; unseen: number; p50?: number; p99?: number }
  | { type: "failed"; reason: string };

/** Live maps in a process of their own, so that reading them is in no figure of others. */
export interface Watchers {
  /** When the changes came. Throws when some have not come after ten seconds. */
  judge(changes: MadeChange[]): Promise<{ p50: number; p99: number }>;
  close(): Promise<void>;
}

const judgeAgainMs = 200;
const mostJudged = 50;

/** Opens live maps, and resolves once all have their seats. */
export async function openWatchers(wanted: ToWatch[]): Promise<Watchers> {
  const child = fork(fileURLToPath(new URL("watchers-process.ts", import.meta.url)), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const close = async () => {
    if (child.connected) child.disconnect();
    await exited;
  };

  async function ask<Type extends Said["type"]>(
    question: Ask,
    type: Type,
  ): Promise<Extract<Said, { type: Type }>> {
    const answer = once(child, "message") as Promise<[Said]>;
    child.send(question);
    const ended = exited.then(() => Promise.reject(new Error("The watchers have ended.")));
    const [said] = await Promise.race([answer, ended]);
    if (said.type === "failed") throw new Error(`A live map has failed: ${said.reason}`);
    if (said.type !== type) throw new Error(`The watchers said ${said.type} instead of ${type}.`);
    return said as Extract<Said, { type: Type }>;
  }

  try {
    await ask({ type: "watch", wanted }, "watching");
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async judge(changes) {
      for (let turn = 0; turn < mostJudged; turn += 1) {
        const { unseen, p50, p99 } = await ask({ type: "judge", changes }, "seen");
        if (unseen === 0 && p50 !== undefined && p99 !== undefined) return { p50, p99 };
        await pause(judgeAgainMs);
      }
      throw new Error("Some changes have not come to all live maps.");
    },
    close,
  };
}
