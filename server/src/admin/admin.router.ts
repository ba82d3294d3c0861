import { listStaff } from "@skyfox/db";
import type { TRPCRouterRecord } from "@trpc/server";
import { uncommonPasswordSchema } from "../auth/common-passwords.ts";
import * as contract from "../contract/index.ts";
import { adminHashingProcedure, adminProcedure } from "../rpc/procedures.ts";
import { createStaff } from "./create-staff.ts";
import { updateStaff } from "./update-staff.ts";

export const adminRouter = {
  /** All staff and admins, disabled ones too. */
  staff: adminProcedure
    .input(contract.staffInput)
    .output(contract.staffOutput)
    .query(({ ctx }) => listStaff(ctx.deps.db)),

  /** Employs a person. */
  createStaff: adminHashingProcedure
    .input(contract.createStaffInput.extend({ password: uncommonPasswordSchema }))
    .output(contract.staffMemberSchema)
    .mutation(({ ctx, input }) => createStaff(ctx.deps, ctx.user, input)),

  /** Changes role, counter or password, disables or enables; the person's sessions end. */
  updateStaff: adminHashingProcedure
    .input(contract.updateStaffInput.extend({ password: uncommonPasswordSchema.optional() }))
    .output(contract.staffMemberSchema)
    .mutation(({ ctx, input }) => updateStaff(ctx.deps, ctx.user, input)),
} satisfies TRPCRouterRecord;
