import { DomainError } from "../errors/domain-error.ts";

/** Where a call waits for its turn. `outside` is for calls that mostly wait for another service: they take no turn from the others. */
export type Lane = "queries" | "mutations" | "outside";

/** What is known of a call before anything of its body is read. */
export interface Arrival {
  /** Undefined for calls that stand in a line of their own. */
  lane: Lane | undefined;
  /** As much as that many calls cost. */
  weight: number;
  /** For what is already held: it is admitted before anything else, as long as there is room at all. */
  isUrgent: boolean;
  /** The account that makes it, where it is known and the call may be urgent or wait outside. */
  owner: string | undefined;
  /** How long the request has waited before it was read, in milliseconds. */
  waitedMs: number;
}

/** Decides which calls are begun. */
export interface Admission {
  /** Whether the call would be refused at this moment. */
  isRefused(arrival: Arrival): boolean;
  /** Begins the work when its turn comes. Throws `OVERLOADED` when it does not come in time; nothing was begun then. */
  run<Result>(arrival: Arrival, work: () => Promise<Result>): Promise<Result>;
}

export interface AdmissionOptions {
  /** Calls at work or waiting at the same time, in all. */
  maxCalls: number;
  /** How many calls are at work at the same time, for the tests to narrow. */
  atOnce?: Record<Lane, number>;
  /** Milliseconds that only go forward. */
  now?: () => number;
}

// Six queries keep one process busy, and more only make each of them slower; fewer share less of what maps and lists ask of the database. Mutations wait for
// locks and commits, too.
const defaultAtOnce = { queries: 6, mutations: 12, outside: 200 };

// Controlled delay (Nichols and Jacobson, "Controlling Queue Delay", 2012): a queue that is worked off within the interval is a burst, and no
// call of it is refused. A queue that stands, so that every call of an interval has waited for long, or that is longer than a burst, is overload.
const longWaitMs = 250;
// Two hundred buyers of one seat wait for each other's commits: they are a burst, too.
const intervalMs = { queries: 500, mutations: 2_000, outside: 2_000 };
const burst = 256;
// From a sign of overload until so long after, calls that have waited longer than the target are refused.
const targetMs = 8;
const strictMs = 1_000;
const lateReadMs = 50;

// The last part of all calls is for urgent ones.
const urgentShare = 0.1;
// Of all calls, what one account may have that are urgent or wait outside, at the same time. A client that repeats a payment fifty times at
// once finds the one answer fifty times.
const shareOfOwner = 0.1;
// So many urgent calls begin one after the other while others wait.
const urgentTurns = 3;

/** What a call is refused with that was not begun. Made once: an error that is made looks at its stack. */
export const overload = new DomainError({ code: "OVERLOADED", details: { retryAfterSeconds: 1 } });

/** Bounds the calls of one server by their number and by how long the oldest of them has waited. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { maxCalls, atOnce = defaultAtOnce, now = () => performance.now() } = options;
  const lanes = {
    queries: new WaitingLane(atOnce.queries, intervalMs.queries, now),
    mutations: new WaitingLane(atOnce.mutations, intervalMs.mutations, now),
    outside: new WaitingLane(atOnce.outside, intervalMs.outside, now),
  };
  const unhurriedCalls = Math.floor(maxCalls * (1 - urgentShare));
  const callsOfOwner = Math.ceil(maxCalls * shareOfOwner);
  let underWay = 0;

  const ofOwners = new Map<string, number>();

  function isRefused({ lane, isUrgent, owner, waitedMs }: Arrival): boolean {
    if (underWay >= (isUrgent ? maxCalls : unhurriedCalls)) return true;
    if (owner !== undefined && (ofOwners.get(owner) ?? 0) >= callsOfOwner) return true;
    if (isUrgent) return false;
    return lane !== undefined && lanes[lane].isOverloaded(waitedMs);
  }

  function count(owner: string | undefined, change: 1 | -1): void {
    if (owner === undefined) return;
    const calls = (ofOwners.get(owner) ?? 0) + change;
    if (calls > 0) ofOwners.set(owner, calls);
    else ofOwners.delete(owner);
  }

  return {
    isRefused,
    async run(arrival, work) {
      const { lane, weight, isUrgent } = arrival;
      if (isRefused(arrival)) throw overload;
      underWay += 1;
      count(arrival.owner, 1);
      try {
        if (lane === undefined) return await work();
        const turn = lanes[lane];
        if (!(await turn.take(weight, isUrgent))) throw overload;
        try {
          return await work();
        } finally {
          turn.leave(weight);
        }
      } finally {
        underWay -= 1;
        count(arrival.owner, -1);
      }
    },
  };
}

interface Waiting {
  since: number;
  weight: number;
  isUrgent: boolean;
  /** True when the turn has come, false when it will not. */
  settle: (isAdmitted: boolean) => void;
}

class WaitingLane {
  readonly #atOnce: number;
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #urgent: Waiting[] = [];
  // Those before the head have gone; the array is cut now and then, because taking the first of a long one copies it.
  #others: Waiting[] = [];
  #head = 0;
  #atWork = 0;
  #urgentInARow = 0;
  #lastPromptAt = -Infinity;
  #strictUntil = -Infinity;

  constructor(atOnce: number, interval: number, now: () => number) {
    this.#atOnce = atOnce;
    this.#intervalMs = interval;
    this.#now = now;
  }

  /** Whether a call that comes now would wait longer than calls are made to. */
  isOverloaded(waitedMs: number): boolean {
    const now = this.#now();
    if (now < this.#strictUntil && waitedMs > targetMs) {
      // The server cannot even read in time what comes.
      if (waitedMs > lateReadMs) this.#strictUntil = now + strictMs;
      return true;
    }
    const oldest = this.#others[this.#head];
    if (oldest === undefined) return false;
    const isLong = this.#others.length - this.#head >= burst;
    if (isLong) this.#strictUntil = now + strictMs;
    return isLong || this.#isTooLate(oldest, now);
  }

  async take(weight: number, isUrgent: boolean): Promise<boolean> {
    const since = this.#now();
    if (this.#atWork < this.#atOnce && this.#others[this.#head] === undefined) {
      this.#atWork += weight;
      if (!isUrgent) this.#lastPromptAt = since;
      return true;
    }
    // A queue stands since its first call began to wait, however long the calls at work have taken.
    if (!isUrgent && this.#others[this.#head] === undefined) this.#lastPromptAt = since;
    return await new Promise((settle) => {
      (isUrgent ? this.#urgent : this.#others).push({ since, weight, isUrgent, settle });
    });
  }

  leave(weight: number): void {
    this.#atWork -= weight;
    while (this.#atWork < this.#atOnce) {
      const next = this.#next();
      if (next === undefined) return;
      const now = this.#now();
      if (!next.isUrgent && this.#isTooLate(next, now)) {
        next.settle(false);
        continue;
      }
      this.#atWork += next.weight;
      if (!next.isUrgent && now - next.since <= longWaitMs) this.#lastPromptAt = now;
      next.settle(true);
    }
  }

  // Urgent calls go first, and still one turn in four is for the others: one customer's could otherwise keep them waiting for ever.
  #next(): Waiting | undefined {
    const isTurnOfOthers = this.#urgentInARow >= urgentTurns;
    const other = isTurnOfOthers || this.#urgent.length === 0 ? this.#shift() : undefined;
    const next = other ?? this.#urgent.shift();
    this.#urgentInARow = next?.isUrgent ? this.#urgentInARow + 1 : 0;
    return next;
  }

  #isTooLate({ since }: Waiting, now: number): boolean {
    if (now - since <= targetMs) return false;
    if (now - this.#lastPromptAt > this.#intervalMs) this.#strictUntil = now + strictMs;
    return now < this.#strictUntil;
  }

  #shift(): Waiting | undefined {
    const first = this.#others[this.#head];
    if (first === undefined) return undefined;
    this.#head += 1;
    if (this.#head > 512 || this.#head === this.#others.length) {
      this.#others = this.#others.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}
