import type { RestRoute } from "../contract/index.ts";
import type { ErrorShape } from "../rpc/error-shape.ts";
import { plainError, writePlain } from "../rpc/plain-json.ts";
import { ReadyAnswer } from "../rpc/ready-answer.ts";

/** An answer as it is sent. */
export interface RestAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
}

const json = { "content-type": "application/json" };

/** What a route answers: the data of its procedure as JSON or as a file, or its refusal in the plain shape. */
export function toAnswer(
  route: RestRoute,
  parameters: Record<string, string>,
  outcome: { data: unknown } | { refusal: ErrorShape },
): RestAnswer {
  if ("refusal" in outcome) return toRefusal(outcome.refusal);
  const { data } = outcome;
  if (route.file !== undefined) return toFile(data as EncodedFile, nameOf(route.file, parameters));
  if (data instanceof ReadyAnswer) {
    const headers = { ...json, etag: data.etag, "cache-control": "private, no-cache" };
    return { status: 200, headers, body: data.plainText };
  }
  return { status: route.creates ? 201 : 200, headers: json, body: writePlain(data) };
}

function toRefusal(shape: ErrorShape): RestAnswer {
  const { domain, httpStatus } = shape.data;
  const details = domain?.details ?? {};
  const wait = "retryAfterSeconds" in details ? details.retryAfterSeconds : undefined;
  return {
    status: httpStatus,
    headers: { ...json, ...(wait !== undefined && { "retry-after": String(wait) }) },
    body: writePlain(plainError(shape)),
  };
}

/** A file as procedures answer it; `data` is base64. */
interface EncodedFile {
  mimeType: string;
  data: string;
}

function toFile({ mimeType, data }: EncodedFile, name: string): RestAnswer {
  const headers = { "content-type": mimeType, "content-disposition": `attachment; filename="${name}"` };
  return { status: 200, headers, body: new Uint8Array(Buffer.from(data, "base64")) };
}

function nameOf(file: string, parameters: Record<string, string>): string {
  return file.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? "");
}
