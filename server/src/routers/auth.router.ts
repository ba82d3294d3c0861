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
  /** Creates a customer account with an empty wallet. */
  signup: publicHashingProcedure
    .input(contract.signUpInput.safeExtend({ password: uncommonPasswordSchema }))
    .output(contract.signUpOutput)
    .mutation(withCaller(signUp)),

  /** Opens a session and gives its token, the device's token, and what happened to the account meanwhile. */
  login: publicHashingProcedure
    .input(contract.logInInput)
    .output(contract.logInOutput)
    .mutation(withCaller(logIn)),

  /** Ends this session, or with `everywhere` all of the account's. */
  logout: userProcedure.input(contract.logOutInput).output(contract.logOutOutput).mutation(withUser(logOut)),

  /** The profile of the person who is signed in. */
  me: userProcedure.input(contract.meInput).output(contract.meOutput).query(withUser(getMe)),

  /** The questions to choose from at sign-up. */
  securityQuestions: publicProcedure
    .input(contract.securityQuestionsInput)
    .output(contract.securityQuestionsOutput)
    .query(withInput(listSecurityQuestions)),

  /** The first step of recovery: the question of the account with this e-mail address, or of none. */
  securityQuestion: publicProcedure
    .input(contract.securityQuestionInput)
    .output(contract.securityQuestionOutput)
    .query(withCaller(askSecurityQuestion)),

  /** The second step of recovery: a token for one reset. */
  verifySecurityAnswer: publicHashingProcedure
    .input(contract.verifySecurityAnswerInput)
    .output(contract.verifySecurityAnswerOutput)
    .mutation(withCaller(verifySecurityAnswer)),

  /** The last step of recovery: a new password, and the end of all sessions. */
  resetPassword: publicHashingProcedure
    .input(contract.resetPasswordInput.extend({ newPassword: uncommonPasswordSchema }))
    .output(contract.resetPasswordOutput)
    .mutation(withCaller(resetPassword)),

  /** Changes the password and ends the person's other sessions. */
  changePassword: userHashingProcedure
    .input(contract.changePasswordInput.extend({ newPassword: uncommonPasswordSchema }))
    .output(contract.changePasswordOutput)
    .mutation(withUser(changePassword)),

  /** Changes a customer's name, e-mail address and phone number together. */
  updateProfile: userHashingProcedure
    .input(contract.updateProfileInput)
    .output(contract.updateProfileOutput)
    .mutation(withUser(updateProfile)),

  /** Where one's picture can be fetched for the next 24 hours. */
  profileImage: userProcedure
    .input(contract.profileImageInput)
    .output(contract.profileImageLinkSchema)
    .query(withUser(getProfileImage)),

  /** Replaces one's picture. */
  updateProfileImage: userHashingProcedure
    .input(contract.updateProfileImageInput)
    .output(contract.profileImageLinkSchema)
    .mutation(withUser(updateProfileImage)),
} satisfies TRPCRouterRecord;
