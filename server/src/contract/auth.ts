import { z } from "zod";
import { noticeKinds } from "./choices.ts";
import { maxDeviceToken } from "./constants.ts";
import { foldAnswer } from "./fold.ts";
import {
  emailSchema,
  nameSchema,
  newPasswordSchema,
  phoneNumberSchema,
  securityAnswerSchema,
  typedPasswordSchema,
  typedUsernameSchema,
  usernameSchema,
} from "./person.ts";
import { profileImageSchema } from "./profile.ts";
import { roles } from "./roles.ts";
import { noInput } from "./page.ts";

// Ids beyond four bytes would not reach the database; they are refused as what they are, questions that there are not.
const securityQuestionIdSchema = z.int().refine((id) => id > 0 && id < 2 ** 31, {
  error: "There is no such security question.",
  params: { domain: { code: "INVALID_SECURITY_QUESTION", details: null } },
});

// What others know of a person answers no question. These fields are compared as far as they are there, so that all problems are reported at once.
function answersNothingElse(
  input: Partial<Record<"name" | "username" | "email" | "securityAnswer", unknown>>,
) {
  const folded = [input.name, input.username, input.email].map((value) =>
    typeof value === "string" ? foldAnswer(value) : undefined,
  );
  return typeof input.securityAnswer !== "string" || !folded.includes(foldAnswer(input.securityAnswer));
}

/**
 * What `auth.signup` takes: every field but the image is required, and any other field is refused. The security answer may not be the name,
 * the username or the e-mail address; extend it with `safeExtend`.
 */
export const signUpInput = z
  .strictObject({
    /** 1 to 70 letters of any script, with spaces and `. , ' ’ · -`; kept in NFC with single spaces. */
    name: nameSchema,
    /** A new username, trimmed and in lower case: 3 to 30 of a-z, 0-9, dot, underscore and hyphen, a letter first, no two marks in a row. */
    username: usernameSchema,
    /** 8 to 128 characters with an upper-case letter, a lower-case letter and a punctuation mark; common passwords are refused. */
    password: newPasswordSchema,
    /** Exactly ten digits, without country code or spaces. */
    phoneNumber: phoneNumberSchema,
    /** An e-mail address of at most 254 characters; kept in lower case. */
    email: emailSchema,
    /** The `id` of one of `auth.securityQuestions`. */
    securityQuestionId: securityQuestionIdSchema,
    /** 4 to 200 characters; not the name, the username or the e-mail address. Case does not matter later. */
    securityAnswer: securityAnswerSchema,
    /** A picture of the customer; `fileToProfileImage` makes it from a file. */
    profileImage: profileImageSchema.optional(),
  })
  .refine(answersNothingElse, {
    path: ["securityAnswer"],
    error: "The security answer is not the name, the username or the e-mail address.",
    when: ({ value }) => typeof value === "object" && value !== null,
  });

/** A sign-up after the checks: the name as it is kept, the e-mail address in lower case, the security answer trimmed. */
export type SignUpInput = z.output<typeof signUpInput>;

/** What `auth.signup` answers: the new customer, with the name as it is kept; no session is opened. */
export const signUpOutput = z.object({
  /** The username as it is kept, in lower case. */
  username: z.string(),
  /** The name as it is kept, in NFC and with single spaces. */
  name: z.string(),
});

/** The new customer's username and the name as it is kept. */
export type SignUpOutput = z.output<typeof signUpOutput>;

/** What `auth.login` takes: texts of 1 to 128 characters, without the rules of sign-up, and the token that this device was given before. */
export const logInInput = z.strictObject({
  /** The username in upper or lower case, 1 to 128 characters. */
  username: typedUsernameSchema,
  /** The password as typed, 1 to 128 characters. */
  password: typedPasswordSchema,
  /** What an earlier login on this device answered; the SDK keeps and sends it by itself. */
  deviceToken: z.string().max(maxDeviceToken).optional(),
});

/** The username trimmed, the password as typed, and the device's token if it has one; a token that is none of ours is ignored. */
export type LogInInput = z.output<typeof logInInput>;

/**
 * What `auth.login` answers: who signed in, and a bearer token that is good until `expiresAt` or logout, whichever is first. `deviceToken` is to
 * be sent with this device's next login: the account knows it for a year, and guesses of others do not refuse it. `notices` are what happened to
 * the account since the login before, newest first, twenty at most.
 */
export const logInOutput = z.object({
  /** Who has signed in. */
  user: z.object({
    /** What the person logs in with. */
    username: z.string(),
    /** The name as it is kept. */
    name: z.string(),
    /** What this person may call. */
    role: z.enum(roles),
  }),
  /** The bearer token of the session, for the header `authorization`. */
  token: z.string(),
  /** When the session ends unless it is ended before: 24 hours after the login. */
  expiresAt: z.date(),
  /** To be sent with this device's next login: the account knows it for a year, and guesses of others do not refuse it. */
  deviceToken: z.string(),
  /** What happened to the account since the login before, newest first, twenty at most. */
  notices: z.array(
    z.object({
      /** A wrong security answer, a new password, or a lock of login or recovery. */
      kind: z.enum(noticeKinds),
      /** When it happened. */
      at: z.date(),
    }),
  ),
});

/** The signed-in person, the bearer token, the instant at which it runs out, the device's token, and what happened meanwhile. */
export type LogInOutput = z.output<typeof logInOutput>;

/** What `auth.logout` takes: `everywhere` ends all of the account's sessions; left out, only the calling one ends. */
export const logOutInput = z
  .strictObject({
    /** Whether all sessions of the account end; left out, only the calling one does. */
    everywhere: z.boolean().default(false),
  })
  .prefault({});

/** Whether all sessions of the account end or only the calling one, with the default filled in. */
export type LogOutInput = z.output<typeof logOutInput>;

/** What `auth.logout` answers: how many live sessions ended, the calling one counted. */
export const logOutOutput = z.object({
  /** Live sessions that ended, the calling one counted. */
  endedSessions: z.int(),
});

/** How many live sessions ended. */
export type LogOutOutput = z.output<typeof logOutOutput>;

/** What `auth.me` takes: nothing. */
export const meInput = noInput;

/** What `auth.me` answers: the caller's own profile; `role` tells a customer's from that of staff and admins. */
export const meOutput = z.discriminatedUnion("role", [
  z.object({
    /** `customer`, or the role of the member of staff: it decides which fields there are. */
    role: z.literal("customer"),
    /** What the person logs in with. */
    username: z.string(),
    /** The name as it is kept. */
    name: z.string(),
    /** The e-mail address in lower case. */
    email: z.string(),
    /** Ten digits. */
    phoneNumber: z.string(),
    /** Whether the account can be recovered with a security question. */
    securityQuestionExists: z.boolean(),
    /** When the account was made. */
    createdAt: z.date(),
  }),
  z.object({
    /** `customer`, or the role of the member of staff: it decides which fields there are. */
    role: z.enum(["staff", "admin"]),
    /** What the person logs in with. */
    username: z.string(),
    /** The name as it is kept. */
    name: z.string(),
    /** The number of the person's counter; null for those who have none. */
    counterNo: z.int().nullable(),
    /** When the account was made. */
    createdAt: z.date(),
  }),
]);

/** The caller's own profile; switch on `role` to reach the fields of a customer or of staff and admins. */
export type MeOutput = z.output<typeof meOutput>;
