// A process of its own: the least that a tRPC query costs on the libraries that SkyFox uses. There is no database, session, limit or log behind it.
import { serve } from "@hono/node-server";
import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import { z } from "zod";
import { transformer } from "../src/contract/index.ts";

const trpc = initTRPC.create({ transformer });
const router = trpc.router({
  bare: trpc.procedure
    .input(z.strictObject({ id: z.int() }))
    .output(z.object({ id: z.int(), at: z.date() }))
    .query(({ input }) => ({ id: input.id, at: new Date(0) })),
});
const app = new Hono();
app.all("/trpc/*", (context) => fetchRequestHandler({ endpoint: "/trpc", req: context.req.raw, router }));

process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  process.stdout.write(`http://127.0.0.1:${port}\n`),
);
