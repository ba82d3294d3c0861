import type { DomainCode, Role } from "./errors.ts";

/** Where bookings are exported, below the server's address. */
export const bookingsCsvPath = "/exports/bookings.csv";

/** Who may export bookings. */
export const exportRoles = ["staff", "admin"] as const satisfies readonly Role[];

/** The domain codes that an export can be refused with. */
export const exportCodes = [
  "INVALID_API_KEY",
  "VALIDATION_ERROR",
  "MISSING_TOKEN",
  "INVALID_TOKEN",
  "SESSION_ENDED",
  "FORBIDDEN",
] as const satisfies readonly DomainCode[];
