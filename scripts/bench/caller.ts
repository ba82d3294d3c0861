import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { developmentApiKey } from "../../server/src/config.ts";

/** Who calls: a token, and the address that a proxy in front of the server would name. */
export interface Person {
  username: string;
  token: string;
  address: string;
}

/** What a call of tRPC takes: an input to a query, or one to a mutation. */
export interface Input {
  query?: object;
  mutation?: object;
}

/** An answer as it came. */
export interface Answer {
  status: number;
  body: string;
}

/** Calls one server over connections that stay open. */
export interface Caller {
  /** Calls a path or a procedure and gives whatever is answered; what an overloaded server puts off is called again when it says. */
  send(path: string, person?: Person, input?: Input): Promise<Answer>;
  /** Like `send`; throws when the answer is a refusal. */
  ask(path: string, person?: Person, input?: Input): Promise<string>;
  /** How many calls have been put off so far. */
  putOff(): number;
  close(): void;
}

/** Opens a caller; `connections` is how many calls are under way at once at most. */
export function openCaller(url: string, connections: number): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let putOff = 0;

  async function send(path: string, person?: Person, input?: Input): Promise<Answer> {
    for (;;) {
      const { retryAfterSeconds, ...answer } = await sendOnce(path, person, input);
      if (answer.status !== 503 || retryAfterSeconds === undefined) return answer;
      putOff += 1;
      await pause(retryAfterSeconds * 1_000);
    }
  }

  async function sendOnce(
    path: string,
    person: Person | undefined,
    { query, mutation }: Input = {},
  ): Promise<Answer & { retryAfterSeconds: number | undefined }> {
    const search = query === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify({ json: query }))}`;
    const body = mutation === undefined ? undefined : JSON.stringify({ json: mutation });
    const headers = {
      "x-api-key": developmentApiKey,
      ...(person !== undefined && {
        authorization: `Bearer ${person.token}`,
        "x-forwarded-for": person.address,
      }),
      ...(body !== undefined && {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
      }),
    };
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof sendOnce>>>();
    const method = body === undefined ? "GET" : "POST";
    request(`${url}${path}${search}`, { agent, method, headers }, (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      const wait = answered["retry-after"];
      const retryAfterSeconds = wait === undefined ? undefined : Number(wait);
      text(response).then((read) => resolve({ status, retryAfterSeconds, body: read }), reject);
    })
      .on("error", reject)
      .end(body);
    return promise;
  }

  return {
    send,
    async ask(path, person, input) {
      const { status, body } = await send(path, person, input);
      if (status !== 200) throw new Error(`${path} was answered ${status}: ${body.slice(0, 300)}`);
      return body;
    },
    putOff: () => putOff,
    close: () => agent.destroy(),
  };
}
