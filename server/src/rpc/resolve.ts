import type { Caller, Deps, StreamingCall, User, Viewer } from "../deps.ts";
import { answerOnce } from "../idempotency/answer-once.ts";
import type { Call } from "../idempotency/call.ts";
import type { Context } from "./context.ts";
import type { ReadyAnswer } from "./ready-answer.ts";
import { identifyViewer } from "./viewer.ts";

/** What a resolver gets of a call; `Ports` is what its verb uses of the parts. */
interface Resolved<Ports, Input> {
  ctx: Omit<Context, "deps"> & { deps: Ports };
  input: Input;
  path: string;
}

/** Resolves a procedure by a verb that asks for nothing but parts and input. */
export function withInput<Ports, Input, Answer>(verb: (deps: Ports, input: Input) => Answer) {
  return ({ ctx, input }: Resolved<Ports, Input>) => verb(ctx.deps, input);
}

/** Resolves a procedure by a verb that asks where a call comes from. */
export function withCaller<Ports, Input, Answer>(
  verb: (deps: Ports, caller: Caller, input: Input) => Answer,
) {
  return ({ ctx, input }: Resolved<Ports, Input>) => verb(ctx.deps, ctx.caller, input);
}

/**
 * Resolves a procedure by a verb that asks who is signed in. If the contract lists the procedure as keyed, a call that is repeated with its key
 * gets the answer of the first one, with what `renew` brings up to date in it, and the verb commits its effect through `call`.
 */
export function withUser<Ports, Input, Answer>(
  verb: (deps: Ports, user: User, input: Input, call: Call) => Answer | Promise<Answer>,
  renew?: (deps: Pick<Deps, "db" | "clock">, kept: Answer) => Promise<Answer>,
) {
  type Parts = Ports & Pick<Deps, "db" | "clock">;
  return async ({ ctx, input, path }: Resolved<Parts, Input> & { ctx: { user: User } }): Promise<Answer> =>
    await answerOnce(ctx, path, input, (call) => verb(ctx.deps, ctx.user, input, call), renew);
}

/** Resolves a query by a verb that asks who looks. */
export function withViewer<Ports, Input, Answer>(
  verb: (deps: Ports, viewer: Viewer, input: Input) => Promise<Answer>,
) {
  return async ({ ctx, input }: Resolved<Ports, Input> & { ctx: { viewer: Viewer } }): Promise<Answer> =>
    await verb(ctx.deps, ctx.viewer, input);
}

/** Resolves a subscription by a verb that asks who looks and yields events. */
export function withViewerStreaming<Ports, Input, Event>(
  verb: (deps: Ports, viewer: Viewer, input: Input, call: StreamingCall) => AsyncGenerator<Event, void>,
) {
  type Streamed = { ctx: Context & { deps: Ports; viewer: Viewer }; input: Input };
  return ({ ctx, input }: Streamed) =>
    verb(ctx.deps, ctx.viewer, input, { signal: ctx.stream.signal, identify: () => identifyViewer(ctx) });
}

/** Resolves a query, which has a `readyOutput`, by a verb whose answer is written already: to clients it is the answer itself. */
export function withReadyAnswer<Ports, Input, Answer>(
  verb: (deps: Ports, viewer: Viewer, input: Input) => Promise<ReadyAnswer<Answer>>,
) {
  return async ({ ctx, input }: Resolved<Ports, Input> & { ctx: { viewer: Viewer } }): Promise<Answer> => {
    const ready = await verb(ctx.deps, ctx.viewer, input);
    return (ctx.isStream ? ready.read() : ready) as Answer;
  };
}
