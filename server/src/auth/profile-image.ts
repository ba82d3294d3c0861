import { findCustomerAnswer, findImageKey, inTransaction } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import {
  profileImageLinkHours,
  type ProfileImageLink,
  type UpdateProfileImageInput,
} from "../contract/index.ts";
import type { Deps, HashingDeps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { withUploadedImage } from "../image/keep-image.ts";
import { checkSecurityAnswer } from "./security-answers.ts";

/** A link to one's own picture, good for 24 hours. Throws `PROFILE_IMAGE_NOT_FOUND`. */
export async function getProfileImage(
  deps: Pick<Deps, "clock" | "db" | "images">,
  user: User,
): Promise<ProfileImageLink> {
  const key = await findImageKey(deps.db, user.username);
  if (key === null) throw new DomainError({ code: "PROFILE_IMAGE_NOT_FOUND" });
  // Whole seconds, because that is what links can say.
  const nowSeconds = Math.floor(deps.clock.now().getTime() / 1_000);
  const expiresAt = new Date((nowSeconds + profileImageLinkHours * 3_600) * 1_000);
  const url = await deps.images.link(key, expiresAt);
  if (url === undefined) throw new DomainError({ code: "PROFILE_IMAGE_NOT_FOUND" });
  return { url, expiresAt };
}

/**
 * Replaces one's picture after the security answer; the older one is gone from the store, at once or as soon as it can be. Throws
 * `INVALID_SECURITY_ANSWER`, `INVALID_IMAGE`, `INVALID_IMAGE_HASH`, `STORAGE_UNAVAILABLE` (nothing has changed then) or `RATE_LIMITED`.
 */
export async function updateProfileImage(
  deps: Pick<
    HashingDeps,
    "clock" | "db" | "images" | "limits" | "logger" | "passwords" | "pictures" | "releasePermit"
  >,
  user: User,
  input: UpdateProfileImageInput,
): Promise<ProfileImageLink> {
  const { username } = user;
  const account = await findCustomerAnswer(deps.db, username);
  await checkSecurityAnswer(deps, user, { account, limitedAs: username }, input.securityAnswer);
  deps.releasePermit();
  const picture = await deps.pictures.make(input.image, { for: username });
  await withUploadedImage(deps, picture, (give) =>
    inTransaction(deps.db, async (tx) => {
      await give(tx, username);
      await recordAudit(tx, deps.clock, user, { action: "profile-image-changed", subject: username });
    }),
  );
  return await getProfileImage(deps, user);
}
