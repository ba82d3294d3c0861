import { listSecurityQuestions } from "@skyfox/db";
import type { TRPCRouterRecord } from "@trpc/server";
import * as contract from "../contract/index.ts";
import {
  customerHashingProcedure,
  customerProcedure,
  publicHashingProcedure,
  publicProcedure,
  signedInHashingProcedure,
  signedInProcedure,
} from "../rpc/procedures.ts";
import { changePassword } from "../auth/change-password.ts";
import { uncommonPasswordSchema } from "../auth/common-passwords.ts";
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
    .mutation(({ ctx, input }) => signUp(ctx.deps, ctx.caller, input)),

  /** Opens a session and gives its token, the device's token, and what happened to the account meanwhile. */
  login: publicHashingProcedure
    .input(contract.logInInput)
    .output(contract.logInOutput)
    .mutation(({ ctx, input }) => logIn(ctx.deps, ctx.caller, input)),

  /** Ends this session, or with `everywhere` all of the account's. */
  logout: signedInProcedure
    .input(contract.logOutInput)
    .output(contract.logOutOutput)
    .mutation(({ ctx, input }) => logOut(ctx.deps, ctx.user, input)),

  /** The profile of whoever is signed in. */
  me: signedInProcedure
    .input(contract.meInput)
    .output(contract.meOutput)
    .query(({ ctx }) => getMe(ctx.deps, ctx.user)),

  /** The questions to choose from at sign-up. */
  securityQuestions: publicProcedure
    .input(contract.securityQuestionsInput)
    .output(contract.securityQuestionsOutput)
    .query(({ ctx }) => listSecurityQuestions(ctx.deps.db)),

  /** The first step of recovery: the question of the account with this e-mail address, or of none. */
  securityQuestion: publicProcedure
    .input(contract.securityQuestionInput)
    .output(contract.securityQuestionOutput)
    .query(({ ctx, input }) => askSecurityQuestion(ctx.deps, ctx.caller, input)),

  /** The second step of recovery: a token for one reset. */
  verifySecurityAnswer: publicHashingProcedure
    .input(contract.verifySecurityAnswerInput)
    .output(contract.verifySecurityAnswerOutput)
    .mutation(({ ctx, input }) => verifySecurityAnswer(ctx.deps, ctx.caller, input)),

  /** The last step of recovery: a new password, and the end of all sessions. */
  resetPassword: publicHashingProcedure
    .input(contract.resetPasswordInput.extend({ newPassword: uncommonPasswordSchema }))
    .output(contract.resetPasswordOutput)
    .mutation(({ ctx, input }) => resetPassword(ctx.deps, ctx.caller, input)),

  /** Changes the password and ends the person's other sessions. */
  changePassword: signedInHashingProcedure
    .input(contract.changePasswordInput.extend({ newPassword: uncommonPasswordSchema }))
    .output(contract.changePasswordOutput)
    .mutation(({ ctx, input }) => changePassword(ctx.deps, ctx.user, input)),

  /** Changes a customer's name, e-mail address and phone number together. */
  updateProfile: customerHashingProcedure
    .input(contract.updateProfileInput)
    .output(contract.updateProfileOutput)
    .mutation(({ ctx, input }) => updateProfile(ctx.deps, ctx.user, input)),

  /** Where one's picture can be fetched for the next 24 hours. */
  profileImage: customerProcedure
    .input(contract.profileImageInput)
    .output(contract.profileImageLinkSchema)
    .query(({ ctx }) => getProfileImage(ctx.deps, ctx.user)),

  /** Replaces one's picture. */
  updateProfileImage: customerHashingProcedure
    .input(contract.updateProfileImageInput)
    .output(contract.profileImageLinkSchema)
    .mutation(({ ctx, input }) => updateProfileImage(ctx.deps, ctx.user, input)),
} satisfies TRPCRouterRecord;
