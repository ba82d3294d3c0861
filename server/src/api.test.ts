import type { inferRouterError, inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { expectTypeOf, test } from "vitest";
import type { AppRouter } from "./api.ts";
import type { appRouter } from "./app-router.ts";

type Served = typeof appRouter;

// The compiler is the judge here: "npm run check:types" fails when one of these does not hold.
test("clients are promised exactly the router that is served", () => {
  expectTypeOf<inferRouterInputs<AppRouter>>().toEqualTypeOf<inferRouterInputs<Served>>();
  expectTypeOf<inferRouterOutputs<AppRouter>>().toEqualTypeOf<inferRouterOutputs<Served>>();
  expectTypeOf<inferRouterError<AppRouter>>().toEqualTypeOf<inferRouterError<Served>>();
  expectTypeOf<AppRouter["_def"]["record"]>().toEqualTypeOf<Served["_def"]["record"]>();
});

test("clients are told nothing of the context", () => {
  expectTypeOf<AppRouter["_def"]["_config"]["$types"]["ctx"]>().toEqualTypeOf<object>();
});
