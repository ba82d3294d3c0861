import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder with these files, gone at the end of the test's scope (`await using`). */
export async function createMigrationFolder(files: Record<string, string>) {
  const folder = await mkdtempDisposable(join(tmpdir(), "skyfox-migrations-"));
  for (const [fileName, text] of Object.entries(files)) await writeFile(join(folder.path, fileName), text);
  return folder;
}
