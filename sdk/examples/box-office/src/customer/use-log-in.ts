import { useMutation } from "@tanstack/react-query";
import { api } from "../client.ts";
import { go, pathBack } from "../router.ts";
import { setSession } from "../session.ts";

/** Signs in, and leads back to where the person came from; staff who came from nowhere, to the door. */
export function useLogIn() {
  return useMutation(
    api.auth.login.mutationOptions({
      onSuccess({ user, token }) {
        // Before the session changes, which the page would follow elsewhere.
        const back = pathBack();
        setSession({ ...user, token });
        go(back === "/" && user.role !== "customer" ? "/door" : back, { replace: true });
      },
    }),
  );
}
