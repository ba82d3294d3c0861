import type { AnyTRPCProcedure } from "@trpc/server";
import { rpcEndpoint } from "./call-costs.ts";
import type { RequestHead } from "./caller.ts";
import { findProcedure } from "./calls.ts";

/** A request that asks for one query or mutation and nothing else. */
export interface SingleCall {
  path: string;
  procedure: AnyTRPCProcedure;
  /** The input of a query as JSON; that of a mutation is its body. Empty where there is none. */
  inputInUrl: string;
}

/**
 * The one call of a request that tRPC's adapter is not needed for, because it is neither part of a batch nor a stream and has no parameters but its
 * input. Undefined for any other request. What it is answered with is the same either way, for less.
 */
export function findSingleCall(head: RequestHead, url: string): SingleCall | undefined {
  const path = head.path.slice(rpcEndpoint.length + 1);
  const procedure = findProcedure(path);
  const isMutation = head.method === "POST";
  if (!isMutation && head.method !== "GET") return undefined;
  if (procedure?._def.type !== (isMutation ? "mutation" : "query")) return undefined;
  if (head.header("trpc-accept") !== undefined || head.header("accept")?.includes("jsonl")) return undefined;
  // A form has no input in its URL. That of a mutation has been looked at.
  if (!isMutation && head.header("content-type") !== undefined) return undefined;
  const inputInUrl = readInputInUrl(url);
  if (inputInUrl === undefined || (isMutation && inputInUrl !== "")) return undefined;
  return { path, procedure, inputInUrl };
}

// Undefined for a query string that has more than an input, or an unusual one.
function readInputInUrl(url: string): string | undefined {
  const query = url.indexOf("?");
  if (query === -1) return "";
  const [, encoded] = /^\?input=([\x21\x22\x24\x25\x27-\x7e]*)$/.exec(url.slice(query)) ?? [];
  try {
    return encoded && decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
