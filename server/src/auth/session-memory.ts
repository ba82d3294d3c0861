import { findLiveSession, type Db, type Hearing } from "@skyfox/db";
import { LRUCache } from "lru-cache";
import type { MeOutput } from "../contract/index.ts";
import type { LiveSession, LiveSessions } from "./ports.ts";

// How long ago it may have been proven that every ending was heard. With the call itself sessions end within a second on every server.
const provenForMs = 750;

// An ending that nothing announces, such as one by a role that runs no triggers, is noticed after so long.
const rememberedForMs = 10_000;

// Some megabytes at most. A session that falls out is read again.
const rememberedAccounts = 10_000;
const rememberedPerAccount = 20;

interface Remembered {
  session: LiveSession;
  readAtMs: number;
}

// What is announced when sessions or profiles of many accounts may have ended.
const everyAccount = "";

/** Live sessions, and what it must hear of those that may have ended. */
export interface SessionMemory extends LiveSessions, Hearing {}

/**
 * Remembers live sessions. A remembered one answers only while it is proven that every ending was heard until less than a second ago; otherwise the
 * database is asked.
 */
export function createSessionMemory(
  db: Db,
  monotonicMs: () => number = () => performance.now(),
): SessionMemory {
  const watchers = new Map<string, Set<() => void>>();
  const accounts = new LRUCache<string, Map<string, Remembered>>({ max: rememberedAccounts });
  // What is read while an ending is announced may be older than the ending.
  let announcements = 0;
  let provenAtMs = -Infinity;

  function forget(username: string): void {
    announcements += 1;
    accounts.delete(username);
    for (const mayHaveEnded of watchers.get(username) ?? []) mayHaveEnded();
  }

  function forgetAll(): void {
    announcements += 1;
    accounts.clear();
  }

  function doubtAll(): void {
    forgetAll();
    for (const ofAccount of watchers.values()) for (const mayHaveEnded of ofAccount) mayHaveEnded();
  }

  return {
    async find({ sessionId, username }, now) {
      const readAtMs = monotonicMs();
      const isProven = readAtMs - provenAtMs < provenForMs;
      const remembered = isProven ? accounts.get(username)?.get(sessionId) : undefined;
      const isFresh = remembered !== undefined && readAtMs - remembered.readAtMs < rememberedForMs;
      if (isFresh && remembered.session.expiresAt > now) return remembered.session;
      const before = announcements;
      const found = await findLiveSession(db, sessionId, now);
      if (found?.username !== username) return undefined;
      const session = describeSession(found);
      if (before === announcements) remember(sessionId, { session, readAtMs });
      return session;
    },
    forget,
    watch(username, mayHaveEnded) {
      const ofAccount = watchers.get(username) ?? new Set();
      watchers.set(username, ofAccount.add(mayHaveEnded));
      return () => {
        ofAccount.delete(mayHaveEnded);
        if (ofAccount.size === 0) watchers.delete(username);
      };
    },
    heard: (username) => (username === everyAccount ? doubtAll() : forget(username)),
    lost: forgetAll,
    proven(atMs) {
      provenAtMs = Math.max(provenAtMs, atMs);
    },
  };

  function remember(sessionId: string, remembered: Remembered): void {
    const { username } = remembered.session;
    const sessions = accounts.get(username) ?? new Map<string, Remembered>();
    if (sessions.size >= rememberedPerAccount) sessions.clear();
    sessions.set(sessionId, remembered);
    accounts.set(username, sessions);
  }
}

type FoundSession = NonNullable<Awaited<ReturnType<typeof findLiveSession>>>;

function describeSession(found: FoundSession): LiveSession {
  const { username, role, expiresAt } = found;
  return { username, role, expiresAt, profile: profileOf(found) };
}

function profileOf({ role, username, createdAt, ...details }: FoundSession): MeOutput | undefined {
  if (role === "customer") {
    const { customerName: name, email, phoneNumber } = details;
    if (name === null || email === null || phoneNumber === null) return undefined;
    return { role, username, name, email, phoneNumber, securityQuestionExists: true, createdAt };
  }
  const { staffName: name, counterNo } = details;
  return name === null ? undefined : { role, username, name, counterNo, createdAt };
}
