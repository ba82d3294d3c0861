import { defineConfig } from "vitest/config";

/** The test projects; every script passes this file with --config. Fault drills have a project of their own. */
export default defineConfig({
  test: {
    globalSetup: ["db/embedded/vitest-global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    projects: [
      project("db", ["db/**/*.test.ts"]),
      project("server", ["server/**/*.test.ts"]),
      project("sdk", ["sdk/**/*.test.ts"]),
      project("scripts", ["scripts/**/*.test.ts"]),
      project("faults", ["**/*.fault.ts"]),
    ],
  },
});

function project(name: string, include: string[]) {
  return {
    extends: true as const,
    test: { name, include, exclude: ["**/node_modules/**", "**/dist/**", "sdk/test/consumer/**"] },
  };
}
