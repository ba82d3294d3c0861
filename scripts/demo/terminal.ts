import { setTimeout } from "node:timers/promises";
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "green" | "yellow" | "red";

/** Where the demo tells its story. */
export interface Terminal {
  say(text?: string): void;
  /** The text in this style; plain where colours are not shown. */
  paint(style: Style, text: string): string;
  /** The lines in a frame. */
  box(lines: string[]): void;
  /** Gives a person a moment to read; a program that reads along needs none. Rejects when the signal aborts. */
  pause(): Promise<void>;
  /**
   * Shows for so long how much is left of a time, counting in place for a person and in a few lines otherwise. Rejects when the
   * signal aborts.
   */
  countDown(label: string, time: { fromMs: number; forMs: number }): Promise<void>;
}

const indent = "    ";
const readingMs = 600;
const rewriteLine = "\r\u001B[2K";

/** Writes to standard output, in colours when that is a terminal and NO_COLOR is unset. */
export function openTerminal(signal: AbortSignal): Terminal {
  const { stdout } = process;
  const isPerson = stdout.isTTY;
  const isColoured = isPerson && !process.env.NO_COLOR;
  const everyMs = isPerson ? 1_000 : 5_000;
  return {
    say,
    paint: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
    box(lines) {
      const width = Math.max(...lines.map((line) => line.length));
      say(`┌${"─".repeat(width + 2)}┐`);
      for (const line of lines) say(`│ ${line.padEnd(width)} │`);
      say(`└${"─".repeat(width + 2)}┘`);
    },
    async pause() {
      if (isPerson) await setTimeout(readingMs, undefined, { signal });
    },
    async countDown(label, { fromMs, forMs }) {
      const startedAt = performance.now();
      const passedMs = () => Math.min(performance.now() - startedAt, forMs);
      const line = () => `${label} ${minutesAndSeconds(fromMs - passedMs())}`;
      while (passedMs() < forMs) {
        if (isPerson) stdout.write(rewriteLine + indent + line());
        else say(line());
        await setTimeout(Math.min(everyMs, Math.ceil(forMs - passedMs())), undefined, { signal });
      }
      if (isPerson) stdout.write(`${rewriteLine}${indent}${line()}\n`);
    },
  };
}

function say(text = ""): void {
  console.log(text === "" ? "" : indent + text);
}

function minutesAndSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
