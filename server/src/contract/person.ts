import { z } from "zod";
import { minAnswerLength } from "./constants.ts";
import { foldAnswer, foldName } from "./fold.ts";

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

/** An answer that is compared, not kept: as typed, because older answers were kept so, and without the rule for new ones. */
export const givenAnswerSchema = z
  .string()
  .refine((answer) => answer.trim() !== "", "The security answer is missing.")
  .refine((answer) => characters(answer) <= 200, "The security answer has at most 200 characters.");

/** The username of an account as a caller types it, trimmed; older ones may have capitals, so that the server looks for the name in any case. */
export const typedUsernameSchema = z
  .string()
  .refine((text) => text !== "" && characters(text) <= 128, "1 to 128 characters.")
  .trim();

/** A password as a caller types it. Counted after NFC, as new passwords are: the same password is longer where marks are typed apart. */
export const typedPasswordSchema = z
  .string()
  .refine((text) => text !== "" && characters(text.normalize("NFC")) <= 128, "1 to 128 characters.");

/** Characters as a person counts code points, not bytes or UTF-16 units. */
function characters(text: string): number {
  return Array.from(text).length;
}
