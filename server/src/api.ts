import type { TRPCBuiltRouter, TRPCDecorateCreateRouterOptions } from "@trpc/server";
import type { adminRouter } from "./routers/admin.router.ts";
import type { authRouter } from "./routers/auth.router.ts";
import type { bookingRouter } from "./routers/booking.router.ts";
import type { ErrorShape } from "./rpc/error-shape.ts";
import type { showRouter } from "./routers/show.router.ts";
import type { walletRouter } from "./routers/wallet.router.ts";

// Named one by one, as in routes.ts: the published declaration then keeps what each procedure says of itself.
type Routes = {
  auth: typeof authRouter;
  show: typeof showRouter;
  booking: typeof bookingRouter;
  wallet: typeof walletRouter;
  admin: typeof adminRouter;
};

/** The router's type as clients see it: every procedure, and nothing of the server behind them. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: true },
  TRPCDecorateCreateRouterOptions<Routes>
>;
