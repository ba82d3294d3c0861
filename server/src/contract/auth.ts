import { z } from "zod";
import { noticeKinds } from "./choices.ts";
import { maxDeviceToken, minAnswerLength } from "./constants.ts";
import { foldAnswer, foldName } from "./fold.ts";
import { roles } from "./roles.ts";
import { noInput } from "./page.ts";

// A mark or a joiner belongs to the letter before it, and a joiner also to one after it (Unicode Standard, section 23.2).
const nameOfLetters =
  /^(?:[\p{L} .,'’·-]|(?<=[\p{L}\p{M}\u200C\u200D])\p{M}|(?<=[\p{L}\p{M}])[\u200C\u200D](?=[\p{L}\p{M}]))*$/u;

/** A person's name as typed, but for NFC and white space: trimmed, and runs of it made one space. 1 to 70 characters, one of them a letter. */
export const nameSchema = z
  .string()
  .transform((name) => name.normalize("NFC").trim().replaceAll(/\s+/gu, " "))
  .refine(
    (name) => characters(name) <= 70 && nameOfLetters.test(name) && /\p{L}/u.test(name),
    "The name has 1 to 70 characters, letters, spaces and . , ' ’ · - alone, and at least one letter.",
  );

/** A new username, trimmed and in lower case: 3 to 30 of a-z, 0-9, dot, underscore and hyphen, a letter first, no two marks in a row. */
export const usernameSchema = z
  .string()
  .overwrite(foldName)
  .regex(/^[a-z0-9._-]{3,30}$/, "The username has 3 to 30 of a-z, 0-9, dot, underscore and hyphen.")
  .regex(/^[a-z]/, "The username starts with a letter.")
  .regex(/^(?!.*[._-]{2})/, "The username has no two punctuation marks in a row.");

/**
 * A new password: 8 to 128 characters, counted after NFC, with an upper-case letter, a lower-case letter and an ASCII punctuation mark; as
 * typed.
 */
export const newPasswordSchema = z
  .string()
  .refine((password) => {
    const count = characters(password.normalize("NFC"));
    return count >= 8 && count <= 128;
  }, "The password has 8 to 128 characters.")
  .regex(/\p{Lu}/u, "The password has at least one upper-case letter.")
  .regex(/\p{Ll}/u, "The password has at least one lower-case letter.")
  .regex(/[!-/:-@[-`{-~]/, "The password has at least one punctuation mark.");

/** Exactly ten ASCII digits, kept as text, without country code or spaces. */
export const phoneNumberSchema = z.string().regex(/^[0-9]{10}$/, "The phone number is exactly ten digits.");

/** An e-mail address, trimmed and in lower case: what an HTML e-mail field takes (HTML Standard, 4.10.5.1.5), at most 254 characters. */
export const emailSchema = z
  .string()
  .overwrite(foldName)
  .max(254, "The e-mail address has at most 254 characters.")
  .regex(z.regexes.html5Email, "This is not an e-mail address.");

/** A new answer to a security question, trimmed; at least four characters in the form in which answers are compared. */
export const securityAnswerSchema = z
  .string()
  .trim()
  .refine(
    (answer) => characters(foldAnswer(answer)) >= minAnswerLength,
    `The security answer has at least ${minAnswerLength} characters.`,
  )
  .refine((answer) => characters(answer) <= 200, "The security answer has at most 200 characters.");

// An answer that is compared, not kept: as typed, because older answers were kept so, and without the rule for new ones.
const givenAnswerSchema = z
  .string()
  .refine((answer) => answer.trim() !== "", "The security answer is missing.")
  .refine((answer) => characters(answer) <= 200, "The security answer has at most 200 characters.");

// Ids beyond four bytes would not reach the database; they are refused as what they are, questions that there are not.
const securityQuestionIdSchema = z.int().refine((id) => id > 0 && id < 2 ** 31, {
  error: "There is no such security question.",
  params: { domain: { code: "INVALID_SECURITY_QUESTION", details: null } },
});

/**
 * A picture to upload: the bytes of a JPEG, PNG or WebP file in base64 (RFC 4648, section 4, padded), and their SHA-256 in hex. The SDK's
 * `fileToProfileImage` makes one of a file.
 */
export const profileImageSchema = z.strictObject({ base64: z.string(), sha256: z.string() });

/** A picture to upload: base64 of the file and the SHA-256 of its bytes in hex. */
export type ProfileImage = z.output<typeof profileImageSchema>;

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
    name: nameSchema,
    username: usernameSchema,
    password: newPasswordSchema,
    phoneNumber: phoneNumberSchema,
    email: emailSchema,
    securityQuestionId: securityQuestionIdSchema,
    securityAnswer: securityAnswerSchema,
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
export const signUpOutput = z.object({ username: z.string(), name: z.string() });

/** The new customer's username and the name as it is kept. */
export type SignUpOutput = z.output<typeof signUpOutput>;

/** The username of an account as a caller types it, trimmed; older ones may have capitals, so that the server looks for the name in any case. */
export const typedUsernameSchema = z
  .string()
  .refine((text) => text !== "" && characters(text) <= 128, "1 to 128 characters.")
  .trim();

// Counted after NFC, as new passwords are: the same password is longer where marks are typed apart.
const typedPasswordSchema = z
  .string()
  .refine((text) => text !== "" && characters(text.normalize("NFC")) <= 128, "1 to 128 characters.");

/** What `auth.login` takes: texts of 1 to 128 characters, without the rules of sign-up, and the token that this device was given before. */
export const logInInput = z.strictObject({
  username: typedUsernameSchema,
  password: typedPasswordSchema,
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
  user: z.object({ username: z.string(), name: z.string(), role: z.enum(roles) }),
  token: z.string(),
  expiresAt: z.date(),
  deviceToken: z.string(),
  notices: z.array(z.object({ kind: z.enum(noticeKinds), at: z.date() })),
});

/** The signed-in person, the bearer token, the instant at which it runs out, the device's token, and what happened meanwhile. */
export type LogInOutput = z.output<typeof logInOutput>;

/** What `auth.logout` takes: `everywhere` ends all of the account's sessions; left out, only the calling one ends. */
export const logOutInput = z.strictObject({ everywhere: z.boolean().default(false) }).prefault({});

/** Whether all sessions of the account end or only the calling one, with the default filled in. */
export type LogOutInput = z.output<typeof logOutInput>;

/** What `auth.logout` answers: how many live sessions ended, the calling one counted. */
export const logOutOutput = z.object({ endedSessions: z.int() });

/** How many live sessions ended. */
export type LogOutOutput = z.output<typeof logOutOutput>;

/** What `auth.me` takes: nothing. */
export const meInput = noInput;

/** What `auth.me` answers: the caller's own profile; `role` tells a customer's from that of staff and admins. */
export const meOutput = z.discriminatedUnion("role", [
  z.object({
    role: z.literal("customer"),
    username: z.string(),
    name: z.string(),
    email: z.string(),
    phoneNumber: z.string(),
    securityQuestionExists: z.boolean(),
    createdAt: z.date(),
  }),
  z.object({
    role: z.enum(["staff", "admin"]),
    username: z.string(),
    name: z.string(),
    counterNo: z.int().nullable(),
    createdAt: z.date(),
  }),
]);

/** The caller's own profile; switch on `role` to reach the fields of a customer or of staff and admins. */
export type MeOutput = z.output<typeof meOutput>;

/** What `auth.securityQuestions` takes: nothing. */
export const securityQuestionsInput = noInput;

/** What `auth.securityQuestions` answers: every question there is, by ascending id, which is what a sign-up names. */
export const securityQuestionsOutput = z.array(z.object({ id: z.int(), question: z.string() }));

/** Every security question with its id, by ascending id. */
export type SecurityQuestionsOutput = z.output<typeof securityQuestionsOutput>;

/** What `auth.securityQuestion` takes: the e-mail address of the account to recover. */
export const securityQuestionInput = z.strictObject({ email: emailSchema });

/** The e-mail address of an account, in lower case. */
export type SecurityQuestionInput = z.output<typeof securityQuestionInput>;

/** What `auth.securityQuestion` answers: the account's question. An address without an account gets one too, always the same. */
export const securityQuestionOutput = z.object({ questionId: z.int(), question: z.string() });

/** The question to answer. */
export type SecurityQuestionOutput = z.output<typeof securityQuestionOutput>;

/** What `auth.verifySecurityAnswer` takes: whose answer, and the answer; case and spaces around it do not matter. */
export const verifySecurityAnswerInput = z.strictObject({
  email: emailSchema,
  securityAnswer: givenAnswerSchema,
});

/** The e-mail address in lower case, and the answer as typed. */
export type VerifySecurityAnswerInput = z.output<typeof verifySecurityAnswerInput>;

/** What `auth.verifySecurityAnswer` answers: a token for one reset, the only live one of the account, and how long it lives. */
export const verifySecurityAnswerOutput = z.object({ resetToken: z.string(), expiresInSeconds: z.int() });

/** A token for one reset of the password, and its life in seconds. */
export type VerifySecurityAnswerOutput = z.output<typeof verifySecurityAnswerOutput>;

/** What `auth.resetPassword` takes: the token that the security answer gave, and the password to have from now on. */
export const resetPasswordInput = z.strictObject({
  email: emailSchema,
  resetToken: z.string(),
  newPassword: newPasswordSchema,
});

/** The e-mail address in lower case, the token and the new password. */
export type ResetPasswordInput = z.output<typeof resetPasswordInput>;

/** What `auth.resetPassword` answers: who can log in with the new password now. */
export const resetPasswordOutput = z.object({ username: z.string() });

/** The username of the account. */
export type ResetPasswordOutput = z.output<typeof resetPasswordOutput>;

/** What `auth.changePassword` takes: the password of now, whatever rule it was made by, and the one to come. */
export const changePasswordInput = z.strictObject({
  currentPassword: typedPasswordSchema,
  newPassword: newPasswordSchema,
});

/** The current password as typed, and the new one. */
export type ChangePasswordInput = z.output<typeof changePasswordInput>;

/** What `auth.changePassword` answers: how many other sessions ended; the calling one goes on. */
export const changePasswordOutput = z.object({ endedSessions: z.int() });

/** How many other sessions ended. */
export type ChangePasswordOutput = z.output<typeof changePasswordOutput>;

/** What `auth.updateProfile` takes: all three details as they are to be, and the security answer. */
export const updateProfileInput = z.strictObject({
  name: nameSchema,
  email: emailSchema,
  phoneNumber: phoneNumberSchema,
  securityAnswer: givenAnswerSchema,
});

/** The details after the checks: the name as it is kept, the e-mail address in lower case, the answer as typed. */
export type UpdateProfileInput = z.output<typeof updateProfileInput>;

/** What `auth.updateProfile` answers: the details as they are kept. */
export const updateProfileOutput = z.object({
  username: z.string(),
  name: z.string(),
  email: z.string(),
  phoneNumber: z.string(),
});

/** Username, name, e-mail address and phone number as they are kept. */
export type UpdateProfileOutput = z.output<typeof updateProfileOutput>;

/** What `auth.profileImage` takes: nothing. */
export const profileImageInput = noInput;

/** Where one's picture can be fetched without key or token, by an `<img>` for example, and until when. */
export const profileImageLinkSchema = z.object({ url: z.string(), expiresAt: z.date() });

/** The URL of a picture of 64 by 64 pixels, and the instant at which it stops working. */
export type ProfileImageLink = z.output<typeof profileImageLinkSchema>;

/** What `auth.updateProfileImage` takes: the security answer, and the picture that replaces the older one. */
export const updateProfileImageInput = z.strictObject({
  securityAnswer: givenAnswerSchema,
  image: profileImageSchema,
});

/** The answer as typed, and the picture. */
export type UpdateProfileImageInput = z.output<typeof updateProfileImageInput>;

/** Characters as a person counts code points, not bytes or UTF-16 units. */
function characters(text: string): number {
  return Array.from(text).length;
}
