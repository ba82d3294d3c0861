import type { TRPCRouterRecord } from "@trpc/server";
import { adminRouter } from "./routers/admin.router.ts";
import { authRouter } from "./routers/auth.router.ts";
import { bookingRouter } from "./routers/booking.router.ts";
import { showRouter } from "./routers/show.router.ts";
import { walletRouter } from "./routers/wallet.router.ts";

/** Everything that can be asked of SkyFox over tRPC. */
export const routes = {
  auth: authRouter,
  show: showRouter,
  booking: bookingRouter,
  wallet: walletRouter,
  admin: adminRouter,
} satisfies TRPCRouterRecord;
