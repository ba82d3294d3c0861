import { listSecurityQuestions } from "@skyfox/db";
import type { TRPCRouterRecord } from "@trpc/server";
import * as contract from "../contract/index.ts";
import { publicProcedure, signedInProcedure } from "../rpc/procedures.ts";
import { getMe } from "./get-me.ts";
import { logIn } from "./log-in.ts";
import { logOut } from "./log-out.ts";
import { signUp } from "./sign-up.ts";

export const authRouter = {
  /** Creates a customer account with an empty wallet. */
  signup: publicProcedure
    .input(contract.signUpInput)
    .output(contract.signUpOutput)
    .mutation(({ ctx, input }) => signUp(ctx.deps, input)),

  /** Opens a session and gives its token. */
  login: publicProcedure
    .input(contract.logInInput)
    .output(contract.logInOutput)
    .mutation(({ ctx, input }) => logIn(ctx.deps, input)),

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
} satisfies TRPCRouterRecord;
