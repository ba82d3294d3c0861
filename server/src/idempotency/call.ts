import {
  findKey,
  insertKey,
  inTransaction,
  isKeyLocked,
  retryConflicts,
  sqlState,
  storeAnswer,
  type AnsweredKey,
  type Db,
  type KeyedCall,
  type NewKey,
  type OpenPayment,
  type Tx,
  type WindowEnd,
} from "@skyfox/db";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { keysEnd, openKept, writeKept } from "./kept-answer.ts";

/** A verb that needs more than one transaction; each step can be taken again without harm. */
export interface Steps<Answer> {
  /** What the key is committed with; refuses what cannot be done. */
  begin(tx: Tx): Promise<void>;
  goOn(): Promise<void>;
  /** The answer, after the last step. */
  describe(tx: Tx): Promise<Answer>;
  /** In the transaction that keeps the answer, and only for the answer that is kept. */
  record?(tx: Tx, answer: Answer): Promise<void>;
}

/** The key of a call as its statement takes it, with the answer. */
export type Keep<Answer> = (answer: Answer) => AnsweredKey;

/** A payment that has begun, or the answer where it needed no card. */
export type Begun<Answer> = BegunPayment<Answer> | { paid: Answer };

/** A payment whose card is to be charged. */
export interface BegunPayment<Answer> {
  payment: OpenPayment;
  /** The windows that its card was counted in as one that fails. */
  counted: readonly WindowEnd[];
  /** What its payer is answered if it is charged and nothing else happens meanwhile. */
  foretell(charge: { transactionId: string; now: Date }): Answer;
}

/**
 * The unit of work of one call. A verb does its work through exactly one of these, which takes the call's key, if it has one, in the
 * transaction of the effect. Where another call took the key meanwhile, they throw `KeyTaken`, and leave nothing behind. Throws
 * `IDEMPOTENCY_IN_FLIGHT` while another call keeps the key locked.
 */
export interface Call {
  /** Whether the answer is kept under a key. */
  isKeyed: boolean;
  /** Key, effect and answer in one commit. A refusal leaves nothing. */
  commit<Answer>(work: (tx: Tx) => Promise<Answer>): Promise<Answer>;
  /**
   * Reads what decides about a call before its key is taken. Its refusal counts only if no other call has taken the key by then: that one may
   * have had its effect already.
   */
  look<Seen>(read: () => Promise<Seen>): Promise<Seen>;
  /**
   * As `commit`, for work whose effect is one statement without a transaction. With a key, the statement takes along what `keep` makes of the
   * answer, changes nothing where the key is taken, and frees it where it refuses (`keyInStatement`).
   */
  commitStatement<Answer>(work: (keep: Keep<Answer> | undefined) => Promise<Answer>): Promise<Answer>;
  /**
   * Key and payment in one commit: the outcome of the payment keeps the answer. `begin` is one statement that takes the key it is given. With
   * `canBePaid` it has a transaction, and what is paid without a card is answered as by `commit`.
   */
  beginPayment<Answer>(
    begin: (db: Db, key: NewKey | undefined) => Promise<Begun<Answer>>,
    canBePaid: boolean,
  ): Promise<Begun<Answer>>;
  /** Records a payment's outcome, and gives the answer that is kept, if one is: another server may have recorded it first. */
  settlePayment<Answer>(record: () => Promise<Answer>): Promise<Answer>;
  /**
   * Runs a verb in steps. A call that comes again before there is an answer goes on with them, so that a dead server holds no key; the answer
   * that is written first is the one that all of them give.
   */
  inSteps<Answer>(steps: Steps<Answer>): Promise<Answer>;
}

/** Another call has taken the key, or given the answer, since this one began. `answerOnce` catches it and looks the key up again. */
export class KeyTaken extends Error {}

/** A call that was sent without a key. */
export function callWithoutKey({ db }: Pick<Deps, "db">): Call {
  return {
    isKeyed: false,
    commit: (work) => inTransaction(db, work),
    look: (read) => read(),
    commitStatement: (work) => work(undefined),
    beginPayment: (begin, canBePaid) =>
      canBePaid
        ? inTransaction(db, (tx) => begin(tx, undefined))
        : retryConflicts(() => begin(db, undefined)),
    settlePayment: (record) => record(),
    async inSteps({ begin, goOn, describe, record }) {
      await inTransaction(db, begin);
      await goOn();
      return await inTransaction(db, async (tx) => {
        const answer = await describe(tx);
        await record?.(tx, answer);
        return answer;
      });
    },
  };
}

// Another call has held the key for as long as a lock is waited for.
const inFlight = () => new DomainError({ code: "IDEMPOTENCY_IN_FLIGHT" });

/** A call with a key that has no answer yet; `hasBegun` when an earlier one has begun its steps. */
export function callWithKey(deps: Pick<Deps, "db" | "clock">, keyed: KeyedCall, hasBegun: boolean): Call {
  const { db, clock } = deps;

  const newKey = (): NewKey => {
    const now = clock.now();
    return { ...keyed, now, expiresAt: keysEnd(now) };
  };

  async function claim(tx: Tx): Promise<void> {
    try {
      if (!(await insertKey(tx, keyed, newKey()))) throw new KeyTaken();
    } catch (error) {
      if (sqlState(error) === "55P03") throw inFlight();
      throw error;
    }
  }

  const keep = (tx: Tx, answer: unknown) => storeAnswer(tx, keyed, writeKept({ answer }));

  async function commit<Answer>(work: (tx: Tx) => Promise<Answer>): Promise<Answer> {
    return await inTransaction(db, async (tx) => {
      await claim(tx);
      const answer = await work(tx);
      await keep(tx, answer);
      return answer;
    });
  }

  return {
    isKeyed: true,
    commit,
    async look(read) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        return await commit(() => Promise.reject(error));
      }
    },
    async commitStatement(work) {
      try {
        return await work((answer) => ({ ...newKey(), answer: writeKept({ answer }) }));
      } catch (error) {
        throw isKeyLocked(error) ? inFlight() : error;
      }
    },
    async beginPayment(begin, canBePaid) {
      const beginAndKeep = async (tx: Tx) => {
        const begun = await begin(tx, newKey());
        if ("paid" in begun) await keep(tx, begun.paid);
        return begun;
      };
      try {
        return await (canBePaid
          ? inTransaction(db, beginAndKeep)
          : retryConflicts(() => begin(db, newKey())));
      } catch (error) {
        throw isKeyLocked(error) ? inFlight() : error;
      }
    },
    async settlePayment<Answer>(record: () => Promise<Answer>) {
      const own = await record().then(
        (answer) => () => answer,
        (error: unknown) => () => {
          throw error;
        },
      );
      const known = await findKey(db, keyed).catch(() => undefined);
      return known === undefined || known.answer === null ? own() : (openKept(known.answer) as Answer);
    },
    async inSteps({ begin, goOn, describe, record }) {
      if (!hasBegun) {
        await inTransaction(db, async (tx) => {
          await claim(tx);
          await begin(tx);
        });
      }
      await goOn();
      return await inTransaction(db, async (tx) => {
        const answer = await describe(tx);
        if (!(await keep(tx, answer))) throw new KeyTaken();
        await record?.(tx, answer);
        return answer;
      });
    },
  };
}
