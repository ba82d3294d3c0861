import type { TestProject } from "vitest/node";

import { migrateToLatest } from "../src/migrate.ts";
import { startTestCluster, type TestCluster } from "./test-cluster.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The cluster of this run: the URL of its maintenance database, and its migrated template. */
    testCluster: { url: string; template: string };
  }
}

const template = "skyfox_template";
let cluster: TestCluster | undefined;

/** Starts the one cluster of a test run and migrates the template that every test file clones. */
export async function setup(project: TestProject): Promise<void> {
  cluster = await startTestCluster();
  try {
    await cluster.createTemplate(template, async (url) => {
      await migrateToLatest(url, { cinemaTimeZone: "Asia/Kolkata" });
    });
  } catch (error) {
    // Vitest does not tear down what failed to set up, and would wait for it.
    await cluster.stop();
    throw error;
  }
  project.provide("testCluster", { url: cluster.url("postgres"), template });
}

/** Ends the cluster of the test run. */
export async function teardown(): Promise<void> {
  await cluster?.stop();
}
