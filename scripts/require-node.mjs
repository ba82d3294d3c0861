if (globalThis.Temporal === undefined) {
  console.error(
    `SkyFox runs on Node 26, which "npm ci" installs into node_modules/.bin; this is Node ${process.versions.node}.\n` +
      `Start it with "npm start" (or another npm script). If npm ci left Node out, it ran with --omit=optional,\n` +
      `or this platform has no packaged Node 26: then install Node 26 yourself.`,
  );
  process.exit(1);
}
