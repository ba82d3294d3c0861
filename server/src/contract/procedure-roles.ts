import type { ProcedurePath } from "./procedures.ts";
import { roles, type Role } from "./roles.ts";

const customers = ["customer"] as const;
const atTheDoor = ["staff", "admin"] as const;
const admins = ["admin"] as const;

/**
 * Who may call each procedure: "anyone" with an API key, or a person who is signed in with one of these roles. The server refuses all others, with
 * `MISSING_TOKEN` or `FORBIDDEN`, before it reads the input.
 */
export const procedureRoles = {
  "auth.signup": "anyone",
  "auth.login": "anyone",
  "auth.logout": roles,
  "auth.me": roles,
  "auth.securityQuestions": "anyone",
  "auth.securityQuestion": "anyone",
  "auth.verifySecurityAnswer": "anyone",
  "auth.resetPassword": "anyone",
  "auth.changePassword": roles,
  "auth.updateProfile": customers,
  "auth.profileImage": customers,
  "auth.updateProfileImage": customers,
  "show.cinema": "anyone",
  "show.list": "anyone",
  "show.byId": "anyone",
  "show.seatMap": "anyone",
  "show.watchSeatMap": "anyone",
  "show.bestAvailable": "anyone",
  "booking.initialize": customers,
  "booking.initializeBest": customers,
  "booking.changeSeats": customers,
  "booking.pay": customers,
  "booking.cancel": customers,
  "booking.byId": roles,
  "booking.ticketQr": roles,
  "booking.ticketPdf": roles,
  "booking.list": customers,
  "booking.latest": customers,
  "wallet.balance": customers,
  "wallet.addFunds": customers,
  "wallet.transactions": customers,
  "admin.movies": admins,
  "admin.slots": admins,
  "admin.allSlots": admins,
  "admin.createShow": admins,
  "admin.screens": admins,
  "admin.createScreen": admins,
  "admin.staff": admins,
  "admin.createStaff": admins,
  "admin.updateStaff": admins,
  "admin.unlockAccount": admins,
  "admin.createBooking": admins,
  "admin.doorList": atTheDoor,
  "admin.checkIn": atTheDoor,
  "admin.checkInTicket": atTheDoor,
  "admin.revenue": admins,
  "admin.refundBooking": admins,
  "admin.cancelShow": admins,
  "admin.showCancellation": admins,
  "admin.paymentsInDoubt": admins,
  "admin.resolvePayment": admins,
  "admin.settlePayment": admins,
  "admin.settleRefund": admins,
  "admin.integrity": admins,
} as const satisfies Record<ProcedurePath, "anyone" | readonly Role[]>;

/** The procedures that a role may call, those for anyone among them: `ProcedureFor<"customer">`. */
export type ProcedureFor<Caller extends Role> = {
  [Path in ProcedurePath]: (typeof procedureRoles)[Path] extends "anyone"
    ? Path
    : Caller extends (typeof procedureRoles)[Path][number]
      ? Path
      : never;
}[ProcedurePath];

/** The roles that may call a procedure; all of them where anyone may. None may call what is not listed. */
export function rolesFor(path: string): readonly Role[] {
  const listed: Record<string, "anyone" | readonly Role[]> = procedureRoles;
  const allowed = listed[path] ?? [];
  return allowed === "anyone" ? roles : allowed;
}
