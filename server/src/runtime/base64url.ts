/**
 * The bytes of a text in base64url without padding (RFC 4648, section 5); undefined when it is written in any other way, also when only the
 * last character has bits that mean nothing: a token has one spelling.
 */
export function readBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
