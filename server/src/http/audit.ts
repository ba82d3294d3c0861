import type { Logger } from "../runtime/ports.ts";
import { networkOf } from "../limits/network.ts";
import type { Identity } from "./caller.ts";

const linesPerSecond = 10;
const secondMs = 1_000;

/** Writes the audit lines of refusals. */
export interface RefusalAudit {
  /** One line for a 403: who asked for what, and why not. From an address that is refused too often in a second, only their number. */
  record(
    refused: { method: string; path: string },
    identity: Identity & { procedure?: string },
    reason: string,
  ): void;
}

/** Ten lines a second and address, and then one with the number of those that got none. */
export function createRefusalAudit(logger: Logger): RefusalAudit {
  let counts = new Map<string, number>();

  function tellTheRest(): void {
    for (const [address, count] of counts) {
      if (count <= linesPerSecond) continue;
      const refused = count - linesPerSecond;
      logger.warn(
        { audit: "forbidden", address, refused },
        "More requests of this address were refused in a second.",
      );
    }
    counts = new Map();
  }

  return {
    record({ method, path }, { address, requestId, procedure }, reason) {
      if (counts.size === 0) setTimeout(tellTheRest, secondMs).unref();
      const network = networkOf(address);
      const count = (counts.get(network) ?? 0) + 1;
      counts.set(network, count);
      if (count > linesPerSecond) return;
      const asked = { method, path, ...(procedure !== undefined && { procedure }) };
      logger.warn({ audit: "forbidden", address, ...asked, reason, requestId }, "A request was refused.");
    },
  };
}
