import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { AppRouter } from "./router.ts";

export type { AppRouter };

/** What each procedure takes: `RouterInputs["booking"]["initialize"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;

/** What each procedure returns: `RouterOutputs["show"]["list"]`. */
export type RouterOutputs = inferRouterOutputs<AppRouter>;

export { createSkyfoxClient, type SkyfoxClient, type SkyfoxClientOptions } from "./client.ts";
export {
  createAdminClient,
  createCustomerClient,
  createStaffClient,
  type AdminClient,
  type CustomerClient,
  type RoleClient,
  type StaffClient,
} from "./role-clients.ts";
export type { DeviceTokens } from "./device-tokens.ts";
export type {
  Answer,
  CallOptions,
  Feature,
  KeyedCallOptions,
  Mutation,
  PagedQuery,
  Query,
  Subscription,
} from "./calls.ts";
export { isSkyfoxError, type CallFacts, type SkyfoxError } from "./errors.ts";
export {
  domainErrorOf,
  failureOf,
  outcome,
  type AmbientCode,
  type AmbientFailure,
  type Failure,
  type FailureFacts,
  type NoAnswer,
  type Outcome,
  type Refusal,
  type Refused,
  type SkyfoxDomainError,
  type Unexpected,
} from "./failures.ts";
export { countdown, type RunningOut } from "./countdown.ts";
export { endIntent, intentKey, type IntentStorage } from "./intents.ts";
export type { AnsweredRequest, SentRequest } from "./requests.ts";
export type { PlainCall, PlainCallOptions } from "./plain-calls.ts";
export type {
  CallPath,
  CodesOf,
  ErrorDataOf,
  ErrorShapeOf,
  InputOf,
  OutputOf,
  PlainCallPath,
} from "./router.ts";
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
export type { TicketCalls } from "./ticket-keys.ts";
export type { Fetch } from "./timeout.ts";
export type { WatchSeatMap } from "./watch-seat-map.ts";

// Of the contract: what a program with the client needs. The zod schemas are in `@skyfox/sdk/forms`.
export {
  bestSeats,
  bookingStatuses,
  bookingWindowDays,
  checkInReasons,
  Decimal,
  defaultPageSize,
  deluxeSurcharge,
  doorsOpenMinutes,
  firstScreenId,
  formatAmount,
  keyedProcedures,
  keyHours,
  labelParts,
  longestBlock,
  maxCheckIns,
  maxDeclinedCards,
  maxLiveHolds,
  maxPageSize,
  maxProfileImageBytes,
  maxProfileImagePixels,
  maxScreenName,
  maxScreenRows,
  maxSeatNumber,
  maxSeatsPerBooking,
  maxSeatsPerRow,
  maxSeatsPerScreen,
  maxShowCost,
  maxTicketLength,
  maxTopUp,
  maxWalletBalance,
  minAnswerLength,
  minHoldSeconds,
  noticeKinds,
  paymentOutcomes,
  paymentTypes,
  procedureCodes,
  procedureRoles,
  profileImageLinkHours,
  profileImageSide,
  profileImageTypes,
  resetTokenSeconds,
  retrySeconds,
  roles,
  seatStatuses,
  seatTypes,
  sessionHours,
  ticketReasons,
  timeframes,
  transformer,
} from "@skyfox/server/contract/plain";
export type {
  BestSeats,
  Booking,
  BookingPage,
  BookingStatus,
  Card,
  Cinema,
  CheckInOutput,
  CheckInReason,
  CheckInTicketOutput,
  DomainCode,
  DomainErrorDetails,
  DomainProblem,
  ErrorData,
  FieldProblem,
  Hold,
  ImageProblem,
  KeyedProcedure,
  LabelPart,
  Movie,
  PaymentOutcome,
  PaymentsInDoubtPage,
  ProcedureFor,
  ProcedurePath,
  ProfileImage,
  ProfileImageLink,
  Revenue,
  Role,
  ScheduledShow,
  Screen,
  SeatMap,
  SeatMapEvent,
  SeatType,
  Show,
  ShowCancellation,
  Slot,
  StaffMember,
  Ticket,
  TicketKeys,
  Timeframe,
  Wallet,
  WalletTransactionPage,
} from "@skyfox/server/contract";
