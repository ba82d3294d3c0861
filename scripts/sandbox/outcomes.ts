import type { ServerResponse } from "node:http";
import { forbidden, rejected, unavailable } from "./gateway-answers.ts";
import { type Answer, sendJson } from "./loopback-server.ts";

/**
 * What happens to one charge or refund. `timeout-*`, `slow` and `late` wait until the test releases them.
 * - `success`, `declined`: done and answered; a refund that is declined is refused with 422
 * - `slow`: asking says PENDING; done and answered when released
 * - `late`: asking says UNKNOWN_KEY; done and answered when released
 * - `timeout-before-effect`: never done; reset when released
 * - `timeout-after-effect`: done; answered when released
 * - `error-after-success`, `conflict-after-success`: done, then 500 or 409
 * - `reset-before-effect`, `reset-after-effect`: the socket is reset
 * - `unreadable`: done, then 200 with a broken body
 * - `rejected`, `forbidden`, `unavailable`: 422, 403 and 503, never done
 */
export type Outcome =
  | "success"
  | "declined"
  | "slow"
  | "late"
  | "timeout-before-effect"
  | "timeout-after-effect"
  | "error-after-success"
  | "conflict-after-success"
  | "reset-before-effect"
  | "reset-after-effect"
  | "unreadable"
  | "rejected"
  | "forbidden"
  | "unavailable";

/** A charge or refund as it arrived, without the card. The amount is not checked yet. */
export type GatewayCall = { key: string; amount: string };

/** The test's hold on one scripted call. */
export type ScriptedCall = {
  /** Resolves when the call has come; all that it does before it waits or answers is then done. */
  arrived: Promise<GatewayCall>;
  /** Lets a waiting call go on, now or when it comes, and resolves when the gateway is through with it. */
  release(): Promise<void>;
  /** Takes it back, unless a call has come. */
  withdraw(): void;
};

/** One outcome on its way through the gateway. */
export type Step = {
  outcome: Outcome;
  arrive(call: GatewayCall): void;
  released: Promise<unknown>;
  finish(): void;
};

/** The outcomes a test has asked for, taken one by one. */
type OutcomeQueue = { add: (outcome: Outcome) => ScriptedCall; take: () => Step | undefined };

/** Makes an empty queue. */
export function createOutcomeQueue(): OutcomeQueue {
  const steps: Step[] = [];
  return {
    add: (outcome) => {
      const arrived = Promise.withResolvers<GatewayCall>();
      const released = Promise.withResolvers<void>();
      const finished = Promise.withResolvers<void>();
      const step = { outcome, arrive: arrived.resolve, released: released.promise, finish: finished.resolve };
      steps.push(step);
      return {
        arrived: arrived.promise,
        release: async () => {
          released.resolve();
          await finished.promise;
        },
        withdraw: () => {
          if (steps.includes(step)) steps.splice(steps.indexOf(step), 1);
        },
      };
    },
    take: () => steps.shift(),
  };
}

/** What the gateway does for one call: `perform` and `decline` change the books, once, and give the answer. */
type Work = {
  perform(): Answer;
  decline(): Answer;
  /** Makes asking say PENDING until the answer is there. */
  announce(answer: Promise<Answer>): void;
  /** True once the gateway is stopped: a call that still waits must not reach the books. */
  isStopped(): boolean;
};

/** A step without a script. */
export function unscriptedStep(outcome: Outcome, released: Promise<unknown> = Promise.resolve()): Step {
  return { outcome, released, arrive: () => undefined, finish: () => undefined };
}

/** Plays one outcome of one call to its end. Rejects only when the books cannot be written. */
export async function play(
  step: Step,
  call: GatewayCall,
  work: Work,
  response: ServerResponse,
): Promise<void> {
  try {
    const played = playOutcome(step, work, response);
    // The call has run to its first wait by now; announced any earlier, `arrived` would promise too much.
    step.arrive(call);
    await played;
  } finally {
    step.finish();
  }
}

async function playOutcome(step: Step, work: Work, response: ServerResponse): Promise<void> {
  switch (step.outcome) {
    case "success":
      sendJson(response, work.perform());
      break;
    case "declined":
      sendJson(response, work.decline());
      break;
    case "slow": {
      const answer = performWhenReleased(step, work);
      work.announce(answer);
      sendJson(response, await answer);
      break;
    }
    case "late":
      sendJson(response, await performWhenReleased(step, work));
      break;
    case "timeout-before-effect":
      await step.released;
      reset(response);
      break;
    case "timeout-after-effect": {
      const answer = work.perform();
      await step.released;
      sendJson(response, answer);
      break;
    }
    case "error-after-success":
      work.perform();
      sendJson(response, { status: 500, body: { message: "The gateway failed." } });
      break;
    case "conflict-after-success":
      work.perform();
      sendJson(response, { status: 409, body: { message: "This payment is known already." } });
      break;
    case "reset-before-effect":
      reset(response);
      break;
    case "reset-after-effect":
      work.perform();
      reset(response);
      break;
    case "unreadable":
      work.perform();
      response.writeHead(200, { "content-type": "application/json" }).end('{"status": "SUCC');
      break;
    case "rejected":
      sendJson(response, rejected([{ field: "card_number", message: "Card number is not valid" }]));
      break;
    case "forbidden":
      sendJson(response, forbidden);
      break;
    case "unavailable":
      sendJson(response, unavailable);
      break;
  }
}

async function performWhenReleased(step: Step, work: Work): Promise<Answer> {
  await step.released;
  return work.isStopped() ? unavailable : work.perform();
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
