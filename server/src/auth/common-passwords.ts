import { dictionary } from "@zxcvbn-ts/language-common";
import { newPasswordSchema } from "../contract/index.ts";

const common = new Set<string>(dictionary["passwords-common"]);

/** A new password as the contract has it, and none of the most common ones, in whatever case. The list is too long for browsers. */
export const uncommonPasswordSchema = newPasswordSchema.refine(
  (password) => !common.has(password.normalize("NFC").toLowerCase()),
  "This password is one of the most common ones. Choose another one.",
);
