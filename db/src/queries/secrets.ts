import type { Db } from "../connect.ts";

/** A key of this database's own, 32 bytes, the same for every server on it. */
export async function getServerSecret(
  db: Db,
  name: "decoy question" | "image links" | "device tokens",
): Promise<Buffer> {
  const { secret } = await db
    .selectFrom("server_secret")
    .select("secret")
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return secret;
}
