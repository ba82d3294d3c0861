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
 * Remembers the answers of somebody who may be away: each is fresh for `freshMs`; after a failure the old one serves for `retryAfterMs` before
 * it is tried again, so that nobody waits for a service that is down. The least used beyond `max` are forgotten.
 */
export function createAnswerMemory<Answer extends object>(
  ask: (key: string) => Promise<Asked<Answer>>,
  options: { clock: Clock; freshMs: number; retryAfterMs: number; max: number },
): AnswerMemory<Answer> {
  const { clock, freshMs, retryAfterMs, max } = options;
  const known = new LRUCache<string, { answer: Answer; freshUntil: number }>({ max });
  const underWay = new Map<string, Promise<Asked<Answer>>>();
  const later = (ms: number) => clock.now().getTime() + ms;

  function remember(key: string, answer: Answer): void {
    known.set(key, { answer, freshUntil: later(freshMs) });
  }

  async function askAgain(key: string): Promise<Asked<Answer>> {
    const asked = await ask(key);
    if (asked.kind === "answer") {
      if (asked.answer === undefined) known.delete(key);
      else remember(key, asked.answer);
      return asked;
    }
    const old = known.get(key);
    if (old === undefined) return asked;
    old.freshUntil = later(retryAfterMs);
    return { kind: "answer", answer: old.answer };
  }

  return {
    learn(key, answer, saysAll) {
      if (saysAll) remember(key, answer);
      else if (!known.has(key)) known.set(key, { answer, freshUntil: 0 });
    },
    async get(key) {
      const old = known.get(key);
      if (old !== undefined && later(0) < old.freshUntil) return { kind: "answer", answer: old.answer };
      const running = underWay.get(key) ?? askAgain(key).finally(() => underWay.delete(key));
      underWay.set(key, running);
      return await running;
    },
  };
}
