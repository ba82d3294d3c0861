import { z } from "zod";
import {
  emailSchema,
  givenAnswerSchema,
  nameSchema,
  newPasswordSchema,
  phoneNumberSchema,
  typedPasswordSchema,
} from "./person.ts";
import { noInput } from "./page.ts";

/**
 * A picture to upload: the bytes of a JPEG, PNG or WebP file in base64 (RFC 4648, section 4, padded), and their SHA-256 in hex. The SDK's
 * `fileToProfileImage` makes one of a file.
 */
export const profileImageSchema = z.strictObject({
  /** The bytes of a JPEG, PNG or WebP file, at most 5 MiB and 25 megapixels, in padded base64. */
  base64: z.string(),
  /** The SHA-256 of those bytes, 64 hexadecimal digits. */
  sha256: z.string(),
});

/** A picture to upload: base64 of the file and the SHA-256 of its bytes in hex. */
export type ProfileImage = z.output<typeof profileImageSchema>;

/** What `auth.changePassword` takes: the password of now, whatever rule it was made by, and the one to come. */
export const changePasswordInput = z.strictObject({
  /** The present password as typed. */
  currentPassword: typedPasswordSchema,
  /** 8 to 128 characters with an upper-case letter, a lower-case letter and a punctuation mark; neither the present one nor one of the two before it. */
  newPassword: newPasswordSchema,
});

/** The current password as typed, and the new one. */
export type ChangePasswordInput = z.output<typeof changePasswordInput>;

/** What `auth.changePassword` answers: how many other sessions ended; the calling one goes on. */
export const changePasswordOutput = z.object({
  /** Other sessions that ended; the calling one goes on. */
  endedSessions: z.int(),
});

/** How many other sessions ended. */
export type ChangePasswordOutput = z.output<typeof changePasswordOutput>;

/** What `auth.updateProfile` takes: all three details as they are to be, and the security answer. */
export const updateProfileInput = z.strictObject({
  /** The name to have from now on, with the rules of `auth.signup`. */
  name: nameSchema,
  /** The e-mail address to have from now on. */
  email: emailSchema,
  /** The phone number to have from now on, exactly ten digits. */
  phoneNumber: phoneNumberSchema,
  /** The answer to the account's security question. */
  securityAnswer: givenAnswerSchema,
});

/** The details after the checks: the name as it is kept, the e-mail address in lower case, the answer as typed. */
export type UpdateProfileInput = z.output<typeof updateProfileInput>;

/** What `auth.updateProfile` answers: the details as they are kept. */
export const updateProfileOutput = z.object({
  /** The account, unchanged. */
  username: z.string(),
  /** The name as it is kept, in NFC and with single spaces. */
  name: z.string(),
  /** The e-mail address as it is kept, in lower case. */
  email: z.string(),
  /** Ten digits. */
  phoneNumber: z.string(),
});

/** Username, name, e-mail address and phone number as they are kept. */
export type UpdateProfileOutput = z.output<typeof updateProfileOutput>;

/** What `auth.profileImage` takes: nothing. */
export const profileImageInput = noInput;

/** Where one's picture can be fetched without key or token, by an `<img>` for example, and until when. */
export const profileImageLinkSchema = z.object({
  /** Where a picture of 64 by 64 pixels can be fetched without key or token. */
  url: z.string(),
  /** When the link stops working, 24 hours after it was made. */
  expiresAt: z.date(),
});

/** The URL of a picture of 64 by 64 pixels, and the instant at which it stops working. */
export type ProfileImageLink = z.output<typeof profileImageLinkSchema>;

/** What `auth.updateProfileImage` takes: the security answer, and the picture that replaces the older one. */
export const updateProfileImageInput = z.strictObject({
  /** The answer to the account's security question. */
  securityAnswer: givenAnswerSchema,
  /** The new picture; `fileToProfileImage` makes it from a file. */
  image: profileImageSchema,
});

/** The answer as typed, and the picture. */
export type UpdateProfileImageInput = z.output<typeof updateProfileImageInput>;
