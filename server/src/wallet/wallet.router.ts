import type { TRPCRouterRecord } from "@trpc/server";

export const walletRouter = {} satisfies TRPCRouterRecord;
