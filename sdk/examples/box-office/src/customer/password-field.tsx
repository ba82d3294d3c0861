import type { ComponentProps } from "react";
import { Field } from "../ui.tsx";

/** A field for a password to come, with the rule for it. */
export function PasswordField(
  field: Pick<ComponentProps<typeof Field>, "label" | "name" | "error" | "autoFocus">,
) {
  return (
    <Field
      type="password"
      autoComplete="new-password"
      hint="At least 8 characters, upper and lower case, and a punctuation mark"
      {...field}
    />
  );
}
