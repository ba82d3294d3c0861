/** Which SDK this is. */
export interface Build {
  version: string;
  /** The hash of the contract that it was built for, as the server's `x-skyfox-contract` has it. */
  contract: string;
}

declare const SKYFOX_SDK_BUILD: Build | undefined;

/** Written in by `npm run build`; undefined where the SDK runs from its sources, beside its server. */
export const ownBuild = typeof SKYFOX_SDK_BUILD === "undefined" ? undefined : SKYFOX_SDK_BUILD;

/** What the server logs of a client. */
export function clientHeader(build: Build | undefined): Record<string, string> {
  return build === undefined
    ? {}
    : { "x-skyfox-client": `@skyfox/sdk/${build.version};contract=${build.contract}` };
}

/** Says once, on the console, that the server keeps another contract than this SDK was built for. */
export function warnOfOtherContract(build: Build | undefined, host: string): (headers: Headers) => void {
  let isSaid = false;
  return (headers) => {
    const contract = headers.get("x-skyfox-contract");
    if (isSaid || build === undefined || contract === null || contract === build.contract) return;
    isSaid = true;
    // oxlint-disable-next-line no-console -- The developer has no other place to read it.
    console.warn(
      `@skyfox/sdk ${build.version} was built for another version of the server at ${host}: some calls may be refused. Build the SDK from the server's commit.`,
    );
  };
}
