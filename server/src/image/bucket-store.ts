import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
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
  const { bucket, region, accessKeyId, secretAccessKey, endpoint } = access;
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
  // Over all attempts, and also where an answer begins and never ends.
  const inTime = () => ({ abortSignal: AbortSignal.timeout(parts.timeoutMs ?? defaultTimeoutMs) });

  // Signatures count by our one clock: the storage refuses a server whose own is wrong.
  function setClock(): void {
    client.config.systemClockOffset = parts.clock.now().getTime() - new Date().getTime();
  }

  return {
    async put(key, picture) {
      setClock();
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
      setClock();
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), inTime());
    },

    async link(key, expiresAt) {
      // A signature counts from a whole second.
      const signingDate = new Date(Math.floor(parts.clock.now().getTime() / 1_000) * 1_000);
      const expiresIn = Math.floor((expiresAt.getTime() - signingDate.getTime()) / 1_000);
      return await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), {
        signingDate,
        expiresIn,
      });
    },

    close() {
      client.destroy();
    },
  };
}
