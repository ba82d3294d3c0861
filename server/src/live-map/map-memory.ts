import type { ClaimRow, LayoutRow } from "@skyfox/db";
import type { SeatMap, SeatMapEvent } from "../contract/index.ts";
import { seatPrices } from "../show/seat-prices.ts";
import type { SeatMapNews } from "./ports.ts";

// A watcher that has missed more changes than that gets the whole map.
const mostMissed = 100;

type SeatStatus = ClaimRow["status"];

interface RememberedClaim extends ClaimRow {
  /** As watchers see it: an overdue hold is free. */
  shown: SeatStatus;
  /** The change of this memory that touched the seat last. */
  changedIn: number;
  /** The version of the map at which the claim was read as it is. */
  since: number;
}

/**
 * What one show's watchers share: its claims, and for each when it changed last. What a watcher has missed is found by that, as one event with the
 * seats as they are now, so that nothing is queued for anyone.
 */
export class MapMemory {
  readonly #showId: number;
  readonly #claims = new Map<string, RememberedClaim>();
  readonly #made = new Map<number, SeatMapNews>();
  #version = 0;
  /** Counts what watchers can see; 0 until the claims are read for the first time. */
  #changes = 0;
  // Of the first reading, and of one that went back, as after a failover that lost commits.
  #begunAt = { version: 0, change: 0 };

  constructor(showId: number) {
    this.#showId = showId;
  }

  /** The sum of the claims' versions. */
  get version(): number {
    return this.#version;
  }

  /** Grows with each change that a watcher has to see. */
  get changes(): number {
    return this.#changes;
  }

  /** Takes in all claims of the show as they were read. */
  take(claims: ClaimRow[], now: Date): void {
    const version = claims.reduce((sum, claim) => sum + claim.version, 0);
    const changed = claims.filter((claim) => this.#claims.get(claim.seatNumber)?.version !== claim.version);
    const isBeginning = this.#changes === 0 || version < this.#version;
    if (changed.length === 0 && !isBeginning) return this.freeOverdue(now);
    this.#version = version;
    this.#count();
    if (isBeginning) this.#begunAt = { version, change: this.#changes };
    for (const claim of changed) {
      const shown = shownAt(claim, now);
      this.#claims.set(claim.seatNumber, { ...claim, shown, changedIn: this.#changes, since: version });
    }
    this.freeOverdue(now);
  }

  /** Shows holds whose time is over as free; the version stays until their expiry is written. */
  freeOverdue(now: Date): void {
    const turned = this.#claims
      .values()
      .filter((claim) => claim.shown !== shownAt(claim, now))
      .toArray();
    if (turned.length === 0) return;
    this.#count();
    for (const claim of turned) {
      claim.shown = shownAt(claim, now);
      claim.changedIn = this.#changes;
    }
  }

  /** When the next hold is overdue. */
  nextOverdue(): Date | undefined {
    let next: Date | undefined;
    for (const { shown, freeAfter } of this.#claims.values())
      if (shown !== "free" && freeAfter !== null && !(next && next <= freeAfter)) next = freeAfter;
    return next;
  }

  /** What has changed after a change of this memory; the whole map for a watcher that has missed much. */
  after(change: number, layout: LayoutRow[]): SeatMapNews | undefined {
    if (change === this.#changes) return undefined;
    if (change < this.#begunAt.change || this.#changes - change > mostMissed) return this.whole(layout);
    return this.#make(change, () => this.#changed(({ changedIn }) => changedIn > change));
  }

  /** What has changed after a version of the map, also one that another server sent; the whole map where that is not known. */
  afterVersion(version: number | undefined, layout: LayoutRow[]): SeatMapNews {
    if (version === undefined || version < this.#begunAt.version || version > this.#version)
      return this.whole(layout);
    // Whether the caller has seen that a hold was overdue then, its version does not say.
    return this.#news(
      this.#changed(({ since, status, shown }) => since > version || (status !== "free" && shown === "free")),
    );
  }

  /** The whole map. */
  whole(layout: LayoutRow[]): SeatMapNews {
    return this.#make(-1, () => ({ type: "snapshot", seatMap: this.#seatMap(layout) }));
  }

  /** An event under the version of now. */
  #news(data: SeatMapEvent): SeatMapNews {
    return { id: String(this.#version), data };
  }

  #count(): void {
    this.#changes += 1;
    this.#made.clear();
  }

  // One event for all watchers that miss the same.
  #make(key: number, make: () => SeatMapEvent): SeatMapNews {
    const made = this.#made.get(key) ?? this.#news(make());
    this.#made.set(key, made);
    return made;
  }

  #changed(isMissed: (claim: RememberedClaim) => boolean): SeatMapEvent {
    const seats = this.#claims
      .values()
      .filter(isMissed)
      .map(({ seatNumber, shown }) => ({ seatNumber, status: shown }))
      .toArray();
    return { type: "changed", version: this.#version, seats };
  }

  #seatMap(layout: LayoutRow[]): SeatMap {
    const [first] = layout;
    if (first === undefined) throw new Error(`Show ${this.#showId} has no seats.`);
    return {
      showId: this.#showId,
      version: this.#version,
      prices: seatPrices(first.cost),
      rows: Array.from(
        Map.groupBy(layout, ({ row }) => row),
        ([row, seats]) => ({
          row,
          seats: seats.map(({ seatNumber, column, type }) => ({
            seatNumber,
            column,
            type,
            status: this.#claims.get(seatNumber)?.shown ?? "free",
          })),
        }),
      ),
    };
  }
}

function shownAt({ status, freeAfter }: ClaimRow, now: Date): SeatStatus {
  return freeAfter !== null && freeAfter <= now ? "free" : status;
}
