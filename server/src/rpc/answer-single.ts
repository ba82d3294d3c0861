import { getTRPCErrorFromUnknown, TRPCError, type AnyTRPCProcedure } from "@trpc/server";
import { transformer } from "../contract/index.ts";
import type { Context } from "./context.ts";
import { shapeError, type ErrorShape } from "./error-shape.ts";
import { parseJson } from "./parse-json.ts";
import { readInputOfCall } from "./input-guard.ts";
import { ReadyAnswer } from "./ready-answer.ts";

/** A procedure with its path. */
export interface NamedProcedure {
  path: string;
  procedure: AnyTRPCProcedure;
}

/** What became of a call: its data, or the error with what a caller learns of it. */
export type Outcome = { data: unknown } | { error: TRPCError; shape: ErrorShape };

/** What a single call is answered with. */
export interface SingleAnswer {
  status: number;
  body: string;
  /** Of an answer that was written before. */
  etag?: string;
  error?: TRPCError;
}

/** Makes one call. `read` gives its input, or throws what the call is refused with once its caller is known. */
export async function makeCall(
  { path, procedure }: NamedProcedure,
  ctx: Context,
  read: () => unknown,
): Promise<Outcome> {
  try {
    const data: unknown = await procedure({
      path,
      ctx,
      type: procedure._def.type,
      getRawInput: async () => read(),
      signal: undefined,
      batchIndex: 0,
    });
    return { data };
  } catch (cause) {
    const error = getTRPCErrorFromUnknown(cause);
    return { error, shape: shapeError(error, { path, requestId: ctx.caller.requestId }) };
  }
}

/** Makes one call, and writes its answer as tRPC's adapter would. `json` is its input as it came, empty where there is none. */
export async function answerSingle(
  called: NamedProcedure,
  ctx: Context,
  json: string,
): Promise<SingleAnswer> {
  const outcome = await makeCall(called, ctx, () => readJson(json));
  if ("error" in outcome) {
    const { error, shape } = outcome;
    return {
      status: shape.data.httpStatus,
      body: JSON.stringify({ error: transformer.serialize(shape) }),
      error,
    };
  }
  const { data } = outcome;
  if (data instanceof ReadyAnswer)
    return { status: 200, body: `{"result":{"data":${data.text}}}`, etag: data.etag };
  return { status: 200, body: JSON.stringify({ result: { data: transformer.serialize(data) } }) };
}

function readJson(json: string): unknown {
  if (json === "") return undefined;
  let value: unknown;
  try {
    value = parseJson(json);
  } catch (cause) {
    throw new TRPCError({ code: "BAD_REQUEST", cause });
  }
  return readInputOfCall(value);
}
