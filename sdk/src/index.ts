import type { AppRouter } from "@skyfox/server/api";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";

export type { AppRouter };

/** What each procedure takes: `RouterInputs["booking"]["initialize"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;

/** What each procedure returns: `RouterOutputs["show"]["list"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;

export { createSkyfoxClient, type SkyfoxClient, type SkyfoxClientOptions } from "./client.ts";
export type { DeviceTokens } from "./device-tokens.ts";
export { domainErrorOf, isSkyfoxError, type SkyfoxDomainError, type SkyfoxError } from "./errors.ts";
export type {
  BookingsCsv,
  BookingsCsvOptions,
  BookingsExportOptions,
  ExportFile,
  Exports,
  Month,
} from "./exports.ts";
export { fileToProfileImage } from "./profile-image.ts";
export type { SeatMapEnd, SeatMapStatus, WatchSeatMapOptions } from "./seat-map-view.ts";
export { verifyTicket, type TicketCalls, type TicketFault, type TicketVerification } from "./tickets.ts";
export type { Fetch } from "./timeout.ts";
export type { WatchSeatMap } from "./watch-seat-map.ts";
export * from "@skyfox/server/contract";
