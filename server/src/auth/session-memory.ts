import { findLiveSession, type Db, type Hearing } from "@skyfox/db";
import { LRUCache } from "lru-cache";
import type { LiveSession, LiveSessions } from "./ports.ts";

// How long ago it may have been proven that every ending was heard: sessions end within a second on every server.
const provenForMs = 1_000;

// Some megabytes at most. A session that falls out is read again.
const rememberedAccounts = 10_000;
const rememberedPerAccount = 20;

/** Live sessions, and what it must hear of those that may have ended. */
export interface SessionMemory extends LiveSessions, Hearing {}

/**
 * Remembers live sessions. A remembered one answers only while it is proven that every ending until a second ago was heard; otherwise the
 * database is asked.
 */
export function createSessionMemory(
  db: Db,
  monotonicMs: () => number = () => performance.now(),
): SessionMemory {
  const accounts = new LRUCache<string, Map<string, LiveSession>>({ max: rememberedAccounts });
  // What is read while an ending is announced may be older than the ending.
  let announcements = 0;
  let provenAtMs = -Infinity;

  function forget(username: string): void {
    announcements += 1;
    accounts.delete(username);
  }

  return {
    async find({ sessionId, username }, now) {
      const isProven = monotonicMs() - provenAtMs < provenForMs;
      const remembered = isProven ? accounts.get(username)?.get(sessionId) : undefined;
      if (remembered !== undefined && remembered.expiresAt > now) return remembered;
      const before = announcements;
      const found = await findLiveSession(db, sessionId, now);
      if (found?.username !== username) return undefined;
      if (before === announcements) remember(sessionId, found);
      return found;
    },
    forget,
    heard: forget,
    lost() {
      announcements += 1;
      accounts.clear();
    },
    proven(atMs) {
      provenAtMs = Math.max(provenAtMs, atMs);
    },
  };

  function remember(sessionId: string, session: LiveSession): void {
    const sessions = accounts.get(session.username) ?? new Map<string, LiveSession>();
    if (sessions.size >= rememberedPerAccount) sessions.clear();
    sessions.set(sessionId, session);
    accounts.set(session.username, sessions);
  }
}
