// The globals of React Native: what it lacks is taken away, its AbortController is the package that it uses, and its URL and fetch do what its own do.
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { AbortController, AbortSignal } from "abort-controller";

const settings = JSON.parse(readFileSync("settings.json", "utf8"));

for (const name of [
  "BroadcastChannel",
  "crypto",
  "DOMException",
  "EventSource",
  "navigator",
  "ReadableStream",
  "Request",
  "Response",
  "structuredClone",
  "TextDecoder",
  "TransformStream",
])
  delete globalThis[name];

class UnreadableURL {
  #text;
  constructor(text) {
    this.#text = text;
  }
  toString() {
    return this.#text;
  }
}
for (const part of ["host", "hostname", "origin", "pathname", "port", "protocol"])
  Object.defineProperty(UnreadableURL.prototype, part, {
    get() {
      throw new Error(`URL.${part} is not implemented`);
    },
  });

// Over XMLHttpRequest there: an answer is whole, and has no stream.
function fetchWhole(url, { method, headers, body, signal }) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, async (answer) => {
      const bytes = await answer.toArray();
      const text = () => Promise.resolve(Buffer.concat(bytes).toString());
      const status = answer.statusCode;
      const json = async () => JSON.parse(await text());
      resolve({ ok: status < 300, status, headers: new Headers(answer.headers), text, json });
    });
    sent.on("error", () => reject(new TypeError("Network request failed")));
    signal?.addEventListener("abort", () =>
      reject(Object.assign(new Error("Aborted"), { name: "AbortError" })),
    );
    sent.end(body);
  });
}

Object.assign(globalThis, { AbortController, AbortSignal, URL: UnreadableURL, fetch: fetchWhole, settings });
if ("any" in globalThis.AbortSignal || "reason" in new globalThis.AbortController().signal)
  throw new Error("These are not the globals of React Native.");

await import("./built/esbuild.js");
await globalThis.done;
