import { readFile } from "node:fs/promises";
import type { Context } from "hono";
import { developmentApiKey, type ApiKey } from "../config.ts";
import type { AppEnv } from "./caller.ts";
import { writtenApi } from "./openapi.ts";

const base = "/docs";

/** Whether a path is one of the reference page's, which browsers ask for without an API key. */
export function isDocsPath(path: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}

// Swagger UI sets styles of elements as it goes; scripts are files of this server only.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>SkyFox API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${base}/swagger-ui.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="${base}/swagger-ui-bundle.js"></script>
    <script src="${base}/start.js"></script>
  </body>
</html>
`;

/**
 * Serves a reference of the API to browsers, in which every call can be tried, with nothing from elsewhere. The page knows the published key of
 * development where callers may use it; any other key is for a person to type.
 */
export function createDocsHandler(apiKeys: ApiKey[]) {
  const isPublished = apiKeys.some(({ key }) => key === developmentApiKey);
  const files: Record<string, { type: string; read: () => string | Promise<Bytes> }> = {
    [base]: { type: "text/html", read: () => page },
    [`${base}/start.js`]: {
      type: "text/javascript",
      read: () => startScript(isPublished ? developmentApiKey : undefined),
    },
    [`${base}/openapi.json`]: { type: "application/json", read: async () => (await writtenApi()).body },
    [`${base}/swagger-ui.css`]: {
      type: "text/css",
      read: readOnce(import.meta.resolve("swagger-ui-dist/swagger-ui.css")),
    },
    [`${base}/swagger-ui-bundle.js`]: {
      type: "text/javascript",
      read: readOnce(import.meta.resolve("swagger-ui-dist/swagger-ui-bundle.js")),
    },
  };

  return async (context: Context<AppEnv>, next: () => Promise<void>): Promise<Response | void> => {
    const file = Object.hasOwn(files, context.req.path) ? files[context.req.path] : undefined;
    if (file === undefined) return await next();
    return context.body(await file.read(), 200, {
      "content-type": `${file.type}; charset=utf-8`,
      "content-security-policy": policy,
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    });
  };
}

function startScript(apiKey: string | undefined): string {
  return `const ui = SwaggerUIBundle({
  dom_id: "#docs",
  url: "${base}/openapi.json",
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  onComplete: () => { ${apiKey === undefined ? "" : `ui.preauthorizeApiKey("apiKey", ${JSON.stringify(apiKey)});`} },
});
`;
}

type Bytes = Uint8Array<ArrayBuffer>;

// Anyone may ask for the file, and take it as slowly as they like: all answers share the same bytes.
function readOnce(url: string): () => Promise<Bytes> {
  let file: Promise<Bytes> | undefined;
  return async () => {
    file ??= readFile(new URL(url)).then((bytes) => new Uint8Array(bytes));
    return await file;
  };
}
