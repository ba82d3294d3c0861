import { hash, timingSafeEqual } from "node:crypto";
import type { ApiKey } from "../config.ts";
import { methodsOf } from "../rest/find-route.ts";
import type { RequestHead } from "./caller.ts";

// Whatever begins with a dot, and the names that scanners try; ours are none of these.
const scannerPath =
  /(^|[/\\])(\.|env([/\\]|$)|secrets?([/\\]|$)|config([/\\]|$|\.)|wp-|phpmyadmin|cgi-bin|vendor[/\\]|actuator|server-status|backup|dump)|\.(php|asp|aspx|jsp|cgi|bak|sql|env|ini|log|ya?ml)$/i;

/** What the gate says of a request: the name of its API key, or why it may not pass. */
export type GateVerdict = { apiKeyName: string } | { reason: string };

/** Decides by the head of a request. */
export type Gate = (head: Pick<RequestHead, "path" | "header">) => GateVerdict;

/** Lets only callers with an API key pass; scanners' paths are refused whatever the key. */
export function createGate(apiKeys: ApiKey[]): Gate {
  const keys = apiKeys.map(({ name, key }) => ({ name, digest: digest(key) }));
  // Keys that were right before, and so no more than there are: no digest is made for these. The look-up goes by a hash of the text whose seed
  // no caller knows, so that its time tells nothing of a right key either.
  const rightKeys = new Map<string, string>();

  return ({ path, header }) => {
    // A username in the path of a route may look like one of theirs.
    if (scannerPath.test(decodePath(path)) && methodsOf(path).length === 0) return { reason: "scanner path" };
    const key = header("x-api-key");
    if (key === undefined) return { reason: "no API key" };
    const apiKeyName = rightKeys.get(key) ?? findName(digest(key));
    if (apiKeyName === undefined) return { reason: "wrong API key" };
    rightKeys.set(key, apiKeyName);
    return { apiKeyName };
  };

  // Every key is compared, in constant time, so that timing tells nothing about any of them.
  function findName(given: Buffer): string | undefined {
    let name: string | undefined;
    for (const key of keys) if (timingSafeEqual(key.digest, given)) name = key.name;
    return name;
  }
}

function digest(key: string): Buffer {
  return hash("sha256", key, "buffer");
}

function decodePath(path: string): string {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
