import type { ProcedurePath } from "../contract/index.ts";
import { deskExamples } from "./examples-desk.ts";
import { booking, card, cinema, hold, seatMap, show, wallet } from "./example-things.ts";

/** A body and an answer as they are sent; a body has no fields that are in the path. */
export interface Example {
  request?: object;
  answer?: unknown;
}

/** The example of a procedure. */
export function exampleOf(path: ProcedurePath): Example {
  return examples[path];
}

const examples: Record<ProcedurePath, Example> = {
  ...deskExamples,
  "auth.signup": {
    request: {
      name: "Asha Rao",
      username: "asha.rao",
      password: "Marigold-Lane-7",
      phoneNumber: "9876543210",
      email: "asha@example.com",
      securityQuestionId: 1,
      securityAnswer: "Blue bicycle",
    },
    answer: { username: "asha.rao", name: "Asha Rao" },
  },
  "auth.login": {
    request: { username: "asha.rao", password: "Marigold-Lane-7" },
    answer: {
      user: { username: "asha.rao", name: "Asha Rao", role: "customer" },
      token: "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
      expiresAt: "2026-03-11T06:30:00.000Z",
      deviceToken: "ZGV2aWNlLXRva2Vu",
      notices: [{ kind: "password-changed", at: "2026-03-09T18:00:00.000Z" }],
    },
  },
  "auth.logout": { request: { everywhere: true }, answer: { endedSessions: 2 } },
  "auth.me": {
    answer: {
      role: "customer",
      username: "asha.rao",
      name: "Asha Rao",
      email: "asha@example.com",
      phoneNumber: "9876543210",
      securityQuestionExists: true,
      createdAt: "2026-01-05T09:00:00.000Z",
    },
  },
  "auth.securityQuestions": { answer: [{ id: 1, question: "What was your first bicycle like?" }] },
  "auth.securityQuestion": {
    request: { email: "asha@example.com" },
    answer: { questionId: 1, question: "What was your first bicycle like?" },
  },
  "auth.verifySecurityAnswer": {
    request: { email: "asha@example.com", securityAnswer: "Blue bicycle" },
    answer: { resetToken: "cmVzZXQtdG9rZW4", expiresInSeconds: 300 },
  },
  "auth.resetPassword": {
    request: { email: "asha@example.com", resetToken: "cmVzZXQtdG9rZW4", newPassword: "Monsoon-Rain-8" },
    answer: { username: "asha.rao" },
  },
  "auth.changePassword": {
    request: { currentPassword: "Marigold-Lane-7", newPassword: "Monsoon-Rain-8" },
    answer: { endedSessions: 1 },
  },
  "auth.updateProfile": {
    request: {
      name: "Asha Rao",
      email: "asha.rao@example.com",
      phoneNumber: "9876543210",
      securityAnswer: "Blue bicycle",
    },
    answer: {
      username: "asha.rao",
      name: "Asha Rao",
      email: "asha.rao@example.com",
      phoneNumber: "9876543210",
    },
  },
  "auth.profileImage": {
    answer: {
      url: "https://cinema.example/images/0a1b?expires=1773210600&signature=c2ln",
      expiresAt: "2026-03-11T06:30:00.000Z",
    },
  },
  "auth.updateProfileImage": {
    request: {
      securityAnswer: "Blue bicycle",
      image: {
        base64: "iVBORw0KGgo=",
        sha256: "4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6",
      },
    },
    answer: {
      url: "https://cinema.example/images/0a1b?expires=1773210600&signature=c2ln",
      expiresAt: "2026-03-11T06:30:00.000Z",
    },
  },
  "show.cinema": { answer: cinema },
  "show.list": { answer: [show] },
  "show.byId": { answer: show },
  "show.seatMap": { answer: seatMap },
  "show.watchSeatMap": {
    answer: 'data: {"type":"changed","version":13,"seats":[{"seatNumber":"A1","status":"sold"}]}\nid: 13\n\n',
  },
  "show.bestAvailable": { answer: { seatNumbers: ["G5", "G6"], amountDue: "700.00" } },
  "booking.initialize": { request: { seatNumbers: ["A1", "A2"] }, answer: hold },
  "booking.initializeBest": {
    request: { count: 2, type: "Standard" },
    answer: { ...hold, seatNumbers: ["E5", "E6"] },
  },
  "booking.changeSeats": {
    request: { seatNumbers: ["B1", "B2"] },
    answer: { ...hold, seatNumbers: ["B1", "B2"] },
  },
  "booking.pay": { request: { method: "Card", card }, answer: booking },
  "booking.cancel": {
    answer: {
      ...booking,
      status: "Cancelled",
      amountPaid: "0.00",
      cardAmount: "0.00",
      paymentType: null,
      transactionId: null,
    },
  },
  "booking.byId": { answer: booking },
  "booking.list": { answer: { items: [booking], nextCursor: "41" } },
  "booking.latest": { answer: booking },
  "booking.ticketQr": {},
  "booking.ticketPdf": {},
  "wallet.balance": { answer: wallet },
  "wallet.addFunds": {
    request: { amount: "500.00", card },
    answer: { ...wallet, balance: "650.00", available: "650.00", transactionId: "ch_9f2c" },
  },
  "wallet.transactions": {
    answer: {
      items: [
        {
          id: 7,
          type: "ADD",
          amount: "150.00",
          balanceAfter: "150.00",
          bookingId: null,
          transactionId: "ch_77aa",
          timestamp: "2026-03-09T12:00:00.000Z",
        },
      ],
      nextCursor: null,
    },
  },
};
