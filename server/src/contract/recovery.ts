import { z } from "zod";
import { emailSchema, givenAnswerSchema, newPasswordSchema } from "./person.ts";
import { noInput } from "./page.ts";

/** What `auth.securityQuestions` takes: nothing. */
export const securityQuestionsInput = noInput;

/** What `auth.securityQuestions` answers: every question there is, by ascending id, which is what a sign-up names. */
export const securityQuestionsOutput = z.array(
  z.object({
    /** Names the question in `auth.signup`. */
    id: z.int(),
    /** The question as people read it. */
    question: z.string(),
  }),
);

/** Every security question with its id, by ascending id. */
export type SecurityQuestionsOutput = z.output<typeof securityQuestionsOutput>;

/** What `auth.securityQuestion` takes: the e-mail address of the account to recover. */
export const securityQuestionInput = z.strictObject({
  /** The e-mail address of the account to recover. */
  email: emailSchema,
});

/** The e-mail address of an account, in lower case. */
export type SecurityQuestionInput = z.output<typeof securityQuestionInput>;

/** What `auth.securityQuestion` answers: the account's question. An address without an account gets one too, always the same. */
export const securityQuestionOutput = z.object({
  /** Names the question. */
  questionId: z.int(),
  /** The question as people read it. */
  question: z.string(),
});

/** The question to answer. */
export type SecurityQuestionOutput = z.output<typeof securityQuestionOutput>;

/** What `auth.verifySecurityAnswer` takes: whose answer, and the answer; case and spaces around it do not matter. */
export const verifySecurityAnswerInput = z.strictObject({
  /** The e-mail address of the account to recover. */
  email: emailSchema,
  /** The answer, at most 200 characters; case and spaces around it do not matter. */
  securityAnswer: givenAnswerSchema,
});

/** The e-mail address in lower case, and the answer as typed. */
export type VerifySecurityAnswerInput = z.output<typeof verifySecurityAnswerInput>;

/** What `auth.verifySecurityAnswer` answers: a token for one reset, the only live one of the account, and how long it lives. */
export const verifySecurityAnswerOutput = z.object({
  /** Good for one `auth.resetPassword`; an earlier one of the account is good no more. */
  resetToken: z.string(),
  /** Seconds until the token is good no more. */
  expiresInSeconds: z.int(),
});

/** A token for one reset of the password, and its life in seconds. */
export type VerifySecurityAnswerOutput = z.output<typeof verifySecurityAnswerOutput>;

/** What `auth.resetPassword` takes: the token that the security answer gave, and the password to have from now on. */
export const resetPasswordInput = z.strictObject({
  /** The e-mail address of the account to recover. */
  email: emailSchema,
  /** What `auth.verifySecurityAnswer` answered. */
  resetToken: z.string(),
  /** 8 to 128 characters with an upper-case letter, a lower-case letter and a punctuation mark; common passwords are refused. */
  newPassword: newPasswordSchema,
});

/** The e-mail address in lower case, the token and the new password. */
export type ResetPasswordInput = z.output<typeof resetPasswordInput>;

/** What `auth.resetPassword` answers: who can log in with the new password now. */
export const resetPasswordOutput = z.object({
  /** The account that can log in with the new password. */
  username: z.string(),
});

/** The username of the account. */
export type ResetPasswordOutput = z.output<typeof resetPasswordOutput>;
