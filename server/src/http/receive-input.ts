import type { TRPCError } from "@trpc/server";
import type { Context } from "hono";
import { maxProfileImageBytes, type ImageProblem } from "../contract/index.ts";
import { DomainError, invalidInput } from "../errors/domain-error.ts";
import { kindOfImage } from "../image/image-file.ts";
import { carry } from "../rpc/error-shape.ts";
import { maxValuesOf, uploadPaths } from "./call-costs.ts";
import type { AppEnv } from "./caller.ts";
import {
  findJsonProblem,
  findPictureStart,
  maxCharactersBesidePicture,
  type JsonProblem,
} from "./json-values.ts";
import { receiveBody } from "./receive-body.ts";

const usually = { maxBytes: 64 * 1_024, withinMs: 20_000, leastBytesPerSecond: 0 };

// A picture of the largest size in base64, and what may stand beside it. Some JSON writers escape each + and / by six characters.
const escaped = 1 + (5 * 2) / 64;
const largestUploadBytes =
  Math.ceil((maxProfileImageBytes / 3) * 4 * escaped) + 3 * maxCharactersBesidePicture;

// A body of up to 10 MB is refused as a picture that is too large, by its own code. At a megabit a second the largest takes a minute, and a small
// one may come at modem speed.
const withPicture = {
  maxBytes: 10 * 1_024 * 1_024,
  withinMs: 60_000,
  leastBytesPerSecond: 4 * 1_024,
};

/**
 * The body of a call as a whole; undefined for a method that has none. A caller who sends it slowly has no turn meanwhile: a call begins when
 * its body is there, and has been looked at. Throws what the body is refused with.
 */
export async function receiveInput(
  context: Context<AppEnv>,
  paths: readonly string[],
): Promise<string | undefined> {
  if (!hasBody(context.req.method)) return undefined;
  const maxValues = maxValuesOf(paths[0] ?? "");
  const look = (json: string) => {
    const problem = problemOf(json, maxValues);
    if (problem !== undefined) throw problem;
  };
  const reception = uploadPaths.includes(context.req.path) ? withPicture : usually;
  const lookAtStart = (start: string, bytes: number) => {
    look(start);
    const picture = findPictureStart(start);
    return picture === undefined ? undefined : findHopelessPicture(picture, bytes);
  };
  const text = await receiveBody(context, { ...reception, lookAtStart });
  look(text);
  // Of a body that did not say how long it is.
  if (text.length > largestUploadBytes) throw imageRefused("too-large");
  return text;
}

/** Whether a request by this method has its input in a body. */
export function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** Whether a content type is JSON. */
export function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(;|$)/i.test(contentType ?? "");
}

/** What a JSON text is refused with before it is parsed, if it is. */
export function problemOf(json: string, maxValues: number): TRPCError | undefined {
  const problem = findJsonProblem(json, maxValues);
  return problem && malformed(sentences[problem]);
}

/** The refusal of an input as a whole. */
export function malformed(message: string): TRPCError {
  return carry(invalidInput("", message));
}

/** What a caller is told of a text that is not parsed. */
export const sentences: Record<JsonProblem, string> = {
  "too many values": "The input has more values than this call can take.",
  "too much text": "The input has more text than this call can take.",
};

// What a picture of megabytes would be refused with after it was received, parsed, decoded and hashed.
function findHopelessPicture(base64Start: string, bodyBytes: number): TRPCError | undefined {
  if (bodyBytes > largestUploadBytes) return imageRefused("too-large");
  const first = base64Start.slice(0, 16);
  if (first.length < 16 || first.includes("\\")) return undefined;
  if (!/^[A-Za-z0-9+/]+$/.test(first)) return imageRefused("not-base64");
  return kindOfImage(Buffer.from(first, "base64")) === undefined ? imageRefused("unsupported") : undefined;
}

function imageRefused(reason: ImageProblem): TRPCError {
  return carry(new DomainError({ code: "INVALID_IMAGE", details: { reason } }));
}
