import { beforeAll, describe, expect, test } from "vitest";
import { givenCustomer, testPassword, tokenOf } from "../../test/given.ts";
import { headersFor, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { transformer, type ErrorData } from "../contract/index.ts";

const app = await createTestApp();
const maxBodyBytes = 64 * 1_024;
const jsonHeaders = { ...headersFor(), "content-type": "application/json" };

let credentials: { username: string; password: string };
let token: string;
beforeAll(async () => {
  const customer = await givenCustomer(app.deps);
  credentials = { username: customer.username, password: testPassword };
  token = await tokenOf(app.deps, customer);
});

interface Problem {
  message: string;
  code: number;
  data: ErrorData;
}

const post = (body: string | ReadableStream, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { ...jsonHeaders, ...headers },
  body,
});

async function ask(url: string, init: RequestInit = { headers: headersFor() }) {
  const startedAt = performance.now();
  const response = await app.app.request(url, init);
  const text = await response.text();
  return { response, text, ms: performance.now() - startedAt };
}

/** The errors of an answer, one or a batch of them, each checked to be in the published shape and to say nothing else. */
async function errorsOf(url: string, init?: RequestInit): Promise<Problem[]> {
  const { response, text, ms } = await ask(url, init);
  expect(ms).toBeLessThan(1_000);
  const body: unknown = JSON.parse(text);
  const envelopes = (Array.isArray(body) ? body : [body]) as { error?: { json: Problem } }[];
  return envelopes.map((envelope) => {
    expect(Object.keys(envelope)).toEqual(["error"]);
    const error = transformer.deserialize(envelope.error as never) as Problem;
    expect(Object.keys(error).toSorted()).toEqual(["code", "data", "message"]);
    expect(Object.keys(error.data).toSorted()).toEqual([
      "code",
      "domain",
      "fields",
      "httpStatus",
      "path",
      "requestId",
    ]);
    expect(error.data.requestId).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    expect(error.data.requestId).toBe(response.headers.get("x-request-id"));
    expect(error.message).toMatch(/^[A-Z].*[.!]$/);
    expect(text).not.toMatch(/node_modules|\.ts:|stack|at Object|SyntaxError|zod|trpc/i);
    // A batch has one status for all of its calls.
    expect(error.data.httpStatus).toBe(Array.isArray(body) ? error.data.httpStatus : response.status);
    return error;
  });
}

async function problemOf(url: string, init?: RequestInit): Promise<ErrorData> {
  const [error, ...others] = await errorsOf(url, init);
  expect(others).toEqual([]);
  return error!.data;
}

const countSessions = async () => (await app.sql.query("select count(*) from session"))[0]?.["count"];

/** A body that comes in pieces, without a length. */
function inPieces(text: string): RequestInit {
  const body = new ReadableStream({
    start(controller) {
      for (let index = 0; index < text.length; index += 10_000)
        controller.enqueue(new TextEncoder().encode(text.slice(index, index + 10_000)));
      controller.close();
    },
  });
  return { ...post(body), duplex: "half" };
}

const bodyOf = (bytes: number) => `{"json":{"username":"${"x".repeat(bytes - 24)}"}}`;

describe("the size of a body", () => {
  test("may be the limit, and not one byte more, named or not", async () => {
    const [fits, exceeds] = [bodyOf(maxBodyBytes), bodyOf(maxBodyBytes + 1)];
    expect(Buffer.byteLength(fits)).toBe(maxBodyBytes);
    for (const headers of [{}, { "content-length": String(maxBodyBytes) }])
      expect(await problemOf("/trpc/auth.login", post(fits, headers))).toMatchObject({
        httpStatus: 400,
        domain: { code: "VALIDATION_ERROR" },
      });
    for (const headers of [{}, { "content-length": String(maxBodyBytes + 1) }])
      expect(await problemOf("/trpc/auth.login", post(exceeds, headers))).toMatchObject({
        code: "PAYLOAD_TOO_LARGE",
        httpStatus: 413,
        domain: null,
        fields: null,
      });
  });

  test("is counted as it comes, when its length was not sent", async () => {
    expect((await problemOf("/trpc/auth.login", inPieces(bodyOf(maxBodyBytes)))).httpStatus).toBe(400);
    expect((await problemOf("/trpc/auth.login", inPieces(bodyOf(maxBodyBytes + 1)))).httpStatus).toBe(413);
    expect((await problemOf("/trpc/auth.login", inPieces("[".repeat(400_000)))).httpStatus).toBe(413);
  });

  test("counts bytes, not characters", async () => {
    const text = `{"json":{"username":"${"é".repeat(33_000)}"}}`;
    expect(text.length).toBeLessThan(maxBodyBytes);
    expect((await problemOf("/trpc/auth.login", post(text))).httpStatus).toBe(413);
  });
});

describe("the type of a body", () => {
  test.each([
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/jsonx",
    "application/json5",
    "application/json, text/plain",
    "text/plain; application/json",
    "application/problem+json",
    "text/json",
    "json",
    "*/*",
  ])("may not be %s", async (type) => {
    const before = await countSessions();
    for (const path of ["auth.login", "auth.logout", "auth.none"])
      expect(await problemOf(`/trpc/${path}`, post("{}", { "content-type": type }))).toMatchObject({
        code: "UNSUPPORTED_MEDIA_TYPE",
        httpStatus: 415,
        domain: null,
      });
    expect(await countSessions()).toBe(before);
  });

  test("has to be named", async () => {
    const unnamed = { method: "POST", headers: headersFor(), body: new TextEncoder().encode("{}") };
    expect((await problemOf("/trpc/auth.login", unnamed)).httpStatus).toBe(415);
    expect((await problemOf("/trpc/auth.logout", { method: "POST", headers: headersFor() })).httpStatus).toBe(
      415,
    );
  });

  test.each([
    "application/json",
    "APPLICATION/JSON",
    "application/json; charset=utf-8",
    "application/json ;charset=x",
  ])("may be %s", async (type) => {
    const body = JSON.stringify({ json: credentials });
    const { response } = await ask("/trpc/auth.login", post(body, { "content-type": type }));
    expect(response.status).toBe(200);
  });

  test.each(["multipart/form-data; boundary=x", "application/octet-stream"])(
    "%s is no way to call a query either",
    async (type) => {
      const init = { headers: { ...headersFor(), "content-type": type } };
      expect((await problemOf("/trpc/auth.securityQuestions", init)).httpStatus).toBe(405);
    },
  );
});

describe("a body that is not JSON, or no input", () => {
  test.each<[string, string]>([
    ["nothing", ""],
    ["a brace", "{"],
    ["half an input", '{"json":{"username":"x"'],
    ["single quotes", "{'json':{}}"],
    ["a trailing comma", '{"json":{},}'],
    ["a comment", '{"json":{}} // x'],
    ["NaN", '{"json":NaN}'],
    ["two inputs", '{"json":{}}{"json":{}}'],
    ["a byte order mark", '\ufeff{"json":{}}'],
    ["null", "null"],
    ["a list", "[]"],
    ["text", '"x"'],
    ["a number", "1e400"],
    ["an input without its frame", '{"username":"x","password":"y"}'],
    ["null in the frame", '{"json":null}'],
    ["a list in the frame", '{"json":[]}'],
    ["5,000 levels", `{"json":${"[".repeat(5_000)}${"]".repeat(5_000)}}`],
    ["5,000 levels that do not end", `{"json":${"[".repeat(5_000)}`],
    ["a hundred thousand digits", `{"json":${"9".repeat(60_000)}}`],
    ["__proto__", '{"__proto__":{"json":{"username":"x","password":"y"}}}'],
    ["a typed array", '{"json":{"length":200000000},"meta":{"values":[["typed-array","Uint8Array"]]}}'],
  ])("(%s) is a validation error", async (_, body) => {
    expect(await problemOf("/trpc/auth.login", post(body))).toMatchObject({
      httpStatus: 400,
      path: "auth.login",
      domain: { code: "VALIDATION_ERROR", details: null },
      fields: expect.arrayContaining([
        { field: expect.any(String) as string, message: expect.any(String) as string },
      ]) as unknown,
    });
  });

  test("is refused in the address of a query too", async () => {
    for (const input of [
      "{",
      "null",
      "[]",
      '{"json":{"x":1}}',
      `{"json":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
    ]) {
      const url = `/trpc/auth.securityQuestions?input=${encodeURIComponent(input)}`;
      expect(await problemOf(url)).toMatchObject({ httpStatus: 400, domain: { code: "VALIDATION_ERROR" } });
    }
    for (const input of ["%", "%zz", "%ff%fe"])
      expect((await problemOf(`/trpc/auth.securityQuestions?input=${input}`)).httpStatus).toBe(400);
  });

  test("is refused before a list grows as long as the caller says", async () => {
    const body =
      '{"json":{"showId":1,"seatNumbers":[]},"meta":{"values":{"seatNumbers.2000000":["undefined"]},"v":1}}';
    const problem = await problemOf("/trpc/booking.initialize", post(body, headersFor({ token })));
    expect(problem).toMatchObject({ httpStatus: 400, domain: { code: "VALIDATION_ERROR" } });
    expect(problem.fields).toHaveLength(1);
  });
});

describe("the method", () => {
  test("of a mutation is POST and that of a query GET", async () => {
    const input = encodeURIComponent(JSON.stringify({ json: credentials }));
    const before = await countSessions();
    expect(await problemOf(`/trpc/auth.login?input=${input}`)).toMatchObject({
      code: "METHOD_NOT_SUPPORTED",
      httpStatus: 405,
      path: "auth.login",
    });
    expect(await countSessions()).toBe(before);
    expect((await problemOf("/trpc/auth.securityQuestions", post("{}"))).httpStatus).toBe(405);
  });

  test.each(["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])("%s is for nothing", async (method) => {
    expect(await problemOf("/trpc/auth.login", { method, headers: jsonHeaders })).toMatchObject({
      httpStatus: 404,
      domain: null,
    });
  });

  test("HEAD does nothing and says nothing", async () => {
    const before = await countSessions();
    const input = encodeURIComponent(JSON.stringify({ json: credentials }));
    const { response, text } = await ask(`/trpc/auth.login?input=${input}`, {
      method: "HEAD",
      headers: headersFor(),
    });
    expect([response.status, text]).toEqual([204, ""]);
    expect(await countSessions()).toBe(before);
  });

  test("cannot be overridden by a header or a field", async () => {
    const before = await countSessions();
    const headers = { ...headersFor(), "x-http-method-override": "POST", "x-method-override": "POST" };
    const input = encodeURIComponent(JSON.stringify({ json: credentials }));
    expect((await problemOf(`/trpc/auth.login?_method=POST&input=${input}`, { headers })).httpStatus).toBe(
      405,
    );
    expect(await countSessions()).toBe(before);
  });
});

describe("a procedure that there is not", () => {
  test.each([
    "none",
    "auth",
    "auth.",
    "auth.none",
    "auth.login.x",
    "AUTH.LOGIN",
    "auth/login",
    "auth..login",
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "auth.constructor",
    "auth.__proto__",
    "_def",
    "createCaller",
    "auth%2Elogin%00",
    "auth.login%20",
    "x".repeat(10_000),
    "",
  ])("(%.20s) is not found, for a query and for a mutation", async (path) => {
    for (const init of [undefined, post("{}")])
      expect(await problemOf(`/trpc/${path}`, init)).toMatchObject({
        code: "NOT_FOUND",
        httpStatus: 404,
        domain: null,
        fields: null,
      });
  });

  test.each([
    "%",
    "%zz",
    "%E0%A4%A",
    "%c0%ae",
    "%00",
    "%2e%2e%2fetc",
    "auth.login%",
    "%F0%9F%98%80",
    "%ED%A0%80",
    "%25",
    "%2525",
  ])("written as %s is refused and not a fault of ours", async (path) => {
    for (const url of [`/trpc/${path}`, `/trpc/${path}?batch=1`])
      for (const init of [undefined, post("{}")])
        for (const { data } of await errorsOf(url, init)) expect([400, 403, 404]).toContain(data.httpStatus);
  });
});

const questions = (count: number, separator = ",") =>
  `/trpc/${Array.from({ length: count }, () => "auth.securityQuestions").join(separator)}?batch=1`;

const logins = (count: number) =>
  JSON.stringify(
    Object.fromEntries(Array.from({ length: count }, (_, index) => [index, { json: credentials }])),
  );

describe("a batch", () => {
  test.each([1, 2, 10])("of %i queries is answered one by one", async (count) => {
    const { response, text } = await ask(questions(count));
    expect(response.status).toBe(200);
    const answers = JSON.parse(text) as { result: { data: { json: unknown[] } } }[];
    expect(answers).toHaveLength(count);
    for (const { result } of answers) expect(result.data.json).toHaveLength(10);
    expect((await ask(questions(count, "%2C"))).text).toBe(text);
  });

  test.each([11, 12, 900])("of %i is refused, also with encoded commas", async (count) => {
    for (const separator of [",", "%2C", "%2c"])
      expect(await problemOf(questions(count, separator))).toMatchObject({
        httpStatus: 400,
        domain: { code: "VALIDATION_ERROR" },
        fields: [{ field: "", message: "A batch has at most 10 calls." }],
      });
  });

  test("of nothing is a procedure that there is not", async () => {
    for (const url of ["/trpc?batch=1", "/trpc/?batch=1"])
      expect((await errorsOf(url)).map(({ data }) => data.httpStatus)).toEqual([404]);
    expect((await errorsOf("/trpc/,?batch=1")).map(({ data }) => data.httpStatus)).toEqual([404, 404]);
  });

  test.each([
    "/trpc/auth.login?batch=1",
    `/trpc/${Array.from({ length: 10 }, () => "auth.login").join(",")}?batch=1`,
    `/trpc/${Array.from({ length: 10 }, () => "auth.login").join("%2C")}?batch=1`,
    "/trpc/auth%2Elogin,auth.login?batch=1",
    "/trpc/auth.lo%67in?batch=1",
    "/trpc/auth.login/?batch=1",
    "/trpc/auth.login//?batch=1",
    "/trpc/x,auth.login/?batch=1",
    "/trpc//auth.login?batch=1",
    "/trpc//x,auth.login/?batch=1",
    "/trpc/auth.login%2F?batch=1",
    "/trpc/./auth.login/?batch=1",
    "/trpc/x/../auth.login/?batch=1",
    "//trpc/auth.login?batch=1",
    "/%74rpc/auth.login?batch=1",
    "/trpc/auth.login?%62atch=1",
    "/trpc/auth.login?batch=%31",
    "/trpc/auth.login?x=1&batch=1",
    "/trpc/auth.login?&batch=1",
    "/trpc/auth.login?batch=1&batch=0",
    "/trpc/auth.login?batch=1#x",
    "/trpc/auth.securityQuestions,auth.login?batch=1",
    "/trpc/auth.logout,auth.login?batch=1",
  ])("with a mutation runs nothing: %s", async (url) => {
    const before = await countSessions();
    for (const headers of [{}, { "trpc-accept": "application/jsonl" }, { accept: "application/jsonl" }]) {
      const { response, ms } = await ask(url, post(logins(10), headers));
      expect([400, 404]).toContain(response.status);
      expect(ms).toBeLessThan(1_000);
    }
    expect(await countSessions()).toBe(before);
  });

  test.each([
    "batch=0&batch=1",
    "batch=true",
    "batch=01",
    "batch=",
    "batch",
    "BATCH=1",
    "batch=1%00",
    "batch=2",
  ])("is none with ?%s, so one mutation at most runs", async (search) => {
    const before = Number(await countSessions());
    await ask(`/trpc/auth.login,auth.login?${search}`, post(logins(2)));
    expect(await countSessions()).toBe(before);
  });

  test("with a call that there is not answers the others", async () => {
    const { response, text } = await ask("/trpc/auth.securityQuestions,auth.none?batch=1");
    expect(response.status).toBe(207);
    const [one, other] = JSON.parse(text) as [{ result: unknown }, { error: { json: Problem } }];
    expect(one.result).toBeDefined();
    expect(other.error.json.data).toMatchObject({ httpStatus: 404, path: "auth.none" });
  });

  test.each([
    "[]",
    "null",
    "1",
    '"x"',
    "{",
    '{"0":1}',
    '{"0":{"json":{"x":1}}}',
    '{"__proto__":{}}',
    "[[],[]]",
  ])("with the input %s is no fault of ours", async (input) => {
    const { response, ms } = await ask(`/trpc/show.byId,auth.me?batch=1&input=${encodeURIComponent(input)}`, {
      headers: headersFor({ token }),
    });
    expect(response.status).toBeLessThan(500);
    expect(ms).toBeLessThan(1_000);
  });

  test("refuses the inputs of each call by themselves", async () => {
    const input = encodeURIComponent(
      JSON.stringify({ 0: { json: { showId: 0 } }, 1: { json: { extra: 1 } } }),
    );
    const [one, other] = await errorsOf(`/trpc/show.byId,show.list?batch=1&input=${input}`, {
      headers: headersFor({ token }),
    });
    expect(one?.data.fields).toEqual([{ field: "showId", message: expect.any(String) as string }]);
    expect(other?.data.fields).toEqual([{ field: "extra", message: "There is no such field." }]);
  });
});

describe("what goes wrong before any call is looked at has a request id too", () => {
  test.each([
    ["/trpc/auth.me?connectionParams={", 400],
    ["/trpc/auth.me?connectionParams=[]", 400],
    ["/trpc/auth.me?connectionParams=%7B%22a%22:1%7D", 400],
    ["/trpc/auth.me,auth.login?batch=1", 400],
    ["/trpc/%zz", 400],
  ])("%s", async (url, status) => {
    expect(await problemOf(url)).toMatchObject({ httpStatus: status, domain: { code: "VALIDATION_ERROR" } });
  });

  test("a stream without a batch", async () => {
    for (const headers of [
      { "trpc-accept": "application/jsonl" },
      { accept: "text/html, application/jsonl" },
    ])
      expect(
        await problemOf("/trpc/auth.securityQuestions", { headers: { ...headersFor(), ...headers } }),
      ).toMatchObject({
        httpStatus: 400,
        domain: { code: "VALIDATION_ERROR" },
      });
  });
});

test("a streamed batch tells the same errors, and nothing more", async () => {
  const { response, text } = await ask("/trpc/auth.me,booking.latest?batch=1", {
    headers: { ...headersFor(), "trpc-accept": "application/jsonl" },
  });
  const requestId = response.headers.get("x-request-id");
  expect(text.split(`"requestId":"${requestId}"`)).toHaveLength(3);
  expect(text.split('"MISSING_TOKEN"')).toHaveLength(3);
  expect(text).not.toMatch(/stack|node_modules/);
});

test("the input of a query may be left out, or be empty", async () => {
  for (const input of ["", "?input=", "?input=%7B%22json%22:%7B%7D%7D", "?input=%7B%7D"])
    expect((await ask(`/trpc/auth.securityQuestions${input}`)).response.status).toBe(200);
  expect((await query(app, "show.list", undefined, { token })).status).toBe(200);
});

test("a query with more values than it can take is refused before they are parsed", async () => {
  const wide = JSON.stringify({ json: { seatNumbers: Array.from({ length: 400 }, () => 1) } });
  const problem = await problemOf(`/trpc/show.list?input=${encodeURIComponent(wide)}`, {
    headers: headersFor(),
  });
  expect(problem).toMatchObject({
    httpStatus: 400,
    fields: [{ field: "", message: "The input has more values than this call can take." }],
  });
});
