/** Everyone who signs in is exactly one of these. */
export const roles = ["customer", "staff", "admin"] as const;

/** What a signed-in person may do, read anew on every call. */
export type Role = (typeof roles)[number];
