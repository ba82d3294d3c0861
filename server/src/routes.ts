import type { TRPCRouterRecord } from "@trpc/server";
import { adminRouter } from "./admin/admin.router.ts";
import { authRouter } from "./auth/auth.router.ts";
import { bookingRouter } from "./booking/booking.router.ts";
import { showRouter } from "./show/show.router.ts";
import { walletRouter } from "./wallet/wallet.router.ts";

/** Everything that can be asked of SkyFox over tRPC. */
export const routes = {
  auth: authRouter,
  show: showRouter,
  booking: bookingRouter,
  wallet: walletRouter,
  admin: adminRouter,
} satisfies TRPCRouterRecord;
