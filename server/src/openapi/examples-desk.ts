import { booking, movie, show, slot, staffMember } from "./example-things.ts";

const screen = { id: 2, name: "Screen 2", capacity: 4 };
const cancellation = {
  showId: 12,
  status: "running",
  reason: "The projector is broken.",
  total: 40,
  refunded: 38,
  failed: [{ bookingId: 41, error: "The gateway did not answer." }],
};
const refunded = {
  ...booking,
  status: "Refunded",
  refund: { amount: "400.00", to: "source", state: "done", at: "2026-03-10T07:00:00.000Z" },
};
const sums = {
  totalRevenue: "4200.00",
  meanRevenue: "420.00",
  medianRevenue: "400.00",
  totalBookings: 10,
  totalSeatsBooked: 21,
};

/** The examples of what the cinema's own people call. */
export const deskExamples = {
  "admin.movies": { answer: [movie] },
  "admin.slots": { answer: [slot] },
  "admin.allSlots": { answer: [slot] },
  "admin.createShow": {
    request: { movieId: "tt0111161", date: "2026-03-12", slotId: 3, cost: "200.00", screenId: 1 },
    answer: { ...show, date: "2026-03-12", warnings: [] },
  },
  "admin.cancelShow": { request: { reason: "The projector is broken." }, answer: cancellation },
  "admin.showCancellation": { answer: { ...cancellation, status: "done", refunded: 40, failed: [] } },
  "admin.staff": { answer: [staffMember] },
  "admin.createStaff": {
    request: {
      username: "ravi",
      name: "Ravi Menon",
      role: "staff",
      counterNo: 2,
      password: "Copper-Kettle-3",
    },
    answer: staffMember,
  },
  "admin.updateStaff": {
    request: { disabled: true },
    answer: { ...staffMember, disabledAt: "2026-03-10T06:30:00.000Z" },
  },
  "admin.unlockAccount": { answer: { username: "asha.rao", cleared: 10 } },
  "admin.screens": { answer: [screen] },
  "admin.createScreen": {
    request: {
      name: "Screen 2",
      rows: [
        {
          row: "A",
          seats: [
            { number: 1, type: "Standard" },
            { number: 2, type: "Standard" },
          ],
        },
        {
          row: "B",
          seats: [
            { number: 1, type: "Deluxe" },
            { number: 2, type: "Deluxe" },
          ],
        },
      ],
    },
    answer: screen,
  },
  "admin.createBooking": {
    request: {
      showId: 12,
      customerName: "Meera Das",
      phoneNumber: "9876500000",
      seatNumbers: ["C1"],
      amountPaid: "200.00",
    },
    answer: {
      ...booking,
      seatNumbers: ["C1"],
      amountDue: "200.00",
      amountPaid: "200.00",
      cardAmount: "0.00",
      paymentType: "Cash",
      customerName: "Meera Das",
      customerUsername: null,
      phoneNumber: "9876500000",
      transactionId: null,
    },
  },
  "admin.refundBooking": {
    request: { to: "source", reason: "The customer fell ill." },
    answer: refunded,
  },
  "admin.doorList": { answer: { items: [booking], nextCursor: null } },
  "admin.checkIn": {
    request: { bookingIds: [42, 43, 44] },
    answer: {
      checkedIn: [42],
      alreadyDone: [{ bookingId: 43, at: "2026-03-10T10:40:00.000Z", by: "ravi" }],
      invalid: [{ bookingId: 44, reason: "NOT_CONFIRMED" }],
    },
  },
  "admin.checkInTicket": {
    request: { ticket: "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl", showId: 12 },
    answer: { outcome: "checkedIn", booking: { ...booking, status: "CheckedIn" } },
  },
  "admin.revenue": { answer: { ...sums, groups: [{ label: "2026-03-10", ...sums }] } },
  "admin.integrity": { answer: { violations: [] } },
  "admin.paymentsInDoubt": {
    answer: {
      items: [
        {
          paymentId: 9,
          bookingId: 42,
          username: "asha.rao",
          amount: "400.00",
          ageSeconds: 95,
          attempts: 4,
          lastError: "The gateway did not answer in time.",
        },
      ],
      nextCursor: null,
    },
  },
  "admin.resolvePayment": { answer: { paymentId: 9, outcome: "completed" } },
  "admin.settlePayment": {
    request: { outcome: "charged", reference: "ch_9f2c", reason: "The gateway's books have the charge." },
    answer: { paymentId: 9, outcome: "completed" },
  },
  "admin.settleRefund": {
    request: { reference: "re_5d10", reason: "The gateway's books have the refund." },
    answer: { paymentId: 9, outcome: "refunded" },
  },
};
