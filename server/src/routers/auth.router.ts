import type { TRPCRouterRecord } from "@trpc/server";
import * as contract from "../contract/index.ts";
import {
  publicHashingProcedure,
  publicProcedure,
  userHashingProcedure,
  userProcedure,
} from "../rpc/procedures.ts";
import { withCaller, withInput, withUser } from "../rpc/resolve.ts";
import { changePassword } from "../auth/change-password.ts";
import { uncommonPasswordSchema } from "../auth/common-passwords.ts";
import { listSecurityQuestions } from "../auth/list-security-questions.ts";
import { getMe } from "../auth/get-me.ts";
import { logIn } from "../auth/log-in.ts";
import { logOut } from "../auth/log-out.ts";
import { getProfileImage, updateProfileImage } from "../auth/profile-image.ts";
import { askSecurityQuestion, resetPassword, verifySecurityAnswer } from "../auth/recover-account.ts";
import { signUp } from "../auth/sign-up.ts";
import { updateProfile } from "../auth/update-profile.ts";

export const authRouter = {
  /**
   * Creates a customer account with an empty wallet. It opens no session: log in next. Takes no idempotency key; after a lost answer, try to log
   * in first. At most 20 sign-ups an hour from one address.
   */
  signup: publicHashingProcedure
    .input(contract.signUpInput.safeExtend({ password: uncommonPasswordSchema }))
    .output(contract.signUpOutput)
    .mutation(withCaller(signUp)),

  /**
   * Opens a session of 24 hours, and gives its token, a token of this device, and what happened to the account meanwhile. `INVALID_CREDENTIALS`
   * does not tell which of the two is wrong. Each call opens another session. After ten wrong passwords in 15 minutes an account refuses unknown
   * devices with `RATE_LIMITED`.
   */
  login: publicHashingProcedure
    .input(contract.logInInput)
    .output(contract.logInOutput)
    .mutation(withCaller(logIn)),

  /** Ends this session, or with `everywhere` all of the account's. Live seat maps that were opened with it end too. */
  logout: userProcedure.input(contract.logOutInput).output(contract.logOutOutput).mutation(withUser(logOut)),

  /** The profile of the person who is signed in. */
  me: userProcedure.input(contract.meInput).output(contract.meOutput).query(withUser(getMe)),

  /** The questions to choose from at sign-up, by ascending id. */
  securityQuestions: publicProcedure
    .input(contract.securityQuestionsInput)
    .output(contract.securityQuestionsOutput)
    .query(withInput(listSecurityQuestions)),

  /**
   * The first step of recovery: the question of the account with this e-mail address. An address without an account gets one too, always the
   * same, so that nothing is told. At most 60 calls in 15 minutes from one address.
   */
  securityQuestion: publicProcedure
    .input(contract.securityQuestionInput)
    .output(contract.securityQuestionOutput)
    .query(withCaller(askSecurityQuestion)),

  /**
   * The second step of recovery: a token for one reset, good for five minutes. After five wrong answers in 15 minutes, or ten in a day, an
   * account refuses more with `RATE_LIMITED`.
   */
  verifySecurityAnswer: publicHashingProcedure
    .input(contract.verifySecurityAnswerInput)
    .output(contract.verifySecurityAnswerOutput)
    .mutation(withCaller(verifySecurityAnswer)),

  /**
   * The last step of recovery: a new password, and the end of all sessions. The token works once, and `PASSWORD_REUSE` and a refused password
   * leave it good.
   */
  resetPassword: publicHashingProcedure
    .input(contract.resetPasswordInput.extend({ newPassword: uncommonPasswordSchema }))
    .output(contract.resetPasswordOutput)
    .mutation(withCaller(resetPassword)),

  /**
   * Changes the password and ends the person's other sessions. Takes no idempotency key. After ten wrong current passwords in 15 minutes:
   * `RATE_LIMITED`.
   */
  changePassword: userHashingProcedure
    .input(contract.changePasswordInput.extend({ newPassword: uncommonPasswordSchema }))
    .output(contract.changePasswordOutput)
    .mutation(withUser(changePassword)),

  /**
   * Changes a customer's name, e-mail address and phone number together. The same input again changes nothing more. Wrong answers count as those
   * of recovery do.
   */
  updateProfile: userHashingProcedure
    .input(contract.updateProfileInput)
    .output(contract.updateProfileOutput)
    .mutation(withUser(updateProfile)),

  /** Where one's picture can be fetched for the next 24 hours. `PROFILE_IMAGE_NOT_FOUND` for those who have none. */
  profileImage: userProcedure
    .input(contract.profileImageInput)
    .output(contract.profileImageLinkSchema)
    .query(withUser(getProfileImage)),

  /**
   * Replaces one's picture. The same picture again changes nothing more. One customer sends two pictures at once at most; a third is
   * `RATE_LIMITED`.
   */
  updateProfileImage: userHashingProcedure
    .input(contract.updateProfileImageInput)
    .output(contract.profileImageLinkSchema)
    .mutation(withUser(updateProfileImage)),
} satisfies TRPCRouterRecord;
