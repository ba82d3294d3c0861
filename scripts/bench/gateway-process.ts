// A process of its own: a payment gateway that takes every card at once and keeps no books, so that its time is in no figure of the server.
import { sendJson, startLoopbackServer } from "../sandbox/loopback-server.ts";

let payments = 0;

const gateway = await startLoopbackServer(async (request, response) => {
  // An answer before the end of the body would cost a new connection.
  for await (const _chunk of request);
  payments += 1;
  const ids = { transaction_id: `txn_bench_${payments}`, request_id: `req_bench_${payments}` };
  sendJson(response, { status: 200, body: { status: "SUCCESS", ...ids } });
}, 0);
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
process.stdout.write(`${gateway.url}\n`);
