/** What one answer said of the server's clock, against the wall clock of this device. */
interface Learnt {
  offsetMs: number;
  uncertaintyMs: number;
  at: number;
}

let learnt: Learnt | undefined;

// An older measure is worth less, since clocks drift.
const driftPerMs = 0.001;

/** Learns the server's time from an answer that was asked for and came at these times of this device. Another kind of answer teaches nothing. */
export function learnServerTime(headers: Headers, sentAt: number, receivedAt: number): void {
  const said = headers.get("date-ms");
  // An answer that may be kept can come from a cache, with the time at which it was made.
  if (headers.get("cache-control")?.includes("max-age")) return;
  if (said === null || !/^\d{1,15}$/.test(said) || receivedAt < sentAt) return;
  const uncertaintyMs = (receivedAt - sentAt) / 2;
  const offsetMs = Number(said) - (sentAt + uncertaintyMs);
  if (learnt !== undefined) {
    const boundMs = learnt.uncertaintyMs + Math.abs(receivedAt - learnt.at) * driftPerMs;
    // A slow answer says little, unless this device's clock has been set meanwhile.
    const isApart = Math.abs(offsetMs - learnt.offsetMs) > boundMs + uncertaintyMs;
    if (uncertaintyMs > boundMs && !isApart) return;
  }
  learnt = { offsetMs, uncertaintyMs, at: receivedAt };
}

/** How far the server's clock is ahead of this device's, in milliseconds; 0 before its first answer. */
export function serverAheadMs(): number {
  return learnt?.offsetMs ?? 0;
}

/** Forgets what answers said, for tests. */
export function forgetServerTime(): void {
  learnt = undefined;
}
