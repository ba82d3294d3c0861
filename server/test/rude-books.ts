import type { ServerResponse } from "node:http";
import { reset, success, unknownKey, type Asked, type Rude } from "./rude-gateway.ts";

/** The gateway's own record of what it took and gave back; declines are in neither. */
export interface GatewayBooks {
  books(): {
    charges: readonly { key: string; transactionId: string; amount: string }[];
    refunds: readonly { key: string; transactionId: string; amount: string }[];
  };
}

/** A gateway with books of its own, which may misbehave in every answer but never lies about a charge that it is asked about. */
export interface RudeBooks extends GatewayBooks {
  answer(asked: Asked): Promise<Rude>;
  /** From now on it answers every call at once and well. */
  becomePolite(): void;
  /** How often it has done what, most frequent first. */
  deeds(): [string, number][];
}

interface Attempt {
  amount: string;
  transactionId: string;
  state: "running" | "charged" | "declined";
}

const refused = { status: 403, body: {} };
const truncated: Rude = (response) =>
  void response.writeHead(200, { "content-type": "application/json" }).end('{"status": "SUCC');
const emptyNotFound: Rude = (response) => void response.writeHead(404).end();
const moved: Rude = (response) => void response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
const cutShort: Rude = (response: ServerResponse) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
  response.write('{"status": ', () => response.socket?.resetAndDestroy());
};
const page: Rude = (response) =>
  void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
const status = (code: number): Rude => ({ status: code, body: { message: "Something went wrong." } });

// What is said after the money was taken or given back, so that the caller cannot know.
const afterwards: Record<string, Rude> = {
  "409 afterwards": status(409),
  "400 afterwards": status(400),
  "404 without a body afterwards": emptyNotFound,
  "429 afterwards": status(429),
  "500 afterwards": status(500),
  "502 afterwards": status(502),
  "reset afterwards": reset,
  "truncated JSON": truncated,
  "cut in the middle of the answer": cutShort,
  "another status word": { status: 200, body: { status: "OK" } },
  "a web page": page,
  "a redirection": moved,
};

// Nothing was taken or given back.
const instead: Record<string, Rude> = {
  "403 instead": refused,
  "409 instead": status(409),
  "503 instead": status(503),
  "reset instead": reset,
  "404 without a body instead": emptyNotFound,
};

const rudeAsk: Record<string, Rude> = {
  "500 when asked": status(500),
  "404 without a body when asked": emptyNotFound,
  "reset when asked": reset,
  "truncated JSON when asked": truncated,
  "429 when asked": status(429),
};

// Longer than the ten seconds of a charge and than the three of a refund or a question, and short of the twenty after which an unknown key is believed.
const tooSlowMs = 12_000;
const slowMs = 1_500;

/** Its chances come from `random` (0 to 1); `wait` is how it waits before a slow answer. */
export function openRudeBooks(random: () => number, wait: (ms: number) => Promise<void>): RudeBooks {
  const attempts = new Map<string, Attempt>();
  const refunds = new Map<string, { transactionId: string; amount: string }>();
  const counts = new Map<string, number>();
  let isPolite = false;

  const count = (deed: string) => counts.set(deed, (counts.get(deed) ?? 0) + 1);
  function pick(deeds: Record<string, Rude>): Rude {
    const [name, rude] = Object.entries(deeds)[Math.floor(random() * Object.keys(deeds).length)]!;
    count(name);
    return rude;
  }

  function settle(key: string, attempt: Attempt, state: "charged" | "declined"): Rude {
    if (attempt.state === "running") attempt.state = state;
    attempts.set(key, attempt);
    return attemptAnswer(attempt);
  }

  async function charge({ key, body }: Asked): Promise<Rude> {
    const known = attempts.get(key);
    if (known !== undefined) {
      count("the same key again");
      return known.state === "running" ? status(409) : attemptAnswer(known);
    }
    const attempt: Attempt = {
      amount: String(body["amount"]),
      transactionId: `txn_${crypto.randomUUID()}`,
      state: "running",
    };
    const chance = isPolite ? 0 : random();
    if (chance < 0.55) {
      count("charged");
      return settle(key, attempt, "charged");
    }
    if (chance < 0.62) {
      count("declined");
      return settle(key, attempt, "declined");
    }
    if (chance < 0.64) {
      count("422");
      return {
        status: 422,
        body: { errors: [{ field: "card_number", message: "Card number is not valid" }] },
      };
    }
    if (chance < 0.7) return pick(instead);
    if (chance < 0.73) {
      count("slow, pending when asked");
      attempts.set(key, attempt);
      await wait(slowMs);
      return settle(key, attempt, "charged");
    }
    if (chance < 0.75) {
      count("charged when its caller has given up");
      await wait(tooSlowMs);
      return settle(key, attempt, "charged");
    }
    if (chance < 0.77) {
      count("answered when its caller has given up");
      settle(key, attempt, "charged");
      await wait(tooSlowMs);
      return attemptAnswer(attempt);
    }
    settle(key, attempt, "charged");
    return pick(afterwards);
  }

  async function ask({ key }: Asked): Promise<Rude> {
    if (!isPolite && random() < 0.3) {
      if (random() < 0.8) return pick(rudeAsk);
      count("slow when asked");
      await wait(slowMs);
    }
    const attempt = attempts.get(key);
    if (attempt === undefined) return unknownKey;
    if (attempt.state === "running") return { status: 200, body: { status: "PENDING" } };
    return attempt.state === "charged"
      ? success(attempt.transactionId, attempt.amount)
      : { status: 200, body: { status: "FAILED" } };
  }

  async function giveBack({ key, body }: Asked): Promise<Rude> {
    const chance = isPolite ? 0 : random();
    if (chance >= 0.8) return pick(instead);
    const transactionId = String(body["transaction_id"]);
    const amount = String(body["amount"]);
    if (!refunds.has(key)) refunds.set(key, { transactionId, amount });
    count(chance < 0.6 ? "given back" : "given back, unheard");
    if (chance >= 0.78) await wait(slowMs);
    return chance < 0.6 ? { status: 200, body: { status: "SUCCESS" } } : pick(afterwards);
  }

  return {
    async answer(asked) {
      if (asked.what === "charge") return charge(asked);
      if (asked.what === "ask") return ask(asked);
      return asked.what === "refund" ? giveBack(asked) : emptyNotFound;
    },
    becomePolite() {
      isPolite = true;
    },
    deeds: () => Array.from(counts).toSorted(([, one], [, other]) => other - one),
    books: () => ({
      charges: Array.from(attempts)
        .filter(([, { state }]) => state === "charged")
        .map(([key, { transactionId, amount }]) => ({ key, transactionId, amount })),
      refunds: Array.from(refunds, ([key, refund]) => ({ key, ...refund })),
    }),
  };
}

function attemptAnswer({ state, transactionId }: Attempt): Rude {
  return state === "charged"
    ? success(transactionId)
    : {
        status: 200,
        body: { status: "FAILED", transaction_id: transactionId, message: "The card was declined." },
      };
}
