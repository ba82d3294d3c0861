import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

const binaries = join(import.meta.dirname, "..", "node_modules", ".bin");

/** Runs a program of node_modules/.bin or the PATH. Throws with all that it wrote when it fails. */
export async function runTool(program: string, args: string[], folder: string): Promise<void> {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ""}` },
    // On Windows these programs are scripts, which only a shell starts.
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${output.trim()}`);
}
