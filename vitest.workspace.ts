import { basename } from "node:path";
import { defineConfig, type UserWorkspaceConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

type ProjectConfig = NonNullable<UserWorkspaceConfig["test"]>;

const neverTests = ["**/node_modules/**", "**/dist/**", "sdk/test/consumer/**"];

const slow = "**/*.slow.test.ts";
const timed = "**/*.timed.fault.ts";

// From the longest; none of the others takes longer than these.
const longDrills = [
  "seat-races",
  "drill",
  "adoption",
  "start",
  "killed-anywhere",
  "three-servers",
  "money-model",
];

/** Starts long drills first, so that both workers are done at about the same time, also where no earlier run has told how long each file takes. */
class LongDrillsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- vitest's sort gives a new list
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = longDrills.indexOf(basename(moduleId, ".fault.ts"));
  return place < 0 ? longDrills.length : place;
}

/**
 * The test projects; every script passes this file with --config. Slow tests start processes, such as `npm start` or a Postgres, walk through all
 * migrations, set the clock of whole servers, or print a ticket in every script. Fault drills that measure milliseconds or memory run one after the other when all others are done.
 */
export default defineConfig({
  test: {
    globalSetup: ["db/embedded/vitest-global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongDrillsFirst },
    projects: [
      // Not isolated: what files share is the modules, and most of the time would go into loading them again. A file that needs a database has its own.
      project("db", ["db/**/*.test.ts"], { isolate: false }),
      project("server", ["server/**/*.test.ts"], { isolate: false }),
      project("sdk", ["sdk/**/*.test.ts"], { isolate: false }),
      project("scripts", ["scripts/**/*.test.ts"]),
      project("slow", [slow], { exclude: neverTests }),
      project("browser", ["sdk/examples/**/*.browser.ts"], { maxWorkers: 1, testTimeout: 90_000 }),
      project("faults", ["**/*.fault.ts"], { exclude: [...neverTests, timed] }),
      project("timed faults", [timed], { maxWorkers: 1, sequence: { groupOrder: 1 } }),
    ],
  },
});

function project(name: string, include: string[], options: ProjectConfig = {}) {
  return { extends: true as const, test: { name, include, exclude: [...neverTests, slow], ...options } };
}
