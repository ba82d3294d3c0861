/** What a body of JSON says; too-long when it has more bytes than it may, and then the rest is not read. */
export type BoundedJson = { kind: "json"; value: unknown } | { kind: "not-json" | "too-long" };

/** Reads a body that may be of any length or never end, up to `maxBytes`. Throws what the connection fails with. */
export async function readJson(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<BoundedJson> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return { kind: "too-long" };
    chunks.push(chunk);
  }
  try {
    return { kind: "json", value: JSON.parse(Buffer.concat(chunks).toString()) };
  } catch {
    return { kind: "not-json" };
  }
}
