import type { BucketAccess } from "../config.ts";
import type { Clock } from "../runtime/ports.ts";
import type { ImageStore } from "./ports.ts";

const defaultTimeoutMs = 5_000;
const connectMs = 2_000;
const attempts = 2;

/** Keeps pictures in a bucket of S3, or of any storage that speaks its protocol. Nothing is public: links are signed (SigV4 by query). */
export function createBucketStore(
  access: BucketAccess,
  parts: { clock: Clock; timeoutMs?: number },
): ImageStore & { close(): void } {
  const { bucket } = access;
  let opening: ReturnType<typeof openBucket> | undefined;
  // Over all attempts, and also where an answer begins and never ends.
  const inTime = () => ({ abortSignal: AbortSignal.timeout(parts.timeoutMs ?? defaultTimeoutMs) });

  async function open() {
    const opened = await (opening ??= openBucket(access));
    // Signatures count by our one clock: the storage refuses a server whose own is wrong.
    opened.client.config.systemClockOffset = parts.clock.now().getTime() - new Date().getTime();
    return opened;
  }

  return {
    async put(key, picture) {
      const { client, PutObjectCommand } = await open();
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: picture,
          ContentType: "image/jpeg",
          CacheControl: "private",
        }),
        inTime(),
      );
    },

    async remove(key) {
      const { client, DeleteObjectCommand } = await open();
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), inTime());
    },

    async link(key, expiresAt) {
      const { client, getSignedUrl, GetObjectCommand } = await open();
      // A signature counts from a whole second.
      const signingDate = new Date(Math.floor(parts.clock.now().getTime() / 1_000) * 1_000);
      const expiresIn = Math.floor((expiresAt.getTime() - signingDate.getTime()) / 1_000);
      return await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), {
        signingDate,
        expiresIn,
      });
    },

    close() {
      opening?.then(
        ({ client }) => client.destroy(),
        () => {},
      );
    },
  };
}

// The storage's SDK is loaded by the first picture, to keep a server without one small.
async function openBucket({ region, accessKeyId, secretAccessKey, endpoint }: BucketAccess) {
  const [{ DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client }, { getSignedUrl }] =
    await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/s3-request-presigner")]);
  const client = new S3Client({
    region,
    credentials: { accessKeyId, secretAccessKey },
    // Other storages have no host name for each bucket, and do not all know the newer checksums.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: connectMs },
  });
  return { client, getSignedUrl, DeleteObjectCommand, GetObjectCommand, PutObjectCommand };
}
