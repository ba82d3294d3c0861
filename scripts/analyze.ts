import { join, relative } from "node:path";
import { analyzeMigrations } from "../db/src/analyze.ts";
import { migrationDirectory } from "../db/src/migration-files.ts";

const target = join(import.meta.dirname, "..", "migration_analysis");
const { written, warnings } = await analyzeMigrations(migrationDirectory, target);
for (const { file, migrations, lines } of written) {
  console.log(`Wrote ${relative(process.cwd(), file)}: ${migrations} migrations, ${lines} lines.`);
}
for (const warning of warnings) console.error(`Warning: ${warning}`);
if (warnings.length > 0) process.exitCode = 1;
