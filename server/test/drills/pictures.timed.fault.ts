import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { connectOnce } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient } from "@skyfox/sdk";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import { pngChunk } from "../../../scripts/demo/png.ts";
import { startPaymentGateway } from "../../../scripts/sandbox/payment-gateway.ts";
import { transformer, type ProfileImage } from "../../src/contract/index.ts";
import { startChildServer } from "../child-server.ts";
import { drillApiKey, startServerOf } from "../drill-server.ts";
import { givenCustomer, testAnswer, tokenOf } from "../given.ts";
import { residentMb } from "../measures.ts";
import { startObjectStorage } from "../object-storage.ts";
import {
  givenJpegOfScans,
  givenPhoto,
  givenPlainPng,
  uploadOf,
  withChunks,
  withSegments,
  withWebpChunks,
} from "../pictures.ts";
import { headersFor } from "../rpc-call.ts";
import { createTestApp } from "../test-app.ts";
import { until, untilLockWait } from "../until.ts";

const password = "Correct-Horse-9";
// Near the largest size, where receiving and hashing a file takes most of the time: P23 gives such a call a second.
const ofMegabytes = new Set([
  "a PNG of 310,000 gammas",
  "a PNG of 300,000 IDATs",
  "a WebP of 300,000 chunks",
]);

test(
  "S8: what would hurt is refused within 100 ms and under 100 MB, through the whole HTTP side",
  { timeout: 300_000 },
  async () => {
    const app = await createTestApp({ hashesAsInProduction: true });
    app.clock.set(new Date());
    const server = await startServerOf(app, onTestFinished);
    const upload = uploader(server.url);
    const jpeg = await givenPhoto("jpeg", { width: 2_000, height: 1_500 });
    const png = await givenPhoto("png", { width: 1_200, height: 1_200 });
    const webp = await givenPhoto("webp", { width: 2_000, height: 1_500 });
    const page = Buffer.from("<html><script>1</script></html>");
    const bomb = givenPlainPng(16_000, 16_000);
    expect(bomb.length).toBeLessThan(1_000_000);
    const nothing = Buffer.alloc(0);
    const gamma = pngChunk("gAMA", Buffer.from([0, 0, 0xb1, 0x8f]));
    const attacks: Record<string, ProfileImage> = {
      "256 megapixels": uploadOf(bomb),
      "half a PNG": uploadOf(png.subarray(0, png.length / 2)),
      "half a JPEG": uploadOf(jpeg.subarray(0, jpeg.length / 2)),
      "half a WebP": uploadOf(webp.subarray(0, webp.length / 2)),
      "a JPEG without its end": uploadOf(jpeg.subarray(0, -2)),
      "an SVG": uploadOf(
        Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>`),
      ),
      "a GIF": uploadOf(await sharp(png).gif().toBuffer()),
      "a TIFF": uploadOf(await sharp(jpeg).tiff().toBuffer()),
      "a JPEG and a page": uploadOf(Buffer.concat([jpeg, page])),
      "a PNG and a page": uploadOf(Buffer.concat([png, page])),
      "a WebP and a page": uploadOf(Buffer.concat([webp, page])),
      "a GIF and a script": uploadOf(Buffer.from("GIF89a/*\0\0*/=1;")),
      "6 MB": uploadOf(Buffer.alloc(6_000_000, 1)),
      "a JPEG of 42 scans": uploadOf(givenJpegOfScans(5_000, 42)),
      "a JPEG of 100,000 comments": uploadOf(withSegments(jpeg, 0xfe, Array<Buffer>(100_000).fill(nothing))),
      "a PNG of 310,000 gammas": uploadOf(
        withChunks(givenPlainPng(9, 9), Array<Buffer>(310_000).fill(gamma)),
      ),
      "a PNG of 300,000 IDATs": uploadOf(
        withChunks(givenPlainPng(9, 9), Array<Buffer>(300_000).fill(pngChunk("IDAT", nothing))),
      ),
      "a WebP of 300,000 chunks": uploadOf(withWebpChunks(await givenPhoto("webp"), "EXIF", 300_000)),
      "a wrong hash": { ...uploadOf(jpeg), sha256: "0".repeat(64) },
      "broken base64": { ...uploadOf(jpeg), base64: `${uploadOf(jpeg).base64.slice(0, -4)}!!!!` },
    };
    const names = Object.keys(attacks);
    expect(names).toEqual(expect.arrayContaining([...ofMegabytes]));
    const people = await Promise.all(names.map(() => givenCustomer(app.deps)));
    const tokens = await Promise.all(people.map((person) => tokenOf(app.deps, person)));
    const bodies = Object.values(attacks).map((image) =>
      Buffer.from(JSON.stringify(transformer.serialize({ securityAnswer: testAnswer, image }))),
    );
    const times = new Map<string, number[]>();
    const growths = new Map<string, number[]>();
    const rounds = 20;
    // None has a divisor in common with the twenty attacks: each comes once a round.
    const strides = [1, 3, 7, 9, 11, 13, 17, 19];
    expect(names).toHaveLength(20);
    let peak = 0;
    const sampling = setInterval(() => (peak = Math.max(peak, residentMb(server.pid))), 2);
    onTestFinished(() => clearInterval(sampling));
    // The first round warms up; the rest is measured. The order changes, so that no attack always comes when garbage is collected.
    for (let round = 0; round <= rounds; round += 1) {
      for (const place of names.keys()) {
        const index = (place * strides[round % strides.length]! + round) % names.length;
        const name = names[index]!;
        const before = (peak = residentMb(server.pid));
        const startedAt = performance.now();
        const { status, answer } = await upload(bodies[index]!, tokens[index]!);
        const ms = performance.now() - startedAt;
        expect([name, status, answer]).toEqual([name, 400, expect.stringContaining('"code":"INVALID_IMAGE')]);
        if (round === 0) continue;
        times.set(name, [...(times.get(name) ?? []), ms]);
        growths.set(name, [...(growths.get(name) ?? []), peak - before]);
      }
    }
    const medians = [...times].map(([name, all]) => ({
      name,
      ms: medianOf(all),
      mebibytes: medianOf(growths.get(name) ?? []),
    }));
    const told = medians.map(
      ({ name, ms, mebibytes }) => `${name} ${ms.toFixed(0)} ms, ${mebibytes.toFixed(0)} MiB`,
    );
    console.log(`S8: medians of ${rounds} tries: ${told.join("; ")}.`);
    const isDear = ({ name, ms }: { name: string; ms: number }) =>
      ms >= (ofMegabytes.has(name) ? 1_000 : 100);
    expect(medians.filter((one) => isDear(one) || one.mebibytes >= 95)).toEqual([]);
    expect(await app.sql.query("select 1 from profile_image")).toEqual([]);
  },
);

test(
  "a server killed between upload and commit leaves no picture after the hour",
  { timeout: 90_000 },
  async () => {
    const { url: databaseUrl } = await createTestDatabase();
    const sql = await connectOnce(databaseUrl);
    const gateway = await startPaymentGateway({ apiKey: "gateway-key" });
    const storage = await startObjectStorage();
    onTestFinished(async () => {
      await sql.end();
      await Promise.all([gateway.stop(), storage.stop()]);
    });
    const { bucket, region, accessKeyId, secretAccessKey, endpoint } = storage.access;
    const start = () =>
      startChildServer(
        {
          DATABASE_URL: databaseUrl,
          API_GATEWAY_KEY: "key-of-the-drills",
          PAYMENT_GATEWAY_URL: gateway.url,
          PAYMENT_GATEWAY_API_KEY: "gateway-key",
          S3_BUCKET: bucket,
          S3_ENDPOINT: endpoint,
          AWS_REGION: region,
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
        },
        onTestFinished,
      );

    const first = await start();
    const client = (token?: string) =>
      createSkyfoxClient({ url: first.url, apiKey: "key-of-the-drills", token });
    const image = uploadOf(await givenPhoto("png"));
    await client().auth.signup.mutate({
      name: "Customer One",
      username: "customer-1",
      password,
      phoneNumber: "9000000001",
      email: "customer-1@example.com",
      securityQuestionId: 1,
      securityAnswer: testAnswer,
      profileImage: image,
    });
    const [kept] = storage.keys();
    const { token } = await client().auth.login.mutate({ username: "customer-1", password });

    // Another transaction holds the customer's row, so that the commit has to wait.
    await sql.query("begin");
    await sql.query("select 1 from customertable where username = 'customer-1' for update");
    client(token)
      .auth.updateProfileImage.mutate({ securityAnswer: testAnswer, image })
      .catch(() => {});
    await untilLockWait(sql);
    await first.kill();
    await sql.query("rollback");
    expect(storage.keys()).toHaveLength(2);
    expect(
      await sql.query(
        "select 1 from profile_image where remove_after between clock_timestamp() + interval '55 min' and clock_timestamp() + interval '1 hour'",
      ),
    ).toHaveLength(1);

    // The hour is over.
    await sql.query(
      "update profile_image set remove_after = clock_timestamp() where remove_after is not null",
    );
    const second = await start();
    await until(sql, "select 1 where not exists (select from profile_image where remove_after is not null)");
    expect(storage.keys()).toEqual([kept]);
    expect(await second.stop()).toBe(0);
    expect(storage.refusals).toEqual([]);
    expect(await sql.query("select * from integrity_violation")).toEqual([]);
  },
);

/** Sends what was made before, over the network, so that a call takes as long as the server takes for it. */
function uploader(url: string) {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return async (body: Buffer, token: string): Promise<{ status: number | undefined; answer: string }> => {
    const headers = {
      ...headersFor({ token, apiKey: drillApiKey }),
      "content-type": "application/json",
      "content-length": body.length,
    };
    const call = request(`${url}/trpc/auth.updateProfileImage`, { agent, method: "POST", headers });
    call.end(body);
    const [response] = (await once(call, "response")) as [IncomingMessage];
    return { status: response.statusCode, answer: await text(response) };
  };
}

function medianOf(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
