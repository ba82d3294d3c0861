import { appRouter } from "../app-router.ts";
import { hashContract } from "../rpc/contract-hash.ts";
import type { Logger } from "../runtime/ports.ts";

/** The hash of the contract that this server keeps. */
export const contractHash = hashContract(appRouter);

/** What an SDK says of itself: `name/version;contract=hash`. */
const clientForm = /^([\w@./-]{1,60})\/([\w.+-]{1,40});contract=([0-9a-f]{16})$/;

// The header is the caller's: there are no more lines than these, whatever is sent.
const mostKnown = 100;

/** Says once for each version of a client that it was built for another contract than the server's: some of its calls may be refused. */
export function createClientContracts(
  logger: Pick<Logger, "warn">,
  contract = contractHash,
): (client: string | undefined) => void {
  const known = new Set<string>();
  return (client) => {
    if (client === undefined || known.size >= mostKnown || known.has(client)) return;
    const [, name, version, itsContract] = clientForm.exec(client) ?? [];
    if (itsContract === undefined || itsContract === contract) return;
    known.add(client);
    logger.warn({ client: `${name}/${version}`, itsContract, contract }, "A client has another contract.");
  };
}
