// First: what it sets holds for every schema after it.
// oxlint-disable-next-line import/no-unassigned-import -- it has nothing to give
import "./no-eval.ts";

export { cardBrand, parseCard } from "./cards.ts";
export type { CardBrand, CardProblem, ParsedCard, TypedCard } from "./cards.ts";

// The schemas that the server checks inputs with, for a page to check them before it sends.
export {
  addFundsInput,
  amountSchema,
  bestSeatsInput,
  cancelShowInput,
  cardSchema,
  changePasswordInput,
  changeSeatsInput,
  checkInInput,
  checkInTicketInput,
  cinemaDateSchema,
  createScreenInput,
  createShowInput,
  createStaffInput,
  doorListInput,
  emailSchema,
  freeSlotsInput,
  holdSeatsInput,
  listBookingsInput,
  listShowsInput,
  logInInput,
  nameSchema,
  newPasswordSchema,
  payBookingInput,
  phoneNumberSchema,
  profileImageSchema,
  refundBookingInput,
  resetPasswordInput,
  revenueInput,
  seatNumbersSchema,
  securityAnswerSchema,
  securityQuestionInput,
  sellAtCounterInput,
  settlePaymentInput,
  settleRefundInput,
  showCostSchema,
  signUpInput,
  topUpAmountSchema,
  unlockAccountInput,
  updateProfileImageInput,
  updateProfileInput,
  updateStaffInput,
  usernameSchema,
  verifySecurityAnswerInput,
} from "@skyfox/server/contract";
