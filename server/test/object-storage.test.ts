import { createHash } from "node:crypto";
import { request as sendRequest } from "node:http";
import { text } from "node:stream/consumers";
import {
  DeleteObjectCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectAclCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ObjectStorage, startObjectStorage } from "./object-storage.ts";
import { assertSigned } from "./signature-v4.ts";

const oddKey = "profiles/a b+c/ü'(*)~!&=?#%/é.png";
const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff]);
const minuteMs = 60_000;

let now: Date;
let storage: ObjectStorage;
let client: S3Client;
let opened: S3Client[];

beforeEach(async () => {
  now = new Date();
  opened = [];
  storage = await startObjectStorage({ now: () => now });
  client = connect();
});

afterEach(async () => {
  for (const one of opened) one.destroy();
  await storage.stop();
});

function connect(changes: S3ClientConfig = {}): S3Client {
  const { region, endpoint, accessKeyId, secretAccessKey } = storage.access;
  const credentials = { accessKeyId, secretAccessKey };
  const base = { region, endpoint, credentials, forcePathStyle: true, maxAttempts: 1 };
  const connected = new S3Client({ ...base, ...changes });
  opened.push(connected);
  return connected;
}

const at = (key: string) => ({ Bucket: storage.access.bucket, Key: key });
const put = (key: string, from = client) =>
  from.send(new PutObjectCommand({ ...at(key), Body: png, ContentType: "image/png" }));
const get = (key: string, signal?: AbortSignal) =>
  client.send(new GetObjectCommand(at(key)), signal === undefined ? {} : { abortSignal: signal });
const remove = (key: string) => client.send(new DeleteObjectCommand(at(key)));
const linkTo = (key: string, options: { expiresIn?: number; signingDate?: Date } = {}) =>
  getSignedUrl(client, new GetObjectCommand(at(key)), options);

type Wire = { method: string; path: string; headers: Record<string, string>; body?: Buffer };

/** The request that the SDK would have sent, signed, so that a test can send it with a change. */
async function signed(ask: (catching: S3Client) => Promise<unknown>): Promise<Wire> {
  let wire: Wire | undefined;
  const caught = new Error("Caught before it left.");
  const catching = connect();
  catching.middlewareStack.add(
    () => async (args) => {
      const { method, path, query, headers, body } = args.request as Wire & { query: Record<string, string> };
      const search = new URLSearchParams(query).toString();
      wire = { method, path: search === "" ? path : `${path}?${search}`, headers, ...(body && { body }) };
      throw caught;
    },
    { step: "finalizeRequest", priority: "low" },
  );
  await expect(ask(catching)).rejects.toBe(caught);
  if (wire === undefined) throw new Error("The SDK signed nothing.");
  return wire;
}

/** A client that signs another request than it was asked for. */
function altering(change: (request: Wire) => void): S3Client {
  const connected = connect();
  connected.middlewareStack.add(
    (next) => (args) => {
      change(args.request as Wire);
      return next(args);
    },
    { step: "build" },
  );
  return connected;
}

const signedPut = (key = "a") => signed((catching) => put(key, catching));
const signedGet = (key = "a") => signed((catching) => catching.send(new GetObjectCommand(at(key))));

/** Sends it exactly so, and says what came back: the status and, of an error, its code and message. */
async function send({ method, path, headers, body }: Wire) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    code?: string;
    message?: string;
  }>();
  const sent = sendRequest(storage.url, { method, path, headers }, (response) => {
    text(response).then((xml) => {
      const [, code, message] = /<Error><Code>(\w+)<\/Code><Message>(.*)<\/Message><\/Error>/.exec(xml) ?? [];
      resolve({ status: response.statusCode ?? 0, ...(code && { code }), ...(message && { message }) });
    }, reject);
  });
  sent.on("error", reject).end(body);
  return promise;
}

const follow = (link: string, method = "GET", headers: Record<string, string> = {}, body?: Buffer) =>
  send({ method, path: link.slice(storage.url.length), headers, ...(body && { body }) });

const changed = (wire: Wire, headers: Record<string, string>) => ({
  ...wire,
  headers: { ...wire.headers, ...headers },
});

function without(wire: Wire, header: string): Wire {
  const { [header]: _, ...headers } = wire.headers;
  return { ...wire, headers };
}

const instantOf = (wire: Wire) => {
  const basic = /^(....)(..)(..T..)(..)(..Z)$/;
  return new Date((wire.headers["x-amz-date"] ?? "").replace(basic, "$1-$2-$3:$4:$5")).getTime();
};

describe("with the real client", () => {
  it.each(["profiles/1.png", oddKey, "a/../b//./c/"])("keeps, gives back and deletes %s", async (key) => {
    const command = { ...at(key), Body: png, ContentType: "image/png", CacheControl: "private, max-age=60" };
    const { ETag } = await client.send(new PutObjectCommand({ ...command, Metadata: { owner: "1" } }));
    expect(storage.keys()).toEqual([key]);
    expect(storage.object(key)).toEqual({
      body: png,
      contentType: "image/png",
      headers: { "cache-control": "private, max-age=60", "x-amz-meta-owner": "1" },
    });

    const found = await get(key);
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? [])).toEqual(png);
    const etag = `"${createHash("md5").update(png).digest("hex")}"`;
    const described = {
      ContentType: "image/png",
      ContentLength: png.length,
      ETag: etag,
      Metadata: { owner: "1" },
    };
    expect(found).toMatchObject({ ...described, CacheControl: "private, max-age=60" });
    expect(await client.send(new HeadObjectCommand(at(key)))).toMatchObject(described);
    expect(ETag).toBe(etag);

    expect((await remove(key)).$metadata.httpStatusCode).toBe(204);
    expect(storage.keys()).toEqual([]);
    expect(storage.object(key)).toBeUndefined();
    expect(storage.refusals).toEqual([]);
  });

  it("sorts the keys and replaces an object put again", async () => {
    for (const key of ["b", "a", "b"]) await put(key);
    expect(storage.keys()).toEqual(["a", "b"]);
  });

  it("takes an empty body and one larger than a socket's buffer", async () => {
    const large = Buffer.alloc(5_000_000, 7);
    await client.send(new PutObjectCommand({ ...at("empty"), Body: Buffer.alloc(0) }));
    await client.send(new PutObjectCommand({ ...at("large"), Body: large }));
    expect(storage.object("empty")?.body.length).toBe(0);
    expect(storage.object("large")?.body.equals(large)).toBe(true);
  });

  it("answers of an absent object that it is absent, and deletes it gladly", async () => {
    await expect(get("absent")).rejects.toMatchObject({
      name: "NoSuchKey",
      $metadata: { httpStatusCode: 404 },
    });
    await expect(client.send(new HeadObjectCommand(at("absent")))).rejects.toMatchObject({
      name: "NotFound",
    });
    await expect(remove("absent")).resolves.toMatchObject({ $metadata: { httpStatusCode: 204 } });
    expect(storage.refusals).toEqual([]);
  });

  it("knows one bucket only", async () => {
    const elsewhere = new GetObjectCommand({ Bucket: "elsewhere", Key: "a" });
    await expect(client.send(elsewhere)).rejects.toMatchObject({ name: "NoSuchBucket" });
    expect(storage.refusals).toEqual(["NoSuchBucket"]);
  });

  it("shows an object to every holder of a presigned link, as the link wants it described", async () => {
    await put(oddKey);
    const command = new GetObjectCommand({
      ...at(oddKey),
      ResponseContentDisposition: 'attachment; filename="a b"',
    });
    const response = await fetch(await getSignedUrl(client, command));
    expect(Buffer.from(await response.arrayBuffer())).toEqual(png);
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="a b"');
  });

  it("takes an upload, a look and a deletion by presigned link", async () => {
    const upload = await getSignedUrl(client, new PutObjectCommand({ ...at("a"), Metadata: { owner: "1" } }));
    expect(await follow(upload, "PUT", { "content-type": "image/png" }, png)).toEqual({ status: 200 });
    expect(storage.object("a")).toMatchObject({
      contentType: "image/png",
      headers: { "x-amz-meta-owner": "1" },
    });
    expect(await follow(await getSignedUrl(client, new HeadObjectCommand(at("a"))), "HEAD")).toEqual({
      status: 200,
    });
    expect(await follow(await getSignedUrl(client, new DeleteObjectCommand(at("a"))), "DELETE")).toEqual({
      status: 204,
    });
    expect(storage.keys()).toEqual([]);
  });
});

describe("the signature", () => {
  // "Signature Calculations for the Authorization Header" and "Using Query Parameters", Amazon S3 API Reference.
  const published = {
    region: "us-east-1",
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  };
  const publishedAt = new Date("2013-05-24T00:00:00Z");
  const host = ["examplebucket.s3.amazonaws.com"];
  const scope = `${published.accessKeyId}/20130524/us-east-1/s3/aws4_request`;

  function publishedExample(
    example: { method: string; path: string; body?: string; headers?: Record<string, string[]> },
    signature: string,
    query: { name: string; value: string }[] = [],
  ) {
    const body = Buffer.from(example.body ?? "");
    const headers: Record<string, string[]> = {
      ...example.headers,
      host,
      "x-amz-content-sha256": [createHash("sha256").update(body).digest("hex")],
      "x-amz-date": ["20130524T000000Z"],
    };
    const names = Object.keys(headers).toSorted().join(";");
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${names},Signature=${signature}`;
    return { ...example, query, body, headers: { ...headers, authorization: [authorization] } };
  }

  it.each([
    publishedExample(
      { method: "GET", path: "/test.txt", headers: { range: ["bytes=0-9"] } },
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    publishedExample(
      {
        method: "PUT",
        path: "/test$file.text",
        body: "Welcome to Amazon S3.",
        headers: { date: ["Fri, 24 May 2013 00:00:00 GMT"], "x-amz-storage-class": ["REDUCED_REDUNDANCY"] },
      },
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    publishedExample(
      { method: "GET", path: "/" },
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      [
        { name: "prefix", value: "J" },
        { name: "max-keys", value: "2" },
      ],
    ),
    {
      method: "GET",
      path: "/test.txt",
      query: [
        { name: "X-Amz-Algorithm", value: "AWS4-HMAC-SHA256" },
        { name: "X-Amz-Credential", value: scope },
        { name: "X-Amz-Date", value: "20130524T000000Z" },
        { name: "X-Amz-Expires", value: "86400" },
        { name: "X-Amz-SignedHeaders", value: "host" },
        {
          name: "X-Amz-Signature",
          value: "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        },
      ],
      headers: { host },
      body: Buffer.alloc(0),
    },
  ])("of Amazon's own example is right: $method $path", (request) => {
    expect(() => assertSigned(request, published, publishedAt)).not.toThrow();
    const other = { ...published, secretAccessKey: `${published.secretAccessKey}x` };
    expect(() => assertSigned(request, other, publishedAt)).toThrow("does not match");
  });

  it("is missing: without one nothing can be read, stored or deleted", async () => {
    await put("a");
    const path = `/${storage.access.bucket}/a`;
    for (const method of ["GET", "PUT", "DELETE"]) {
      const refusal = { status: 403, code: "AccessDenied", message: "Access Denied" };
      expect(await send({ method, path, headers: {} })).toEqual(refusal);
    }
    expect(await send({ method: "HEAD", path, headers: {} })).toEqual({ status: 403 });
    expect(storage.keys()).toEqual(["a"]);
    expect(storage.refusals).toEqual(Array(4).fill("AccessDenied"));
  });

  it("was made with an unknown key, or a wrong secret", async () => {
    const { accessKeyId, secretAccessKey } = storage.access;
    const unknown = connect({ credentials: { accessKeyId: "AKIASOMEBODY", secretAccessKey } });
    await expect(put("a", unknown)).rejects.toMatchObject({
      name: "InvalidAccessKeyId",
      $metadata: { httpStatusCode: 403 },
    });
    const wrong = connect({ credentials: { accessKeyId, secretAccessKey: `${secretAccessKey}x` } });
    await expect(put("a", wrong)).rejects.toMatchObject({
      name: "SignatureDoesNotMatch",
      $metadata: { httpStatusCode: 403 },
    });
    const link = await getSignedUrl(wrong, new GetObjectCommand(at("a")));
    expect(await follow(link)).toMatchObject({ status: 403, code: "SignatureDoesNotMatch" });
    expect(storage.keys()).toEqual([]);
    expect(storage.refusals).toEqual([
      "InvalidAccessKeyId",
      "SignatureDoesNotMatch",
      "SignatureDoesNotMatch",
    ]);
  });

  it("was made for another region", async () => {
    const elsewhere = connect({ region: "eu-west-1" });
    await expect(put("a", elsewhere)).rejects.toMatchObject({
      name: "AuthorizationHeaderMalformed",
      message: expect.stringContaining("ap-south-1") as string,
    });
    const link = await getSignedUrl(elsewhere, new GetObjectCommand(at("a")));
    expect(await follow(link)).toMatchObject({ status: 400, code: "AuthorizationQueryParametersError" });
  });

  it("still fits when nothing was changed on the way", async () => {
    expect(await send(await signedPut(oddKey))).toEqual({ status: 200 });
    expect(await send(await signedGet(oddKey))).toEqual({ status: 200 });
  });

  it.each<[string, (wire: Wire) => Wire]>([
    ["the method", (wire) => ({ ...wire, method: "DELETE" })],
    ["the key", (wire) => ({ ...wire, path: wire.path.replace("/a?", "/b?") })],
    ["the query", (wire) => ({ ...wire, path: `${wire.path}&x-amz-meta-owner=2` })],
    ["a signed header", (wire) => changed(wire, { "content-type": "text/html" })],
    ["the host", (wire) => changed(wire, { host: "somewhere.else" })],
    [
      "one digit of it",
      (wire) => changed(wire, { authorization: oneDigitOff(wire.headers["authorization"]) }),
    ],
    [
      "its end",
      (wire) => changed(wire, { authorization: wire.headers["authorization"]?.slice(0, -1) ?? "" }),
    ],
    ["the announced hash", (wire) => changed(wire, { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" })],
  ])("does not fit after a change of %s", async (_what, change) => {
    await put("b");
    expect(await send(change(await signedPut()))).toMatchObject({
      status: 403,
      code: "SignatureDoesNotMatch",
    });
    expect(storage.keys()).toEqual(["b"]);
  });

  it("does not fit a presigned link whose key, life or method was changed", async () => {
    for (const key of ["a", "b"]) await put(key);
    const link = await linkTo("a", { expiresIn: 60 });
    expect(await follow(link)).toEqual({ status: 200 });
    const refused = { status: 403, code: "SignatureDoesNotMatch" };
    expect(await follow(link.replace("/a?", "/b?"))).toMatchObject(refused);
    expect(await follow(link.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))).toMatchObject(refused);
    expect(await follow(link, "DELETE")).toMatchObject(refused);
    expect(storage.keys()).toEqual(["a", "b"]);
  });

  it("covers the body", async () => {
    const wire = { ...(await signedPut()), body: Buffer.from("PNG???") };
    expect(await send(wire)).toMatchObject({ status: 400, code: "XAmzContentSHA256Mismatch" });
    expect(storage.keys()).toEqual([]);
  });

  it("covers the host and every x-amz header", async () => {
    const refused = {
      status: 403,
      code: "AccessDenied",
      message: expect.stringContaining("not signed") as string,
    };
    expect(await send(changed(await signedPut(), { "x-amz-meta-owner": "2" }))).toEqual(refused);
    const hostless = await signedPut();
    const authorization = hostless.headers["authorization"]?.replace(";host;", ";") ?? "";
    expect(await send(changed(hostless, { authorization }))).toEqual(refused);
    const link = await getSignedUrl(client, new PutObjectCommand(at("a")));
    expect(await follow(link, "PUT", { "x-amz-meta-owner": "2" }, png)).toEqual(refused);
    expect(storage.keys()).toEqual([]);
  });

  it("must be Version 4, complete, over the whole body and given once", async () => {
    const wire = await signedGet();
    const unsupported = changed(wire, { authorization: "AWS AKIASKYFOXTEST:c2lnbmF0dXJl" });
    expect(await send(unsupported)).toMatchObject({ status: 400, code: "InvalidRequest" });
    const incomplete = changed(wire, { authorization: "AWS4-HMAC-SHA256 Credential=AKIASKYFOXTEST" });
    expect(await send(incomplete)).toMatchObject({ status: 400, code: "AuthorizationHeaderMalformed" });
    expect(await send(without(wire, "x-amz-content-sha256"))).toMatchObject({
      status: 400,
      code: "InvalidRequest",
    });
    expect(await send(without(wire, "x-amz-date"))).toMatchObject({
      status: 400,
      code: "AuthorizationHeaderMalformed",
    });
    const link = await linkTo("a");
    const twice = await follow(link, "GET", { authorization: wire.headers["authorization"] ?? "" });
    expect(twice).toMatchObject({ status: 400, code: "InvalidArgument" });
    const partial = link.replace(/&X-Amz-Date=[^&]+/, "");
    expect(await follow(partial)).toMatchObject({ status: 400, code: "AuthorizationQueryParametersError" });
  });

  it("of a body in chunks is refused with a clear error", async () => {
    const streaming = altering(({ headers }) => {
      headers["x-amz-content-sha256"] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    });
    await expect(put("a", streaming)).rejects.toMatchObject({
      name: "NotImplemented",
      message: expect.stringContaining("chunks") as string,
    });
    expect(storage.keys()).toEqual([]);
  });
});

describe("time", () => {
  it.each([-1, 1])("lets a signed request be 15 minutes off, not more (direction %i)", async (direction) => {
    const wire = await signedPut();
    now = new Date(instantOf(wire) + direction * 15 * minuteMs);
    expect(await send(wire)).toEqual({ status: 200 });
    now = new Date(now.getTime() + direction);
    expect(await send(wire)).toMatchObject({ status: 403, code: "RequestTimeTooSkewed" });
    expect(storage.refusals).toEqual(["RequestTimeTooSkewed"]);
  });

  it("ends a presigned link when its life is over, and starts it no earlier than it was signed", async () => {
    await put("a");
    const signingDate = new Date("2026-03-15T12:00:00Z");
    const link = await linkTo("a", { expiresIn: 300, signingDate });
    now = new Date("2026-03-15T12:05:00.000Z");
    expect(await follow(link)).toEqual({ status: 200 });
    now = new Date("2026-03-15T12:05:00.001Z");
    const refused = { status: 403, code: "AccessDenied" };
    expect(await follow(link)).toEqual({ ...refused, message: "Request has expired" });
    now = new Date("2026-03-15T11:44:59.999Z");
    expect(await follow(link)).toEqual({ ...refused, message: "Request is not yet valid" });
    expect(storage.refusals).toEqual(["AccessDenied", "AccessDenied"]);
  });

  it("lets a link live for a week, and not for longer, shorter than a second or for ever", async () => {
    await put("a");
    const link = await linkTo("a", { expiresIn: 604_800, signingDate: now });
    now = new Date(now.getTime() + 604_799_000);
    expect(await follow(link)).toEqual({ status: 200 });
    for (const expires of ["604801", "0", "-1", "1.5", "", "soon"]) {
      const changedLink = link.replace("X-Amz-Expires=604800", `X-Amz-Expires=${expires}`);
      expect(await follow(changedLink)).toMatchObject({
        status: 400,
        code: "AuthorizationQueryParametersError",
      });
    }
  });

  it("is the present when no other clock is given", async () => {
    const present = await startObjectStorage();
    try {
      await put("a", connect({ endpoint: present.url }));
      expect(present.keys()).toEqual(["a"]);
    } finally {
      await present.stop();
    }
  });
});

describe("privacy", () => {
  it.each(["public-read", "public-read-write", "authenticated-read"] as const)(
    "refuses the access list %s, in a header or a link",
    async (ACL) => {
      const command = new PutObjectCommand({ ...at("a"), Body: png, ACL });
      const refused = { name: "AccessDenied", $metadata: { httpStatusCode: 403 } };
      await expect(client.send(command)).rejects.toMatchObject(refused);
      const link = await getSignedUrl(client, new PutObjectCommand({ ...at("a"), ACL }));
      expect(await follow(link, "PUT", {}, png)).toMatchObject({ status: 403, code: "AccessDenied" });
      expect(storage.keys()).toEqual([]);
    },
  );

  it("takes the access list private, and refuses a grant", async () => {
    await client.send(new PutObjectCommand({ ...at("a"), Body: png, ACL: "private" }));
    const grant = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"';
    const command = new PutObjectCommand({ ...at("b"), Body: png, GrantRead: grant });
    await expect(client.send(command)).rejects.toMatchObject({ name: "AccessDenied" });
    expect(storage.keys()).toEqual(["a"]);
  });
});

describe("what it does not do", () => {
  it("refuses rather than do something else", async () => {
    await put("a");
    const refused = { name: "NotImplemented", $metadata: { httpStatusCode: 501 } };
    const range = new GetObjectCommand({ ...at("a"), Range: "bytes=0-1" });
    await expect(client.send(range)).rejects.toMatchObject(refused);
    const condition = new PutObjectCommand({ ...at("b"), Body: png, IfNoneMatch: "*" });
    await expect(client.send(condition)).rejects.toMatchObject(refused);
    const list = new ListObjectsV2Command({ Bucket: storage.access.bucket });
    await expect(client.send(list)).rejects.toMatchObject(refused);
    const look = new GetObjectAclCommand(at("a"));
    await expect(client.send(look)).rejects.toMatchObject(refused);
    const publish = new PutObjectAclCommand({ ...at("a"), AccessControlPolicy: {} });
    await expect(client.send(publish)).rejects.toMatchObject(refused);
    expect(storage.keys()).toEqual(["a"]);
    expect(storage.object("a")?.body).toEqual(png);
  });

  it("refuses a path that is no percent-encoding, a method it lacks and a body without a length", async () => {
    const link = await linkTo("a");
    expect(await follow(link.replace("/a?", "/%zz?"))).toMatchObject({ status: 400, code: "InvalidURI" });
    const patching = altering((request) => (request.method = "PATCH"));
    await expect(put("a", patching)).rejects.toMatchObject({ name: "MethodNotAllowed" });
    const upload = await getSignedUrl(client, new PutObjectCommand(at("a")));
    const chunked = await follow(upload, "PUT", { "transfer-encoding": "chunked" }, png);
    expect(chunked).toMatchObject({ status: 411, code: "MissingContentLength" });
    expect(storage.keys()).toEqual([]);
  });
});

describe("set to fail", () => {
  it("resets the connection and does nothing when down, until mended", async () => {
    await put("a");
    storage.fail("down");
    await expect(put("b")).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(get("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(remove("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(client.send(new HeadObjectCommand(at("a")))).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(storage.keys()).toEqual(["a"]);
    storage.mend();
    await put("b");
    expect(storage.keys()).toEqual(["a", "b"]);
    expect(storage.refusals).toEqual([]);
  });

  it("answers 500 and does nothing on error", async () => {
    storage.fail("error");
    await expect(put("a")).rejects.toMatchObject({
      name: "InternalError",
      $metadata: { httpStatusCode: 500 },
    });
    expect(storage.keys()).toEqual([]);
    expect(storage.refusals).toEqual([]);
  });

  it("fails the listed methods only", async () => {
    storage.fail("error", ["DELETE", "GET"]);
    await put("a");
    await expect(get("a")).rejects.toMatchObject({ name: "InternalError" });
    await expect(remove("a")).rejects.toMatchObject({ name: "InternalError" });
    await client.send(new HeadObjectCommand(at("a")));
    storage.fail("error", ["PUT"]);
    await expect(put("b")).rejects.toMatchObject({ name: "InternalError" });
    await remove("a");
    expect(storage.keys()).toEqual([]);
  });

  it("says nothing when silent, until the client gives up", async () => {
    await put("a");
    storage.fail("silence");
    const patience = new AbortController();
    const arrived = storage.nextRequest("GET");
    const asked = get("a", patience.signal);
    await arrived;
    patience.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    storage.mend();
    await get("a");
  });

  it("says nothing when silent, until it is stopped", async () => {
    storage.fail("silence", ["PUT"]);
    let hasEnded = false;
    const arrived = storage.nextRequest("PUT");
    const asked = put("a")
      .catch((error: unknown) => error)
      .finally(() => (hasEnded = true));
    await arrived;
    // Another round trip: an answer to the first would have come by now.
    await remove("b");
    expect(hasEnded).toBe(false);
    await storage.stop();
    expect(await asked).toMatchObject({ code: "ECONNRESET" });
    expect(storage.keys()).toEqual([]);
  });

  it("does what was asked and then resets, after the effect", async () => {
    storage.fail("after-effect");
    await expect(put("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(storage.keys()).toEqual(["a"]);
    await expect(remove("a")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(storage.keys()).toEqual([]);
  });

  it("has no effect to lose when the request is refused", async () => {
    storage.fail("after-effect");
    const { accessKeyId } = storage.access;
    const wrong = connect({ credentials: { accessKeyId, secretAccessKey: "wrong" } });
    await expect(put("a", wrong)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(storage.keys()).toEqual([]);
    expect(storage.refusals).toEqual(["SignatureDoesNotMatch"]);
  });
});

describe("arrivals and the end", () => {
  it("tells everyone who waits of the next request with their method", async () => {
    const waiting = [storage.nextRequest("PUT"), storage.nextRequest("PUT")];
    let hasDeleted = false;
    const deleted = storage.nextRequest("DELETE").then(() => (hasDeleted = true));
    await put("a");
    await Promise.all(waiting);
    expect(hasDeleted).toBe(false);
    await remove("a");
    await deleted;
  });

  it("keeps nothing of an upload whose sender goes away halfway", async () => {
    const wire = await signedPut();
    const arrived = storage.nextRequest("PUT");
    const sent = sendRequest(storage.url, wire);
    const gone = new Promise((resolve) => sent.once("close", resolve));
    sent.on("error", () => undefined).write(png.subarray(0, 2));
    await arrived;
    sent.destroy();
    await gone;
    await put("b");
    expect(storage.keys()).toEqual(["b"]);
    expect(storage.refusals).toEqual([]);
  });

  it("closes the port and can be stopped twice; what it held can still be seen", async () => {
    await put("a");
    await storage.stop();
    await storage.stop();
    await expect(put("b", connect())).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(storage.keys()).toEqual(["a"]);
  });
});

function oneDigitOff(authorization = ""): string {
  return authorization.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
}
