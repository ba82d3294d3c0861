import { LRUCache } from "lru-cache";

/** How long anything is known without being read again, in milliseconds: whatever a server may have missed is over then. */
export const knownForMs = 60_000;

/** Values that were read, each until it is forgotten, or has been known for `knownForMs`. */
export interface Known<Key extends number | string, Value extends object> {
  /** The value, if it is known. */
  peek(key: Key): Value | undefined;
  /** Reads what is not known of these, and answers the values in their order; undefined for what is not there. */
  get(keys: readonly Key[]): Promise<(Value | undefined)[]>;
  /** Forgets a value; a reading that is under way gives it to those who asked, but not to later ones. */
  forget(key: Key): void;
  /** As `forget`, for all. */
  forgetAll(): void;
}

/** Values by key within a bound; `read` answers those of these keys that are there. `monotonicMs` begins above 0. */
export function createKnown<Key extends number | string, Value extends object>(
  bound: { max: number } | { maxSize: number; sizeCalculation: (value: Value) => number },
  read: (keys: readonly Key[]) => Promise<Iterable<readonly [Key, Value]>>,
  monotonicMs: () => number = () => performance.now(),
): Known<Key, Value> {
  const ages = { ttl: knownForMs - 1, ttlResolution: 0, perf: { now: monotonicMs } };
  const values = new LRUCache<Key, Value>({ ...bound, ...ages });
  // What was forgotten since each reading began.
  const readings = new Set<{ forgotten: Set<Key>; isAll: boolean }>();

  return {
    peek: (key) => values.get(key),
    async get(keys) {
      const found = new Map<Key, Value>();
      for (const key of keys) {
        const value = values.get(key);
        if (value !== undefined) found.set(key, value);
      }
      const unknown = keys.filter((key) => !found.has(key));
      if (unknown.length > 0) {
        const reading = { forgotten: new Set<Key>(), isAll: false };
        readings.add(reading);
        try {
          for (const [key, value] of await read(unknown)) {
            found.set(key, value);
            if (!reading.isAll && !reading.forgotten.has(key)) values.set(key, value);
          }
        } finally {
          readings.delete(reading);
        }
      }
      return keys.map((key) => found.get(key));
    },
    forget(key) {
      values.delete(key);
      for (const { forgotten } of readings) forgotten.add(key);
    },
    forgetAll() {
      values.clear();
      for (const reading of readings) reading.isAll = true;
    },
  };
}
