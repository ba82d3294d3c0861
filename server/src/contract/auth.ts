import { z } from "zod";
import { roles } from "./errors.ts";
import { noInput } from "./page.ts";

const nameWord = /^\p{L}\p{M}*(?:['’-]?\p{L}\p{M}*)*$/u;

/** A person's name: 3 to 70 characters, at most four words of letters; each word starts in upper case, the rest is lower case. */
export const nameSchema = z
  .string()
  .trim()
  .refine(
    (name) => name.split(" ").length <= 4 && name.split(" ").every((word) => nameWord.test(word)),
    "The name is at most four words of letters, with single spaces between them.",
  )
  .transform((name) => name.split(" ").map(capitalise).join(" "))
  .refine((name) => characters(name) >= 3 && characters(name) <= 70, "The name has 3 to 70 characters.");

/** Who signs in: 3 to 30 characters of a-z, 0-9, dot, underscore and hyphen, a letter first and no two marks in a row; kept as given. */
export const usernameSchema = z
  .string()
  .regex(/^[a-z0-9._-]{3,30}$/, "The username has 3 to 30 of a-z, 0-9, dot, underscore and hyphen.")
  .regex(/^[a-z]/, "The username starts with a lower-case letter.")
  .regex(/^(?!.*[._-]{2})/, "The username has no two punctuation marks in a row.");

/** A new password: 8 to 128 characters with an upper-case letter, a lower-case letter and an ASCII punctuation mark. */
export const newPasswordSchema = z
  .string()
  .refine(
    (password) => characters(password) >= 8 && characters(password) <= 128,
    "The password has 8 to 128 characters.",
  )
  .regex(/\p{Lu}/u, "The password has at least one upper-case letter.")
  .regex(/\p{Ll}/u, "The password has at least one lower-case letter.")
  .regex(/[!-/:-@[-`{-~]/, "The password has at least one punctuation mark.");

/** Exactly ten ASCII digits, kept as text, without country code or spaces. */
export const phoneNumberSchema = z.string().regex(/^[0-9]{10}$/, "The phone number is exactly ten digits.");

/** An e-mail address, in lower case. */
export const emailSchema = z.email("This is not an e-mail address.").max(254).toLowerCase();

/** The answer to a security question, trimmed; at least three characters. */
export const securityAnswerSchema = z
  .string()
  .trim()
  .refine((answer) => characters(answer) >= 3, "The security answer has at least 3 characters.")
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

/** What `auth.signup` takes: every field but the image is required, and any other field is refused. */
export const signUpInput = z.strictObject({
  name: nameSchema,
  username: usernameSchema,
  password: newPasswordSchema,
  phoneNumber: phoneNumberSchema,
  email: emailSchema,
  securityQuestionId: securityQuestionIdSchema,
  securityAnswer: securityAnswerSchema,
  profileImage: profileImageSchema.optional(),
});

/** A sign-up after the checks: the name capitalised, the e-mail address in lower case, the security answer trimmed. */
export type SignUpInput = z.output<typeof signUpInput>;

/** What `auth.signup` answers: the new customer, with the name as it is kept; no session is opened. */
export const signUpOutput = z.object({ username: z.string(), name: z.string() });

/** The new customer's username and the name as it is kept. */
export type SignUpOutput = z.output<typeof signUpOutput>;

const loginText = z.string().refine((text) => text !== "" && characters(text) <= 128, "1 to 128 characters.");

/** What `auth.login` takes: any texts of 1 to 128 characters; the rules of sign-up are not applied. */
export const logInInput = z.strictObject({ username: loginText, password: loginText });

/** Username and password, exactly as typed. */
export type LogInInput = z.output<typeof logInInput>;

/** What `auth.login` answers: who signed in, and a bearer token that is good until `expiresAt` or logout, whichever is first. */
export const logInOutput = z.object({
  user: z.object({ username: z.string(), name: z.string(), role: z.enum(roles) }),
  token: z.string(),
  expiresAt: z.date(),
});

/** The signed-in person, the bearer token, and the instant at which it runs out. */
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
  currentPassword: loginText,
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

/** The details after the checks: the name capitalised, the e-mail address in lower case, the answer as typed. */
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

function capitalise(word: string): string {
  const [first = "", ...rest] = word;
  return first.toUpperCase() + rest.join("").toLowerCase();
}
