import type { Context } from "hono";
import type { Logger } from "../runtime/ports.ts";
import type { AppEnv } from "./caller.ts";

/** A file of the box office, as it is sent. */
export interface PageFile {
  /** Its media type. */
  type: string;
  body: Uint8Array<ArrayBuffer>;
}

/**
 * The files of the box office by their paths: `/`, and what is below `/assets/`, whose names change with what is in them. Nothing else is
 * looked up, on disk or anywhere. Rejects when the page cannot be made.
 */
export type BoxOffice = () => Promise<ReadonlyMap<string, PageFile>>;

const unchanging = "public, max-age=31536000, immutable";

/** Whether a path is one of the box office's, which browsers ask for without an API key. */
export function isBoxOfficePath(path: string): boolean {
  return path === "/" || path.startsWith("/assets/");
}

/**
 * Serves the box office, for development: a page that calls the API like any other. Posters may come from `posterOrigin`, everything else from this
 * server alone. What is no file of it goes on to the gate.
 */
export function createBoxOfficeHandler(
  boxOffice: BoxOffice,
  { logger, posterOrigin }: { logger: Logger; posterOrigin: string | undefined },
) {
  const page = {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      // The code of a ticket is a `data:` URL.
      `img-src 'self' data: ${posterOrigin ?? ""}`.trim(),
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    // Asked about again each time, and kept by the browser for its Back button.
    "cache-control": "no-cache",
  };

  return async (context: Context<AppEnv>, next: () => Promise<void>): Promise<Response | void> => {
    const { path } = context.req;
    let files;
    try {
      files = await boxOffice();
    } catch (error) {
      logger.error({ err: error }, "The box office could not be built.");
      return context.text("The box office could not be built; the log of the server says why.", 503);
    }
    const file = files.get(path);
    if (file === undefined) return await next();
    const headers = path === "/" ? page : { "cache-control": unchanging };
    return context.body(file.body, 200, { "content-type": file.type, ...headers });
  };
}
