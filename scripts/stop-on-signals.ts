import { basename } from "node:path";
import { describeFailure } from "./database.ts";

const impatientAfterMs = 1_000;
const watchParentMs = 500;

/**
 * At the first SIGINT, SIGTERM or SIGHUP, or when the reader of the output has gone, aborts the signal it returned, stops, and ends the
 * process with the exit code that `stop` gives. Another signal more than a second later ends the process at once, for those who cannot wait.
 */
export function stopOnSignals(stop: () => Promise<number>): AbortSignal {
  const stopping = new AbortController();
  let askedAt: number | undefined;
  const onSignal = () => {
    if (askedAt === undefined) {
      askedAt = performance.now();
      stopping.abort();
      void stop().catch(describeBadStop).then(process.exit);
    } else if (performance.now() - askedAt > impatientAfterMs) {
      // Not at once: npm passes on a Ctrl-C that the terminal has sent us already, so one press may come twice.
      process.exit(1);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const onLoss = () => {
    if (!stopping.signal.aborted) onSignal();
  };
  // As with `| head`: every write fails from then on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", onLoss);
  watchParent(onLoss);
  return stopping.signal;
}

// A SIGTERM to npm ends the shell between npm and us and is not passed on: only the loss of the parent tells of it.
function watchParent(onLoss: () => void): void {
  const script = basename(process.argv[1] ?? "");
  if (process.env.npm_lifecycle_script?.includes(script) !== true) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onLoss();
  }, watchParentMs);
  timer.unref();
}

function describeBadStop(error: unknown): number {
  console.error(`Not everything stopped cleanly. ${describeFailure(error)}`);
  return 1;
}
