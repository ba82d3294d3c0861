import {
  bookingsCsvPath,
  bookingsXlsxPath,
  exportRoles,
  plainCodes,
  ticketKeysSchema,
} from "../contract/index.ts";
import { errorResponses } from "./errors.ts";
import { writeAnswer } from "./named-schemas.ts";
import { securityOf, type Operation } from "./operations.ts";

/** The paths that are no procedures: exports and the keys of tickets. */
export function otherPaths(): Record<string, Record<string, Operation>> {
  const workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  return {
    [bookingsCsvPath]: { get: ofExport("text/csv", "bookingsCsv", "The bookings as CSV.") },
    [bookingsXlsxPath]: { get: ofExport(workbook, "bookingsXlsx", "The bookings as a workbook.") },
    "/tickets/keys": {
      get: {
        operationId: "ticketKeys",
        tags: ["files"],
        summary: "The public keys that ticket tokens verify with.",
        security: securityOf("anyone"),
        responses: {
          "200": {
            description: "A JSON Web Key Set (RFC 7517).",
            content: { "application/json": { schema: writeAnswer(ticketKeysSchema) } },
          },
          ...errorResponses(["INVALID_API_KEY", "OVERLOADED", "INTERNAL_SERVER_ERROR"]),
        },
      },
    },
  };
}

function ofExport(type: string, operationId: string, summary: string): Operation {
  return {
    operationId,
    tags: ["files"],
    summary,
    security: securityOf(exportRoles),
    parameters: [
      {
        name: "month",
        in: "query",
        required: false,
        description: "1 to 12; left out, every month.",
        schema: { type: "integer", minimum: 1, maximum: 12 },
      },
      {
        name: "year",
        in: "query",
        required: false,
        description: "Four digits; left out, every year.",
        schema: { type: "integer", minimum: 1_000, maximum: 9_999 },
      },
    ],
    responses: {
      "200": {
        description: "The file, as it is written.",
        headers: { "content-disposition": { $ref: "#/components/headers/content-disposition" } },
        content: { [type]: { schema: { type: "string", format: "binary" } } },
      },
      ...errorResponses([...plainCodes, "INTERNAL_SERVER_ERROR"]),
    },
  };
}
