import type { IncomingMessage, ServerResponse } from "node:http";
import type { TRPCError } from "@trpc/server";
import { carry } from "../rpc/error-shape.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { RefusalAudit } from "./audit.ts";
import { headOfIncoming, identify, type Identity, type RequestHead } from "./caller.ts";
import { waitBeforeReading } from "./connections.ts";
import type { CrossOrigin } from "./cross-origin.ts";
import type { Gate } from "./gate.ts";
import { endUnread } from "./receive-body.ts";
import { writeRefusal } from "./refusals.ts";

// A body up to this size is read and forgotten, so that the connection can go on; past it the connection ends.
const forgettableBytes = 64 * 1_024;

/**
 * Refuses by its head alone what needs no more: a request without a key, and a call that there is no room for. It is answered before
 * anything is made of it, so that a flood of refusals costs little. True when it has been answered.
 */
export type RefuseEarly = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

/** What the gate says no with. Made once: an error that is made looks at its stack. */
export const noKey = carry(new DomainError({ code: "INVALID_API_KEY" }));

const identities = new WeakMap<IncomingMessage, Identity>();

/** Who a request is from, where `RefuseEarly` has let it pass. */
export function identityOf(incoming: IncomingMessage | undefined): Identity | undefined {
  return incoming && identities.get(incoming);
}

export interface EarlyRefusalParts {
  gate: Gate;
  audit: RefusalAudit;
  crossOrigin: CrossOrigin;
  trustedProxies: number;
  /** Whether a path is looked at without a key, and so not judged here. */
  isOpen: (path: string) => boolean;
  /** What a request with a key is refused with, if it is; it has waited that long to be read, in milliseconds. */
  refusalOf: (head: RequestHead, waitedMs: number) => TRPCError | undefined;
  /** What every answer says of the server. */
  serverHeaders: () => Record<string, string>;
}

export function createEarlyRefusals(parts: EarlyRefusalParts): RefuseEarly {
  const { gate, audit, crossOrigin, trustedProxies, isOpen, refusalOf, serverHeaders } = parts;

  return (incoming, outgoing) => {
    const head = headOfIncoming(incoming);
    const identity = identify(head, trustedProxies);
    identities.set(incoming, identity);
    if (isOpen(head.path) || crossOrigin.isPreflight(head)) return false;
    const verdict = gate(head);
    if ("reason" in verdict) {
      audit.record(head, identity, verdict.reason);
      answer(incoming, outgoing, head, identity, noKey);
      return true;
    }
    identity.apiKeyName = verdict.apiKeyName;
    const refusal = refusalOf(head, waitBeforeReading(incoming));
    if (refusal === undefined) return false;
    answer(incoming, outgoing, head, identity, refusal);
    return true;
  };

  function answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    head: RequestHead,
    { requestId }: Identity,
    error: TRPCError,
  ): void {
    const { status, headers, body } = writeRefusal({ path: head.path, requestId }, error);
    const text = JSON.stringify(body);
    outgoing.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "x-request-id": requestId,
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      ...serverHeaders(),
      ...headers,
      ...crossOrigin.headersFor(head.header("origin")),
    });
    outgoing.end(text);
    if (!isForgettable(incoming)) endUnread(incoming);
  }
}

function isForgettable({ headers }: IncomingMessage): boolean {
  return (
    headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) <= forgettableBytes
  );
}
