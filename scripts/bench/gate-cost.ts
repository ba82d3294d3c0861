import { createGate } from "../../server/src/http/gate.ts";
import { medianOf } from "./measure.ts";

const turns = 20;
const callsPerTurn = 20_000;

/** What the gate adds to a call that it lets pass, in microseconds: the median of turns, each beside one of a gate that looks at nothing. */
export function measureGate(): number {
  const key = "a-key-of-the-benchmark-0123456789";
  const gate = createGate([
    { name: "old", key: "an-older-key-of-the-benchmark-01" },
    { name: "new", key },
  ]);
  const head = { path: "/trpc/show.list", header: () => key };
  const added = Array.from({ length: turns }, () => timeOf(() => gate(head)) - timeOf(openGate));
  return medianOf(added);
}

function openGate() {
  return { apiKeyName: "new" };
}

// Microseconds a call.
function timeOf(call: () => unknown): number {
  const startedAt = performance.now();
  for (let count = 0; count < callsPerTurn; count += 1) call();
  return ((performance.now() - startedAt) * 1_000) / callsPerTurn;
}
