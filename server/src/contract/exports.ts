import type { DomainCode } from "./errors.ts";
import type { Role } from "./roles.ts";

/** Where bookings are exported, below the server's address. */
export const bookingsCsvPath = "/exports/bookings.csv";
export const bookingsXlsxPath = "/exports/bookings.xlsx";

/** Who may export bookings. */
export const exportRoles = ["staff", "admin"] as const satisfies readonly Role[];

/** The domain codes that a call outside of tRPC can be refused with. */
export const plainCodes = [
  "INVALID_API_KEY",
  "VALIDATION_ERROR",
  "MISSING_TOKEN",
  "INVALID_TOKEN",
  "SESSION_ENDED",
  "FORBIDDEN",
  "RATE_LIMITED",
  "OVERLOADED",
  "DATABASE_UNAVAILABLE",
] as const satisfies readonly DomainCode[];
