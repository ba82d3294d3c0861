import { connectClient, type SkyfoxClient, type SkyfoxClientOptions } from "./client.ts";
import { realTiming } from "./retries.ts";
import type { TestHandlers } from "./test-handlers.ts";
import { createTestFetch } from "./test-server.ts";

/** As `createSkyfoxClient`, but for where to reach a server. */
export type TestClientOptions = Omit<SkyfoxClientOptions, "url" | "apiKey" | "fetch">;

/**
 * A client like `createSkyfoxClient`'s whose calls are answered by these functions instead of a server. Retries, keys, timeouts, batches and errors
 * are the real ones; inputs and outputs travel in the real form. Nothing checks inputs by their schemas, and no role or session is asked for. A call
 * without a handler fails with a message that names it, which is also written to the console.
 */
export function createTestClient(handlers: TestHandlers, options: TestClientOptions = {}): SkyfoxClient {
  const connection = { url: "http://skyfox.test", apiKey: "test", fetch: createTestFetch(handlers) };
  return connectClient({ ...options, ...connection }, realTiming);
}
