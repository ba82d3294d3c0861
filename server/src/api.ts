import type { TRPCBuiltRouter, TRPCDecorateCreateRouterOptions } from "@trpc/server";
import type { ErrorShape } from "./rpc/error-shape.ts";
import type { routes } from "./routes.ts";

/** The router's type as clients see it: every procedure, and nothing of the server behind them. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: true },
  TRPCDecorateCreateRouterOptions<typeof routes>
>;
