import { createHash, createHmac } from "node:crypto";

/** A request as it came in: path and query percent-decoded and otherwise untouched, header names in lower case. */
export type ReceivedRequest = {
  method: string;
  path: string;
  query: { name: string; value: string }[];
  headers: NodeJS.Dict<string[]>;
  body: Buffer;
};

/** The one key pair that signatures are made with, and the region they are made for. */
export type Credentials = { region: string; accessKeyId: string; secretAccessKey: string };

/** What a request says of its own signature. `lifetime` is in seconds, of presigned requests only. */
type Claim = {
  credential: string;
  signedHeaders: string;
  signature: string;
  date: string;
  payloadHash: string;
  lifetime?: number;
};

/** No, as S3 says it: the status, its error code and its sentence. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const algorithm = "AWS4-HMAC-SHA256";
const unsignedPayload = "UNSIGNED-PAYLOAD";
const longestSkewMs = 15 * 60_000;
const longestLifetimeSeconds = 7 * 24 * 60 * 60;

/**
 * Throws a `Refusal` unless the request is signed with these credentials, now, as it stands: by its Authorization
 * header or as a presigned link. After "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
 */
export function assertSigned(request: ReceivedRequest, credentials: Credentials, now: Date): void {
  const claim = readClaim(request);
  assertScope(claim, credentials);
  assertTimely(claim, now);
  assertCovered(request, claim);
  if (signatureOf(request, claim, credentials) !== claim.signature) {
    throw new Refusal(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    );
  }
  assertPayload(request, claim);
}

/** Every value of an x-amz header, which a presigned link carries as a parameter. */
export function valuesOf(request: ReceivedRequest, header: string): string[] {
  const parameters = request.query.filter(({ name }) => name.toLowerCase() === header);
  return [...(request.headers[header] ?? []), ...parameters.map(({ value }) => value)];
}

function readClaim(request: ReceivedRequest): Claim {
  const [authorization] = request.headers["authorization"] ?? [];
  const isPresigned = request.query.some(({ name }) =>
    /^x-amz-(signature|credential|algorithm)$/i.test(name),
  );
  if (authorization !== undefined && isPresigned) {
    throw new Refusal(400, "InvalidArgument", "Only one auth mechanism allowed.");
  }
  if (authorization !== undefined) return readHeaderClaim(request, authorization);
  if (isPresigned) return readPresignedClaim(request);
  throw new Refusal(403, "AccessDenied", "Access Denied");
}

function readHeaderClaim(request: ReceivedRequest, authorization: string): Claim {
  if (!authorization.startsWith(`${algorithm} `)) {
    throw new Refusal(
      400,
      "InvalidRequest",
      `This authorization mechanism is not supported. Use ${algorithm}.`,
    );
  }
  const fields = authorization.slice(algorithm.length).split(",");
  const find = (name: string) => {
    const field = fields.find((text) => text.trim().startsWith(`${name}=`));
    return field?.trim().slice(name.length + 1);
  };
  const credential = find("Credential");
  const signedHeaders = find("SignedHeaders");
  const signature = find("Signature");
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformed(false, "The authorization header needs Credential, SignedHeaders and Signature.");
  }
  const [payloadHash] = request.headers["x-amz-content-sha256"] ?? [];
  if (payloadHash === undefined) {
    throw new Refusal(
      400,
      "InvalidRequest",
      "Missing required header for this request: x-amz-content-sha256",
    );
  }
  const [date = ""] = request.headers["x-amz-date"] ?? [];
  return { credential, signedHeaders, signature, date, payloadHash };
}

function readPresignedClaim(request: ReceivedRequest): Claim {
  const find = (name: string) => request.query.find((parameter) => parameter.name === name)?.value;
  const credential = find("X-Amz-Credential");
  const signedHeaders = find("X-Amz-SignedHeaders");
  const signature = find("X-Amz-Signature");
  const date = find("X-Amz-Date");
  const expires = find("X-Amz-Expires");
  if (
    find("X-Amz-Algorithm") !== algorithm ||
    credential === undefined ||
    signedHeaders === undefined ||
    signature === undefined ||
    date === undefined ||
    expires === undefined
  ) {
    throw malformed(true, `A presigned request needs all six X-Amz parameters, and ${algorithm}.`);
  }
  const [payloadHash = unsignedPayload] = valuesOf(request, "x-amz-content-sha256");
  return { credential, signedHeaders, signature, date, payloadHash, lifetime: readLifetime(expires) };
}

function readLifetime(expires: string): number {
  if (!/^\d+$/.test(expires) || Number(expires) === 0) {
    throw malformed(true, "X-Amz-Expires must be a positive number of seconds.");
  }
  if (Number(expires) > longestLifetimeSeconds) {
    throw malformed(true, `X-Amz-Expires must be less than a week (in seconds): ${longestLifetimeSeconds}`);
  }
  return Number(expires);
}

function assertScope(claim: Claim, { region, accessKeyId }: Credentials): void {
  const [keyId, ...scope] = claim.credential.split("/");
  if (keyId !== accessKeyId) {
    throw new Refusal(
      403,
      "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records.",
    );
  }
  const expected = scopeOf(claim, region);
  if (scope.join("/") !== expected) {
    throw malformed(claim.lifetime !== undefined, `The credential's scope is wrong; expecting ${expected}.`);
  }
}

function assertTimely({ date, lifetime }: Claim, now: Date): void {
  const ageMs = now.getTime() - readDate(date, lifetime !== undefined).getTime();
  if (lifetime === undefined) {
    if (Math.abs(ageMs) <= longestSkewMs) return;
    const message = "The difference between the request time and the current time is too large.";
    throw new Refusal(403, "RequestTimeTooSkewed", message);
  }
  if (ageMs < -longestSkewMs) throw new Refusal(403, "AccessDenied", "Request is not yet valid");
  if (ageMs > lifetime * 1000) throw new Refusal(403, "AccessDenied", "Request has expired");
}

/** Without this, headers that change what S3 does could be added to a request that another party signed. */
function assertCovered(request: ReceivedRequest, claim: Claim): void {
  const signed = claim.signedHeaders.split(";");
  const needed = ["host", ...Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"))];
  if (needed.some((name) => !signed.includes(name))) {
    const message = "There were headers present in the request which were not signed";
    throw new Refusal(403, "AccessDenied", message);
  }
}

function assertPayload({ body }: ReceivedRequest, { payloadHash }: Claim): void {
  if (payloadHash === unsignedPayload) return;
  if (payloadHash.startsWith("STREAMING-")) {
    throw new Refusal(501, "NotImplemented", "This storage does not take bodies that are signed in chunks.");
  }
  if (payloadHash !== sha256(body)) {
    const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    throw new Refusal(400, "XAmzContentSHA256Mismatch", message);
  }
}

function signatureOf(request: ReceivedRequest, claim: Claim, credentials: Credentials): string {
  const scope = scopeOf(claim, credentials.region);
  const stringToSign = [algorithm, claim.date, scope, sha256(canonicalRequest(request, claim))].join("\n");
  const key = scope.split("/").reduce(hmac, Buffer.from(`AWS4${credentials.secretAccessKey}`));
  return hmac(key, stringToSign).toString("hex");
}

function canonicalRequest(request: ReceivedRequest, { signedHeaders, payloadHash }: Claim): string {
  const names = signedHeaders.split(";");
  return [
    request.method,
    // S3 alone encodes the path once and leaves dots and double slashes alone.
    request.path.split("/").map(encode).join("/"),
    canonicalQuery(request),
    ...names.map((name) => `${name}:${canonicalValue(request.headers[name] ?? [])}`),
    "",
    signedHeaders,
    payloadHash,
  ].join("\n");
}

function canonicalQuery({ query }: ReceivedRequest): string {
  return query
    .filter(({ name }) => name !== "X-Amz-Signature")
    .map(({ name, value }) => [encode(name), encode(value)] as const)
    .toSorted(([name, value], [otherName, otherValue]) => order(name, otherName) || order(value, otherValue))
    .map((pair) => pair.join("="))
    .join("&");
}

function canonicalValue(values: string[]): string {
  return values.map((value) => value.trim().replaceAll(/ +/g, " ")).join(",");
}

/** By code point, as the specification sorts; `localeCompare` would not. */
function order(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** RFC 3986: `encodeURIComponent` leaves five characters alone that AWS encodes. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function scopeOf({ date }: Claim, region: string): string {
  return [date.slice(0, 8), region, "s3", "aws4_request"].join("/");
}

function readDate(text: string, isPresigned: boolean): Date {
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
  const date = new Date(basic.test(text) ? text.replace(basic, "$1-$2-$3T$4:$5:$6Z") : Number.NaN);
  if (!Number.isNaN(date.getTime())) return date;
  if (isPresigned) throw malformed(true, "X-Amz-Date must be in the format yyyyMMdd'T'HHmmss'Z'.");
  throw new Refusal(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
}

function malformed(isPresigned: boolean, message: string): Refusal {
  const code = isPresigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";
  return new Refusal(400, code, message);
}

function sha256(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
