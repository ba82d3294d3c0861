import type { TRPCError } from "@trpc/server";
import type { z } from "zod";
import { sentences, type DomainCode } from "../contract/index.ts";
import { DomainError, type Problem } from "../errors/domain-error.ts";
import { carry, shapeError, transportError, type ErrorShape } from "../rpc/error-shape.ts";
import { describeCode, type JsonSchema } from "./descriptions.ts";
import { errorDetails } from "./error-details.ts";
import { refTo, writeAnswer, type NamedSchemas } from "./named-schemas.ts";

// What a call can fail with before there is one, or through no fault of its caller.
const transportTexts = {
  TIMEOUT: "The body came too slowly.",
  PAYLOAD_TOO_LARGE: "The body is larger than this call can take.",
  UNSUPPORTED_MEDIA_TYPE: "The body is of another type than `application/json`.",
  INTERNAL_SERVER_ERROR:
    "A fault of the server. Nothing of its cause is told; name `request_id` when you ask about it.",
};

type TransportCode = keyof typeof transportTexts;

/** A code that an answer can have. */
export type AnsweredCode = DomainCode | TransportCode;

/** What a request that has a body can fail with beside its procedure's codes. */
export const bodyCodes: readonly TransportCode[] = ["TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"];

/** A response of a document. */
export interface ResponseObject {
  description: string;
  headers?: Record<string, JsonSchema>;
  content?: Record<
    string,
    { schema: JsonSchema; example?: unknown; examples?: Record<string, { value: unknown }> }
  >;
}

const requestId = "6f6f2d0e-8f3c-4b7e-9c0e-0d4f3c0a9b51";

/** The schemas of these codes by their names: each has its own details. */
export function errorSchemas(codes: Iterable<AnsweredCode>): NamedSchemas {
  return Object.fromEntries(Array.from(new Set(codes), (code) => [nameOfError(code), schemaOf(code)]));
}

/** The responses of the codes that a call can fail with, by their statuses. */
export function errorResponses(codes: Iterable<AnsweredCode>): Record<string, ResponseObject> {
  const byStatus = Map.groupBy(new Set(codes), (code) => shapeOf(code).data.httpStatus);
  const statuses = [...byStatus].toSorted(([one], [other]) => one - other);
  return Object.fromEntries(statuses.map(([status, ofStatus]) => [String(status), responseOf(ofStatus)]));
}

function responseOf(codes: AnsweredCode[]): ResponseObject {
  return {
    description: codes.map((code) => `- \`${code}\`: ${meaningOf(code)}`).join("\n"),
    headers: {
      "x-request-id": { $ref: "#/components/headers/x-request-id" },
      ...(codes.some(namesWait) && { "retry-after": { $ref: "#/components/headers/retry-after" } }),
    },
    content: {
      "application/json": {
        schema: oneOf(codes),
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

// The header says what these details say.
function namesWait(code: AnsweredCode): boolean {
  const details = detailsOf(code);
  return details !== undefined && "retryAfterSeconds" in (writeAnswer(details.schema).properties ?? {});
}

function oneOf(codes: AnsweredCode[]): JsonSchema {
  const [only, ...others] = codes.map((code) => refTo(nameOfError(code)));
  if (only === undefined) return {};
  if (others.length === 0) return only;
  const mapping = codes.map((code) => [code, `#/components/schemas/${nameOfError(code)}`] as const);
  return {
    oneOf: [only, ...others],
    discriminator: { propertyName: "code", mapping: Object.fromEntries(mapping) },
  };
}

function schemaOf(code: AnsweredCode): JsonSchema {
  const details = detailsOf(code);
  const hasFields = code === "VALIDATION_ERROR";
  return {
    type: "object",
    description: meaningOf(code),
    properties: {
      status: { type: "string", const: "ERROR" },
      code: { type: "string", const: code },
      message: { type: "string", description: "A sentence for a person." },
      request_id: { type: "string", description: "Names the request in the server's log." },
      ...(details && { details: writeAnswer(details.schema) }),
      ...(hasFields && { errors: fieldProblems }),
    },
    required: [
      "status",
      "code",
      "message",
      "request_id",
      ...(details ? ["details"] : []),
      ...(hasFields ? ["errors"] : []),
    ],
  };
}

const fieldProblems: JsonSchema = {
  type: "array",
  description: "What is wrong with the input, ten fields at most.",
  items: {
    type: "object",
    properties: {
      field: { type: "string", description: "As a caller would write it, such as `seatNumbers[1]`." },
      message: { type: "string" },
    },
    required: ["field", "message"],
  },
};

function exampleOf(code: AnsweredCode): object {
  const { message } = shapeOf(code);
  return {
    status: "ERROR",
    code,
    message,
    request_id: requestId,
    ...(detailsOf(code) && { details: detailsOf(code)?.example }),
    ...(code === "VALIDATION_ERROR" && {
      errors: [{ field: "limit", message: "Too big: expected number to be <=100" }],
    }),
  };
}

function detailsOf(code: AnsweredCode): { schema: z.ZodType; example: object } | undefined {
  const details: Partial<Record<string, { schema: z.ZodType; example: object }>> = errorDetails;
  return details[code];
}

// An error that is made looks at its stack, and a code is that of many procedures.
const shapes = new Map<AnsweredCode, ErrorShape>();

function shapeOf(code: AnsweredCode): ErrorShape {
  let shape = shapes.get(code);
  if (shape === undefined) {
    const error: TRPCError = isTransport(code)
      ? transportError(code)
      : carry(new DomainError({ code, details: null } as Problem));
    shape = shapeError(error, { path: undefined, requestId });
    shapes.set(code, shape);
  }
  return shape;
}

function meaningOf(code: AnsweredCode): string {
  if (isTransport(code)) return transportTexts[code];
  return describeCode(code);
}

function isTransport(code: AnsweredCode): code is TransportCode {
  return !(code in sentences);
}

function nameOfError(code: AnsweredCode): string {
  const words = code.toLowerCase().split("_");
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return name.endsWith("Error") ? name : `${name}Error`;
}
