import type { Db } from "@skyfox/db";
import type { Clock } from "../runtime/ports.ts";
import type { ShowReader } from "./ports.ts";
import { createSeatMapReader } from "./seat-map-reader.ts";
import { createShowChangeFeed } from "./show-changes.ts";
import { createShowListReader } from "./show-list-reader.ts";

/** Reads shows from memory; what has changed is asked of the database at each reading, and read again. */
export function createShowReader(parts: { db: Db; clock: Clock }, monotonicMs?: () => number): ShowReader {
  const maps = createSeatMapReader(parts, monotonicMs);
  const lists = createShowListReader(parts, monotonicMs);
  const memory = {
    forget(showId: number) {
      maps.forget(showId);
      lists.forget(showId);
    },
    forgetAll() {
      maps.forgetAll();
      lists.forgetAll();
    },
  };
  const forgetChanged = createShowChangeFeed(parts.db, memory);
  return {
    async readSeatMap(showId) {
      await forgetChanged();
      return await maps.read(showId);
    },
    async listShows(date) {
      await forgetChanged();
      return await lists.read(date);
    },
  };
}
