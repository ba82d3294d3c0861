import { describe, expect, test } from "vitest";
import { givenPhoto, uploadOf } from "../../test/pictures.ts";
import { rest } from "../../test/rest-call.ts";
import { headersFor, mutate, send } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";

const app = await createTestApp({ trustedProxies: 1 });
const [atOnce, atOncePerAddress] = [32, 10];

/** A body of 100 KB, sent without saying how many bytes it has. */
function givenUpload(address: string, path?: string) {
  return givenPicture("A".repeat(100_000), undefined, address, path);
}

const from = (address: string) => ({ headers: { "x-forwarded-for": address } });

/** A sign-up with that start of a picture, of which the rest comes with `end`. */
function givenPicture(start: string, length?: number, address = "198.51.100.9", path = "/trpc/auth.signup") {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const write = (text: string) => writer.write(new TextEncoder().encode(text));
  write(`{"json":{"image":{"base64":"${start}`).catch(() => {});
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers: {
      ...headersFor(),
      "content-type": "application/json",
      "x-forwarded-for": address,
      ...(length !== undefined && { "content-length": String(length) }),
    },
    body: readable,
    duplex: "half",
  };
  return {
    answer: send(app, path, init),
    async end(ending = "") {
      await write(ending);
      await writer.close();
    },
  };
}

describe("large bodies", () => {
  test("pass where pictures are uploaded, up to ten megabytes, and nowhere else", async () => {
    const statusOf = async (path: string, bytes: number, method = "POST") => {
      const body = JSON.stringify({ json: { pad: "x".repeat(bytes) } });
      const headers = { ...headersFor(), "content-type": "application/json" };
      return (await app.app.request(path, { method, headers, body })).status;
    };
    expect(await statusOf("/trpc/auth.login", 65_000)).toBe(400);
    expect(await statusOf("/trpc/auth.login", 66_000)).toBe(413);
    expect(await statusOf("/trpc/auth.signup", 10 * 1_024 * 1_024 - 100)).toBe(400);
    expect(await statusOf("/trpc/auth.signup", 10 * 1_024 * 1_024 + 100)).toBe(413);
    expect(await statusOf("/trpc/auth.updateProfileImage", 10 * 1_024 * 1_024 + 100)).toBe(413);
    // Text that is no picture is refused before it is asked who sends it.
    expect(await statusOf("/trpc/auth.updateProfileImage", 66_000)).toBe(400);
    expect(await statusOf("/trpc//auth.signup", 66_000)).toBe(413);
    expect(await statusOf("/api/v1/auth/login", 66_000)).toBe(413);
    expect(await statusOf("/api/v1/auth/signup", 10 * 1_024 * 1_024 - 100)).toBe(400);
    expect(await statusOf("/api/v1/auth/signup", 10 * 1_024 * 1_024 + 100)).toBe(413);
    expect(await statusOf("/api/v1/auth/profile-image", 10 * 1_024 * 1_024 + 100, "PUT")).toBe(413);
    expect(await statusOf("/api/v1//auth/signup", 66_000)).toBe(404);
  });

  test.each(["/trpc/auth.signup", "/api/v1/auth/signup"])("share their places at %s", async (path) => {
    const address = "203.0.113.77";
    const uploads = Array.from({ length: atOncePerAddress }, () => givenUpload(address, path));
    expect(
      (await rest(app, "PUT /auth/profile-image", { pad: "x".repeat(70_000) }, from(address))).status,
    ).toBe(429);
    for (const upload of uploads) await upload.end('"}}}');
    await Promise.all(uploads.map(({ answer }) => answer));
  });

  test("are under way ten at once from one address, and thirty-two in all; the next gets a time to come back", async () => {
    const addressOf = (index: number) => `192.0.2.${Math.floor(index / atOncePerAddress)}`;
    const uploads = Array.from({ length: atOnce - 1 }, (_, index) => givenUpload(addressOf(index)));
    const refused = await givenUpload(addressOf(0)).answer;
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("2");
    const details = { retryAfterSeconds: 2 };
    expect(refused.error?.data.domain).toEqual({ code: "RATE_LIMITED", details });
    // A caller from another address has a place, until there is none.
    uploads.push(givenUpload("198.51.100.1"));
    expect((await givenUpload("198.51.100.2").answer).status).toBe(429);
    expect((await mutate(app, "auth.login", { username: "nobody", password: "nothing" })).status).toBe(401);

    for (const { end } of uploads) await end();
    for (const { answer } of uploads) expect((await answer).status).toBe(400);
    const afterwards = givenUpload(addressOf(0));
    await afterwards.end();
    expect((await afterwards.answer).status).toBe(400);
  });

  test("of a picture of the largest size arrive whole", async () => {
    const image = uploadOf(await givenPhoto("png", { width: 1_200, height: 1_300 }));
    expect(image.base64.length).toBeGreaterThan(4_000_000);
    const input = {
      name: "Anna Lee",
      username: "large-picture",
      password: "Correct-Horse-9",
      phoneNumber: "8000000001",
      email: "large-picture@example.com",
      securityQuestionId: 1,
      securityAnswer: "an answer",
      profileImage: image,
    };
    expect((await mutate(app, "auth.signup", input)).status).toBe(200);
  });

  test.each([
    ["begins as no JPEG, PNG or WebP", "A".repeat(300_000), undefined, "unsupported"],
    ["is no base64", "!".repeat(300_000), undefined, "not-base64"],
    ["makes the body too long", "/9j/".repeat(75_000), 9_000_000, "too-large"],
  ])(
    "are refused by the start of a picture that %s, once the rest has come",
    async (_what, start, length, reason) => {
      const { answer, end } = givenPicture(start, length);
      await end();
      const { status, error } = await answer;
      expect([status, error?.data.domain]).toEqual([400, { code: "INVALID_IMAGE", details: { reason } }]);
    },
  );

  test.each([
    ["JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
    ["PNG", Buffer.from("\x89PNG\r\n\x1a\n", "latin1")],
    ["WebP", Buffer.from("RIFF\0\0\0\0WEBP", "latin1")],
  ])("are received to their end when a %s begins, also with escaped slashes", async (_kind, start) => {
    for (const slash of ["/", String.raw`\/`, String.raw`\u002f`]) {
      const base64 = Buffer.concat([start, Buffer.alloc(225_000, 0xff)]).toString("base64");
      const { answer, end } = givenPicture(base64.slice(0, 300_000).replaceAll("/", slash));
      await end('"}}}');
      // The input is read: it is no picture that is wrong with it.
      const { status, error } = await answer;
      expect([status, error?.data.domain?.code]).toEqual([400, "VALIDATION_ERROR"]);
    }
  });
});
