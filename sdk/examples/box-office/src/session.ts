import { useSyncExternalStore } from "react";
import type { Role } from "@skyfox/sdk";
import { tabStorage } from "./tab-storage.ts";

/** Who is signed in at this tab. */
export interface Session {
  token: string;
  username: string;
  name: string;
  role: Role;
}

// Only this tab's storage: the session ends with the tab, and no other tab reads it.
const item = "skyfox-session";
const listeners = new Set<() => void>();
let current = read();

/** The session of now; null for a visitor. */
export function currentSession(): Session | null {
  return current;
}

/** Begins a session, or ends the present one with null. */
export function setSession(session: Session | null): void {
  current = session;
  if (session === null) tabStorage.removeItem(item);
  else tabStorage.setItem(item, JSON.stringify(session));
  for (const listener of listeners) listener();
}

/** Calls back whenever a session begins or ends. Returns what stops it. */
export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The session of now, for a component. */
export function useSession(): Session | null {
  return useSyncExternalStore(onSessionChange, currentSession);
}

function read(): Session | null {
  return JSON.parse(tabStorage.getItem(item) ?? "null") as Session | null;
}
