import { z } from "zod";
import { nameSchema, newPasswordSchema, usernameSchema } from "./auth.ts";
import { noInput } from "./page.ts";

const counterNoSchema = z.int().min(1).max(999_999_999);

const staffRoleSchema = z.enum(["staff", "admin"]);

/** One person of the staff; `disabledAt` is null while they can log in. */
export const staffMemberSchema = z.object({
  username: z.string(),
  name: z.string(),
  role: staffRoleSchema,
  counterNo: z.int().nullable(),
  createdAt: z.date(),
  disabledAt: z.date().nullable(),
});

/** One person of the staff. */
export type StaffMember = z.output<typeof staffMemberSchema>;

/** What `admin.staff` takes: nothing. */
export const staffInput = noInput;

/** What `admin.staff` answers: all staff and admins, disabled ones too, by username. */
export const staffOutput = z.array(staffMemberSchema);

/** What `admin.createStaff` takes; without a counter the person has none. */
export const createStaffInput = z.strictObject({
  username: usernameSchema,
  name: nameSchema,
  role: staffRoleSchema,
  counterNo: counterNoSchema.optional(),
  password: newPasswordSchema,
});

/** A new person of the staff after the checks: the name capitalised. */
export type CreateStaffInput = z.output<typeof createStaffInput>;

/** What `admin.updateStaff` takes: who, and what is to change; what is left out stays as it is. */
export const updateStaffInput = z.strictObject({
  username: z.string(),
  role: staffRoleSchema.optional(),
  counterNo: counterNoSchema.optional(),
  disabled: z.boolean().optional(),
  password: newPasswordSchema.optional(),
});

/** What is to change of whom. */
export type UpdateStaffInput = z.output<typeof updateStaffInput>;
