import { DomainError } from "../errors/domain-error.ts";
import { networkOf } from "../limits/network.ts";

// A stream mostly ends because its page does.
const retryAfterSeconds = 5;

/** How many streams there may be at the same time. */
export interface StreamBounds {
  inAll: number;
  perAddress: number;
}

/** The places of streams. */
export interface StreamPlaces {
  /** Takes a place until it is disposed of. Throws `RATE_LIMITED` or `OVERLOADED`. */
  take(address: string): Disposable;
  /** How many are taken. */
  readonly taken: number;
}

/** Bounds streams in all and per network, as connections are: they stay, and a call's place would be taken for ever. */
export function createStreamPlaces({ inAll, perAddress }: StreamBounds): StreamPlaces {
  const perNetwork = new Map<string, number>();
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    take(address) {
      const network = networkOf(address);
      const ofNetwork = perNetwork.get(network) ?? 0;
      if (ofNetwork >= perAddress)
        throw new DomainError({ code: "RATE_LIMITED", details: { retryAfterSeconds } });
      if (taken >= inAll) throw new DomainError({ code: "OVERLOADED", details: { retryAfterSeconds } });
      taken += 1;
      perNetwork.set(network, ofNetwork + 1);
      return {
        [Symbol.dispose]() {
          taken -= 1;
          const left = (perNetwork.get(network) ?? 1) - 1;
          if (left > 0) perNetwork.set(network, left);
          else perNetwork.delete(network);
        },
      };
    },
  };
}
