import type { ConnectionLimits } from "../src/http/connections.ts";
import { openPort as listen, type Answering } from "../src/http/listen.ts";
import type { TestApp } from "./test-app.ts";
import { whenOver } from "./when-over.ts";

/** Lets a test's server be called over the network until the test or the test file that calls this is over, and gives the port. */
export async function openPort(
  { app, logger }: { app: Answering; logger: TestApp["logger"] },
  connections: ConnectionLimits = { atOnce: 1_000, atOncePerAddress: undefined },
): Promise<number> {
  const options = { port: 0, hostname: "127.0.0.1", keepAliveSeconds: 75, connections };
  const { server, port, stopListening } = await listen(app, options, logger);
  whenOver(async () => {
    server.closeAllConnections();
    await stopListening();
  });
  return port;
}
