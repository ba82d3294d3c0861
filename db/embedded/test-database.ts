import { inject } from "vitest";

import { cloneDatabase } from "./databases.ts";

export { throughPort, withSettings } from "./databases.ts";

/** A migrated database of the caller's own, for a cinema in Asia/Kolkata. It ends with the test run and is never dropped. */
export async function createTestDatabase(): Promise<{ url: string }> {
  const { url, template } = inject("testCluster");
  return { url: await cloneDatabase(url, template) };
}

/** An empty database of the caller's own, for tests of the migrations. */
export async function createEmptyDatabase(): Promise<{ url: string }> {
  const { url } = inject("testCluster");
  return { url: await cloneDatabase(url, "template0") };
}

/** A copy of a database that nothing is connected to, as a restored backup of it would be. */
export async function copyDatabase(url: string): Promise<{ url: string }> {
  const { url: maintenanceUrl } = inject("testCluster");
  return { url: await cloneDatabase(maintenanceUrl, new URL(url).pathname.slice(1)) };
}
