import { setTimeout as pause } from "node:timers/promises";
import { isOpen, saidBy } from "./money-calls.ts";
import { mutate, type Answer } from "./rpc-call.ts";

/** An answer that counts: what was given, or the code of the refusal. */
export type Heard<Data> =
  | { data: Data; code: undefined }
  /** Of a call that `isOpen` an earlier try had no answer: no refusal is kept under a key, so a server that was frozen may still do it. */
  | { data: undefined; code: string; isOpen: boolean };

/** One call to make until it is answered. */
export interface Call {
  path: string;
  input: object;
  token: string;
  /** The intent's own; left out for calls that need none. */
  key?: string;
}

/** Callers who repeat a call with its key, at whichever server, until one of them answers for good. Some leave before the first answer. */
export interface PersistentCallers {
  call<Data>(call: Call): Promise<Heard<Data>>;
  /** Repeats answered calls, all or those that chance picks, and keeps what differs from the first answer. */
  repeat(share: number): Promise<void>;
  counts: { answered: number; lost: number; left: number; repeated: number };
  /** Repeats with another answer than the first, errors of ours, and refusals that no right call gets. */
  surprises: string[];
}

const attemptMs = 20_000;
const answeredWithinMs = 180_000;
// As the SDK's own: a card that could not be charged is tried again with the same key.
const gatewayTries = 3;
const stored = new Set<string | undefined>([undefined, "PAYMENT_DECLINED", "PAYMENT_VALIDATION_FAILED"]);
const neverRight =
  /^(VALIDATION_ERROR|INVALID_(API_KEY|TOKEN|SEAT|AMOUNT)|MISSING_TOKEN|SESSION_ENDED|FORBIDDEN|IDEMPOTENCY_MISMATCH|\w+_NOT_FOUND|RATE_LIMITED)$/;

/** Their chances come from `random` (0 to 1); `pickUrl` names a server, dead or alive. */
export function createPersistentCallers(options: {
  pickUrl: () => string;
  apiKey: string;
  random: () => number;
}): PersistentCallers {
  const { pickUrl, apiKey, random } = options;
  const counts = { answered: 0, lost: 0, left: 0, repeated: 0 };
  const surprises: string[] = [];
  const remembered: { call: Call; said: string }[] = [];

  async function send(call: Call, mayLeave: boolean): Promise<Answer<unknown> | undefined> {
    const leaves = mayLeave && random() < 0.08;
    const signal = AbortSignal.timeout(leaves ? Math.ceil(random() * 400) : attemptMs);
    const url = pickUrl();
    const server = {
      app: { request: (path: string, init: RequestInit) => fetch(`${url}${path}`, { ...init, signal }) },
    };
    const { path, input, token, key } = call;
    const headers = key === undefined ? {} : { "idempotency-key": key };
    try {
      return await mutate(server, path, input, { apiKey, token, headers });
    } catch {
      counts[leaves ? "left" : "lost"] += 1;
      return undefined;
    }
  }

  async function untilAnswered(call: Call): Promise<{ answer: Answer<unknown>; hadNoAnswer: boolean }> {
    const deadline = performance.now() + answeredWithinMs;
    let unavailable = 0;
    let hadNoAnswer = false;
    for (let attempt = 0; performance.now() < deadline; attempt += 1) {
      const answer = await send(call, attempt === 0);
      hadNoAnswer ||= answer === undefined;
      const code = answer?.error?.data.domain?.code;
      if (code === "PAYMENT_GATEWAY_UNAVAILABLE") unavailable += 1;
      const isRefusedByGateway = code === "PAYMENT_GATEWAY_UNAVAILABLE" && unavailable === gatewayTries;
      if (answer !== undefined && (answer.status < 500 || isRefusedByGateway) && !isOpen(answer)) {
        counts.answered += 1;
        return { answer, hadNoAnswer };
      }
      if (answer?.status === 500) surprises.push(`${call.path}: ${answer.text}`);
      // Not to wait for anything: only so that repeats do not crowd out everything else.
      await pause(50 + random() * 200);
    }
    throw new Error(`${call.path} was not answered within ${answeredWithinMs / 1_000} s.`);
  }

  return {
    counts,
    surprises,
    async call<Data>(call: Call): Promise<Heard<Data>> {
      const { answer, hadNoAnswer } = await untilAnswered(call);
      const code = answer.error === undefined ? undefined : (answer.error.data.domain?.code ?? "UNKNOWN");
      if (call.key !== undefined && stored.has(code)) remembered.push({ call, said: textOf(answer) });
      if (code !== undefined && neverRight.test(code)) surprises.push(`${call.path}: ${code}`);
      return code === undefined
        ? { data: answer.data as Data, code }
        : { data: undefined, code, isOpen: hadNoAnswer };
    },
    async repeat(share) {
      const chosen = remembered.filter(() => random() < share).values();
      const repeatOne = async () => {
        for (const { call, said } of chosen) {
          const again = textOf((await untilAnswered(call)).answer);
          counts.repeated += 1;
          if (again !== said) surprises.push(`${call.path} ${call.key}: first ${said}, then ${again}`);
        }
      };
      await Promise.all(Array.from({ length: 8 }, repeatOne));
    },
  };
}

function textOf(answer: Answer<unknown>): string {
  return JSON.stringify(saidBy(answer));
}
