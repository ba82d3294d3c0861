import type { ProcedurePath } from "./procedures.ts";

/** Where the plain-JSON routes are, below the server's address. */
export const restEndpoint = "/api/v1";

/** How a procedure is called without tRPC. */
export interface RestRoute {
  method: "GET" | "POST" | "PUT" | "PATCH";
  /** Below `restEndpoint`; a part in braces is a field of the input. */
  path: `/${string}`;
  /** The answer is what the call has created, so its status is 201. */
  creates?: true;
  /** The answer is a file of this name, not JSON. */
  file?: string;
}

/** Every procedure with its one route. GET takes the input in the query, all others in a JSON body. */
export const restRoutes = {
  "auth.signup": { method: "POST", path: "/auth/signup", creates: true },
  "auth.login": { method: "POST", path: "/auth/login" },
  "auth.logout": { method: "POST", path: "/auth/logout" },
  "auth.me": { method: "GET", path: "/auth/me" },
  "auth.securityQuestions": { method: "GET", path: "/auth/security-questions" },
  // By POST: an e-mail address in a URL would be in the logs of proxies.
  "auth.securityQuestion": { method: "POST", path: "/auth/recovery/question" },
  "auth.verifySecurityAnswer": { method: "POST", path: "/auth/recovery/answer" },
  "auth.resetPassword": { method: "POST", path: "/auth/recovery/password" },
  "auth.changePassword": { method: "PUT", path: "/auth/password" },
  "auth.updateProfile": { method: "PUT", path: "/auth/profile" },
  "auth.profileImage": { method: "GET", path: "/auth/profile-image" },
  "auth.updateProfileImage": { method: "PUT", path: "/auth/profile-image" },
  "show.cinema": { method: "GET", path: "/cinema" },
  "show.list": { method: "GET", path: "/shows" },
  "show.byId": { method: "GET", path: "/shows/{showId}" },
  "show.seatMap": { method: "GET", path: "/shows/{showId}/seat-map" },
  "show.watchSeatMap": { method: "GET", path: "/shows/{showId}/seat-map/events" },
  "show.bestAvailable": { method: "GET", path: "/shows/{showId}/best-seats" },
  "booking.initialize": { method: "POST", path: "/shows/{showId}/holds", creates: true },
  "booking.initializeBest": { method: "POST", path: "/shows/{showId}/holds/best", creates: true },
  "booking.changeSeats": { method: "PUT", path: "/bookings/{bookingId}/seats" },
  "booking.pay": { method: "POST", path: "/bookings/{bookingId}/payments" },
  "booking.cancel": { method: "POST", path: "/bookings/{bookingId}/cancellation" },
  "booking.byId": { method: "GET", path: "/bookings/{bookingId}" },
  "booking.list": { method: "GET", path: "/bookings" },
  "booking.latest": { method: "GET", path: "/bookings/latest" },
  "booking.ticketQr": {
    method: "GET",
    path: "/bookings/{bookingId}/ticket.png",
    file: "ticket-{bookingId}.png",
  },
  "booking.ticketPdf": {
    method: "GET",
    path: "/bookings/{bookingId}/ticket.pdf",
    file: "ticket-{bookingId}.pdf",
  },
  "wallet.balance": { method: "GET", path: "/wallet" },
  "wallet.addFunds": { method: "POST", path: "/wallet/top-ups" },
  "wallet.transactions": { method: "GET", path: "/wallet/transactions" },
  "admin.movies": { method: "GET", path: "/admin/movies" },
  "admin.slots": { method: "GET", path: "/admin/slots/free" },
  "admin.allSlots": { method: "GET", path: "/admin/slots" },
  "admin.createShow": { method: "POST", path: "/admin/shows", creates: true },
  "admin.cancelShow": { method: "POST", path: "/admin/shows/{showId}/cancellation" },
  "admin.showCancellation": { method: "GET", path: "/admin/shows/{showId}/cancellation" },
  "admin.staff": { method: "GET", path: "/admin/staff" },
  "admin.createStaff": { method: "POST", path: "/admin/staff", creates: true },
  "admin.updateStaff": { method: "PATCH", path: "/admin/staff/{username}" },
  "admin.unlockAccount": { method: "POST", path: "/admin/accounts/{username}/unlock" },
  "admin.screens": { method: "GET", path: "/admin/screens" },
  "admin.createScreen": { method: "POST", path: "/admin/screens", creates: true },
  "admin.createBooking": { method: "POST", path: "/admin/bookings", creates: true },
  "admin.refundBooking": { method: "POST", path: "/admin/bookings/{bookingId}/refund" },
  "admin.doorList": { method: "GET", path: "/admin/door" },
  "admin.checkIn": { method: "POST", path: "/admin/door/check-ins" },
  "admin.checkInTicket": { method: "POST", path: "/admin/door/tickets" },
  "admin.revenue": { method: "GET", path: "/admin/revenue" },
  "admin.integrity": { method: "GET", path: "/admin/integrity" },
  "admin.paymentsInDoubt": { method: "GET", path: "/admin/payments/in-doubt" },
  "admin.resolvePayment": { method: "POST", path: "/admin/payments/{paymentId}/resolve" },
  "admin.settlePayment": { method: "POST", path: "/admin/payments/{paymentId}/settle" },
  "admin.settleRefund": { method: "POST", path: "/admin/payments/{paymentId}/settle-refund" },
} as const satisfies Record<ProcedurePath, RestRoute>;
