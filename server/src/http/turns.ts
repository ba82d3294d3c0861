import type { Context } from "hono";
import { authenticate } from "../auth/sessions.ts";
import type { Deps } from "../deps.ts";
import type { KeysInFlight } from "../idempotency/answer-once.ts";
import type { Context as CallContext } from "../rpc/context.ts";
import { carry, isTransportError } from "../rpc/error-shape.ts";
import { EventStream } from "../rpc/event-stream.ts";
import type { StreamForm } from "../rpc/stream-forms.ts";
import { overload, type Admission } from "./admission.ts";
import { headOf, type AppEnv } from "./caller.ts";
import { isHashing, type CallsByHead, type RequestedCalls } from "./calls.ts";
import { createPacedQueue } from "./paced-queue.ts";
import { receiveInput } from "./receive-input.ts";
import { refuse } from "./refusals.ts";

// Callers who ask again as soon as they are refused get their refusals so slowly that the processor is left to those who have a place, but
// all of them within a second or so.
const refusalRoundMs = 10;
const refusalsPerRound = 16;
const refusalShare = 0.01;

/** What differs between the calls of a server before their input is read. */
export interface CallKind {
  /** How many calls the request has. */
  count: number;
  /** Whether the answers travel as a stream of their parts. */
  isStream: boolean;
  form: StreamForm;
  markReplayed: () => void;
}

/** How calls get their turn, whatever form they come in. */
export interface Turns {
  /**
   * Receives the body of a request, and answers it when its turn comes. A call without a turn is refused, and nothing was begun then. Where `answer`
   * gives a function, the turn ends before that is called: a stream that waits for its first event keeps none meanwhile.
   */
  take(
    context: Context<AppEnv>,
    requested: RequestedCalls,
    answer: (body: string | undefined) => Promise<Response | (() => Promise<Response>)>,
  ): Promise<Response>;
  /** What is known of a call before its input is read. */
  describe(context: Context<AppEnv>, kind: CallKind): CallContext;
}

/** The one line in which all calls of a server stand. */
export function createTurns(
  deps: Deps,
  { admission, calls }: { admission: Admission; calls: CallsByHead },
): Turns {
  const keysInFlight: KeysInFlight = new Map();
  const refusals = createPacedQueue({
    perRound: (waiting) => Math.max(refusalsPerRound, waiting * refusalShare),
    nextRound: (begin) => setTimeout(begin, refusalRoundMs),
  });

  return {
    async take(context, requested, answer) {
      const head = headOf(context);
      const path = requested.paths.length === 1 ? requested.paths[0] : undefined;
      await calls.meet(head);
      const arrival = calls.arrivalOf(head, 0);
      if (admission.isRefused(arrival)) return refuseUnasked();
      const fullQueue = isHashing(requested) ? deps.hashQueue.refusal() : undefined;
      if (fullQueue !== undefined) {
        await refusals();
        return refuse(context, carry(fullQueue), { path });
      }
      try {
        const body = await receiveInput(context, requested.paths);
        const answered = await admission.run(arrival, () => answer(body));
        return typeof answered === "function" ? await answered() : answered;
      } catch (error) {
        if (error === overload) return refuseUnasked();
        if (isTransportError(error)) return refuse(context, error, { path });
        throw error;
      }

      function refuseUnasked(): Response {
        context.set("isRefusedUnasked", true);
        return refuse(context, carry(overload), { path });
      }
    },

    describe(context, { count, isStream, form, markReplayed }) {
      return {
        deps,
        caller: { address: context.get("address"), requestId: context.get("requestId") },
        calls: count,
        isStream,
        stream: new EventStream(form, () => context.req.raw.signal),
        authorization: context.req.header("authorization"),
        idempotencyKey: context.req.header("idempotency-key"),
        keysInFlight,
        markReplayed,
        authenticate,
      };
    },
  };
}
