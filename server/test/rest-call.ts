import { restEndpoint } from "../src/contract/index.ts";
import { headersFor, type CallOptions, type Reachable } from "./rpc-call.ts";

/** What came back of a route. */
export interface RestReply<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** The plain shape of an error. */
export interface RestError {
  status: "ERROR";
  code: string;
  message: string;
  request_id: string;
  details?: Record<string, unknown>;
  errors?: { field: string; message: string }[];
}

/** Calls a route, such as `GET /shows?date=2026-03-10`, through the whole HTTP side; `body` is sent as JSON. */
export async function rest<Body = RestError>(
  app: Reachable,
  route: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<RestReply<Body>> {
  const [method = "", path = ""] = route.split(" ");
  const response = await app.app.request(restEndpoint + path, {
    method,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headersFor(options),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === "" ? undefined : JSON.parse(text)) as Body,
  };
}
