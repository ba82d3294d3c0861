import { createHash } from "node:crypto";
import { DomainError } from "../errors/domain-error.ts";
import type { Limit, LimitName } from "./limit-table.ts";
import { networkOf, siteOf } from "./network.ts";
import type { Trier } from "./ports.ts";

// A /48 has this many times the tries of a /64: enough for the customers of one site.
const siteFactor = 10;

type Kind = "device" | "account" | "address" | "site";

/** What one try counts in: a limit's time for one account, device or network. */
export interface Window {
  limit: LimitName;
  kind: Kind;
  key: string;
  max: number;
  windowSeconds: number;
}

/** The windows of a limit that a try by this caller counts in. */
export function windowsOf(limit: LimitName, bounds: Limit, trier: Trier): Window[] {
  const { perDevice, perAccount, perAddress, windowSeconds } = bounds;
  const maxOf: Record<Kind, number | undefined> = {
    device: perDevice,
    account: perAccount,
    address: perAddress,
    site: perAddress && perAddress * siteFactor,
  };
  return Object.entries(subjectsOf(trier)).flatMap(([name, subject]) => {
    const kind = name as Kind;
    const max = maxOf[kind];
    if (max === undefined || subject === undefined) return [];
    return [{ limit, kind, key: `${limit}:${kind}:${subject}`, max, windowSeconds }];
  });
}

function subjectsOf({ account, device, address }: Trier): Record<Kind, string | undefined> {
  const site = siteOf(address);
  return {
    // An account's digest comes first in the key of its devices too, so that all its windows can be found.
    device: account === undefined || device === undefined ? undefined : `${digest(account)}:${device}`,
    account: account === undefined ? undefined : digest(account),
    address: digest(networkOf(address)),
    site: site === undefined ? undefined : digest(site),
  };
}

/** What is counted is kept as a digest only: people type passwords and e-mail addresses into the wrong fields. */
export function digest(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}

/** The refusal of a try that may be made again so much later. */
export function rateLimited(waitMs: number): DomainError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
}
