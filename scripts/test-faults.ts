// `npm run test:faults`: vitest on the drills, with two options that vitest does not know. They are handed to server/test/drills/drill.fault.ts.
const ofTheDrill = new Map([
  ["--minutes", "DRILL_MINUTES"],
  ["--seed", "DRILL_SEED"],
]);

const forVitest: string[] = [];
const words = process.argv.slice(2).values();
for (const word of words) {
  const [option = "", inline] = word.split("=", 2);
  const setting = ofTheDrill.get(option);
  if (setting === undefined) {
    forVitest.push(word);
    continue;
  }
  const value = inline ?? words.next().value ?? "";
  if (!/^\d+(\.\d+)?$/.test(value)) {
    console.error(
      `${option} takes a number: npm run test:faults -- server/test/drills/drill.fault.ts ${option} 30`,
    );
    process.exit(2);
  }
  process.env[setting] = value;
}

const ours = ["run", "--config", "vitest.workspace.ts", "--project", "*faults"];
process.argv = [process.execPath, "vitest", ...ours, ...forVitest];
await import(import.meta.resolve("../node_modules/vitest/vitest.mjs"));
