import module from "node:module";

if (globalThis.Temporal === undefined) {
  console.error(
    `SkyFox runs on Node 26, which "npm ci" of npm 11 puts into node_modules/.bin; this is Node ${process.versions.node}.\n` +
      `Start it by an npm script, such as "npm start". If you did: npm 10 and older do not put Node there, so install again with\n` +
      `"npx --yes npm@11 ci". So does --omit=optional; and where no Node 26 is packaged for your platform, install Node 26 yourself.`,
  );
  process.exit(1);
}
// Keeps what Node makes of each file between starts, in the system's folder for temporary files.
module.enableCompileCache();
