import type { Context } from "hono";
import type { FolderStore } from "../image/folder-store.ts";
import type { AppEnv } from "./caller.ts";

/** Serves a picture to every caller with its link; all other requests go on to the gate, which reveals nothing. */
export function createImageHandler(store: FolderStore) {
  return async (context: Context<AppEnv>, next: () => Promise<void>): Promise<Response | void> => {
    const { expires, signature } = context.req.query();
    const picture = await store.open({ key: context.req.param("key") ?? "", expires, signature });
    if (picture === undefined) return await next();
    return context.body(new Uint8Array(picture), 200, { "content-type": "image/jpeg" });
  };
}
