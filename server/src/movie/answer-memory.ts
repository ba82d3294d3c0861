import { LRUCache } from "lru-cache";
import type { Clock } from "../runtime/ports.ts";

/** What asking gave: an answer, undefined where the asked says that there is none, or a failure. */
export type Asked<Answer> =
  | { kind: "answer"; answer: Answer | undefined }
  | { kind: "unavailable"; reason: string };

/** Answers that are asked for only now and then. */
export interface AnswerMemory<Answer> {
  /** The remembered answer while it is fresh, else a new one; when asking fails, the old one again. Many who ask at once ask once. */
  get(key: string): Promise<Asked<Answer>>;
  /** Remembers an answer that came in another way. One that may say less than the whole only serves when asking fails and none is known. */
  learn(key: string, answer: Answer, saysAll: boolean): void;
}

/**
 * Remembers the answers of a service that may fail: each is fresh for `freshMs`; after a failure the old one serves for `retryAfterMs` before the
 * service is asked again, so that calls do not wait for one that is down. The least used beyond `max` are forgotten.
 */
export function createAnswerMemory<Answer extends object>(
  ask: (key: string) => Promise<Asked<Answer>>,
  options: { clock: Clock; freshMs: number; retryAfterMs: number; max: number },
): AnswerMemory<Answer> {
  const { clock, freshMs, retryAfterMs, max } = options;
  const known = new LRUCache<string, Asked<Answer>>({
    max,
    // At the end of its time an answer is fresh no more; for the cache it still is.
    ttl: freshMs - 1,
    ttlResolution: 0,
    perf: { now: () => clock.now().getTime() },
    // An answer that was learned meanwhile takes no result from those who wait for theirs.
    ignoreFetchAbort: true,
    async fetchMethod(key, _stale, fetching): Promise<Asked<Answer>> {
      const asked = await ask(key);
      const old = known.peek(key, { allowStale: true });
      if (asked.kind === "answer" || old === undefined) return asked;
      fetching.options.ttl = retryAfterMs - 1;
      return old;
    },
  });

  return {
    learn(key, answer, saysAll) {
      const learned = { kind: "answer", answer } as const;
      if (saysAll) known.set(key, learned);
      else if (known.peek(key, { allowStale: true }) === undefined) known.set(key, learned, staleAtOnce);
    },
    async get(key) {
      const asked = await known.forceFetch(key);
      const isAnswer = asked.kind === "answer" && asked.answer !== undefined;
      if (!isAnswer && known.peek(key) === asked) known.delete(key);
      return asked;
    },
  };
}

const staleAtOnce = { ttl: 1, start: 1 };
