import { useRef, type FormEvent } from "react";
import { DemoPeople } from "../demo.tsx";
import { leadingBack } from "../router.ts";
import { Field, Notice, Page, textsOf } from "../ui.tsx";
import { fieldsOf, say } from "../words.ts";
import { useLogIn } from "./use-log-in.ts";

/** Signs in, and leads back to where the person came from. */
export function SignInPage() {
  const form = useRef<HTMLFormElement>(null);
  const signIn = useLogIn();
  const errors = signIn.error === null ? {} : fieldsOf(signIn.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { username = "", password = "" } = textsOf(event.currentTarget);
    signIn.mutate({ username, password });
  }

  return (
    <Page title="Sign in">
      <form ref={form} className="narrow" onSubmit={submit} noValidate>
        <Field label="Username" name="username" autoComplete="username" required error={errors["username"]} />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          error={errors["password"]}
        />
        {signIn.error !== null && signIn.error.code !== "VALIDATION_ERROR" && (
          <Notice kind="bad">
            {signIn.error.code === "INVALID_CREDENTIALS"
              ? "Username or password is wrong."
              : say(signIn.error)}
          </Notice>
        )}
        <button type="submit" className="main" disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in …" : "Sign in"}
        </button>
        <DemoPeople
          onChoose={({ username, password }) => {
            for (const [name, value] of Object.entries({ username, password })) {
              const field = form.current?.elements.namedItem(name);
              if (field instanceof HTMLInputElement) field.value = value;
            }
            form.current?.requestSubmit();
          }}
        />
        <p>
          New here? <a href={`#${leadingBack("/sign-up")}`}>Make an account</a>
        </p>
        <p>
          <a href={`#${leadingBack("/recover")}`}>Forgotten your password?</a>
        </p>
      </form>
    </Page>
  );
}
