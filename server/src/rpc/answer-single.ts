import { getTRPCErrorFromUnknown, TRPCError, type AnyTRPCProcedure } from "@trpc/server";
import { transformer } from "../contract/index.ts";
import type { Context } from "./context.ts";
import { shapeError } from "./error-shape.ts";
import { readInputOfCall } from "./input-guard.ts";
import { ReadyAnswer } from "./ready-answer.ts";

/** What a single call is answered with. */
export interface SingleAnswer {
  status: number;
  body: string;
  /** Of an answer that was written before. */
  etag?: string;
  error?: TRPCError;
}

/** Makes one call, and writes its answer as tRPC's adapter would. `json` is its input as it came, empty where there is none. */
export async function answerSingle(
  { path, procedure }: { path: string; procedure: AnyTRPCProcedure },
  ctx: Context,
  json: string,
): Promise<SingleAnswer> {
  try {
    const data: unknown = await procedure({
      path,
      ctx,
      type: procedure._def.type,
      getRawInput: () => readJson(json),
      signal: undefined,
      batchIndex: 0,
    });
    if (data instanceof ReadyAnswer)
      return { status: 200, body: `{"result":{"data":${data.text}}}`, etag: data.etag };
    return { status: 200, body: JSON.stringify({ result: { data: transformer.serialize(data) } }) };
  } catch (cause) {
    const error = getTRPCErrorFromUnknown(cause);
    const shape = shapeError(error, { path, requestId: ctx.caller.requestId });
    const body = JSON.stringify({ error: transformer.serialize(shape) });
    return { status: shape.data.httpStatus, body, error };
  }
}

async function readJson(json: string): Promise<unknown> {
  if (json === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new TRPCError({ code: "BAD_REQUEST", cause });
  }
  return readInputOfCall(value);
}
