/** The state that a change gives to a seat. */
export type Status = "free" | "held" | "sold";

/** A change of a seat that was called for, and when: milliseconds of the machine's monotonic clock. */
export interface MadeChange {
  showId: number;
  seat: string;
  status: Status;
  atMs: number;
}

/** What a watcher was sent: seats as they are now, and when it came. */
export interface Receipt {
  atMs: number;
  seats: ReadonlyMap<string, Status>;
}

/** Milliseconds of the monotonic clock that all processes of a machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * How long each change took to one watcher, given the changes of its show and what it was sent, both in order of time. A change that a later one of the
 * same seat has overtaken came with that one. `unseen` is how many have not come.
 */
export function findDelays(changes: MadeChange[], receipts: Receipt[]): { delays: number[]; unseen: number } {
  const waiting = new Map<string, MadeChange[]>();
  const delays: number[] = [];
  let unseen = changes.length;
  let next = 0;
  for (const { atMs, seats } of receipts) {
    for (let change = changes[next]; change !== undefined && change.atMs <= atMs; change = changes[next]) {
      waiting.set(change.seat, [...(waiting.get(change.seat) ?? []), change]);
      next += 1;
    }
    for (const [seat, ofSeat] of waiting) {
      const last = ofSeat.findLastIndex(({ status }) => status === seats.get(seat));
      for (const seen of ofSeat.splice(0, last + 1)) delays.push(atMs - seen.atMs);
      if (ofSeat.length === 0) waiting.delete(seat);
    }
  }
  unseen -= delays.length;
  return { delays, unseen };
}
