import { setTimeout } from "node:timers/promises";
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan" | "inverse";

/** Where the demo tells its story. */
export interface Terminal {
  say(text?: string): void;
  /** The text in this style; plain where colours are not shown. */
  paint(style: Style, text: string): string;
  /** The lines in a frame. */
  box(lines: string[]): void;
  /** Gives a person a moment to read; a program that reads along needs none. Rejects when the signal aborts. */
  pause(): Promise<void>;
  /** Counts the milliseconds down, in place for a person, in a few lines otherwise. Rejects when the signal aborts. */
  countDown(label: string, ms: number): Promise<void>;
}

const indent = "    ";
const readingMs = 600;
const linesEveryMs = 5_000;

/** Writes to standard output, in colours when that is a terminal and NO_COLOR is unset. */
export function openTerminal(signal: AbortSignal): Terminal {
  const { stdout } = process;
  const isPerson = stdout.isTTY;
  const isColoured = isPerson && !process.env.NO_COLOR;
  const say = (text = "") => console.log(text === "" ? "" : indent + text);
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
    async countDown(label, ms) {
      const endsAt = performance.now() + ms;
      const tickMs = isPerson ? 1_000 : linesEveryMs;
      for (let leftMs = ms; leftMs > 0; leftMs = endsAt - performance.now()) {
        const line = `${label} ${minutesAndSeconds(leftMs)}`;
        if (isPerson) stdout.write(`\r\u001B[2K${indent}${line}`);
        else say(line);
        await setTimeout(leftMs % tickMs || tickMs, undefined, { signal });
      }
      if (isPerson) stdout.write("\r\u001B[2K");
    },
  };
}

function minutesAndSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
