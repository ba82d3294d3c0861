import { routes } from "./routes.ts";
import { trpc } from "./rpc/trpc.ts";

export const appRouter = trpc.router(routes);
