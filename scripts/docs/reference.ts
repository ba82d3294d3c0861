import { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import {
  exportRoles,
  isKeyed,
  plainCodes,
  procedureCodes,
  procedureRoles,
  restEndpoint,
  restRoutes,
  roles,
  transportCodes,
  type DomainCode,
  type ProcedurePath,
  type Role,
} from "../../server/src/contract/index.ts";
import { createObjects, type Objects } from "./objects.ts";
import type { ContractTexts, Procedure } from "./read-contract.ts";

/** Codes that are told once for all calls: those of key, form and load, of the session, and of the role. */
const common = new Set<string>([...procedureCodes["auth.me"], "FORBIDDEN"]);

/** `sdk/REFERENCE.md`: every procedure, object and code of the contract. */
export function writeReference(texts: ContractTexts): string {
  const objects = createObjects(texts);
  return [
    head(texts),
    ...featuresOf(texts).map((feature) => describeFeature(feature, texts, objects)),
    plainCalls(),
    objects.describe(),
    describeCodes(texts),
  ].join("\n");
}

function featuresOf({ procedures }: ContractTexts): string[] {
  return [...new Set(procedures.map(({ path }) => path.slice(0, path.indexOf("."))))];
}

function head(texts: ContractTexts): string {
  const contents = featuresOf(texts).map((feature) => {
    const links = texts.procedures
      .filter(({ path }) => path.startsWith(`${feature}.`))
      .map(({ path }) => `[${path.slice(feature.length + 1)}](#${anchorOf(path)})`);
    return `- **${feature}**: ${links.join(", ")}`;
  });
  return `# Reference

Every call of SkyFox. \`npm run docs\` writes this page from the contract; [README.md](README.md) shows how the calls are used.

- A call is \`skyfox.\` and its name, such as \`skyfox.booking.pay.mutate(input)\`: \`.query\` for queries, \`.mutate\` for mutations, \`.subscribe\` for subscriptions, and \`.safe\`
  instead of the first two. **REST** is its route in plain JSON, where money is text and an instant ISO 8601.
- \`Decimal\` is money in the cinema's currency, with two decimals; where money is sent, text such as \`"100.00"\` does as well. \`Date\` is an instant. A cinema date is text,
  \`YYYY-MM-DD\`. Ids are positive whole numbers. A field with \`?\` may be left out.
- **Anyone** means every caller with an API key. An unknown field of an input is refused.
- **Repeats** says what happens when a call is made twice. With an idempotency key the same call again gives the first answer, with one effect, for 24 hours.
- The limits are those of a server with default settings. What goes beyond them is \`RATE_LIMITED\` with \`retryAfterSeconds\`.

${contents.join("\n")}
- **other calls**: [exports and ticket keys](#exports-and-ticket-keys)
- [Objects](#objects), [codes](#codes)
`;
}

function describeFeature(feature: string, { procedures, schemas }: ContractTexts, objects: Objects): string {
  const own = procedures.filter(({ path }) => path.startsWith(`${feature}.`));
  const sections = own.map((procedure) => {
    const { path, kind, text, input, output, isList } = procedure;
    return `### ${path}

${text}

- ${kind} for ${whoMay(path as ProcedurePath)}. Repeats: ${repeats(procedure)}
- REST: \`${routeOf(path as ProcedurePath)}\`
- Codes: ${codesOf(path as ProcedurePath)}

${objects.describeSide("Input", schemas[input], input)}
${objects.describeSide("Output", schemas[output], output, isList)}`;
  });
  return `## ${feature}\n\n${sections.join("\n")}`;
}

function whoMay(path: ProcedurePath): string {
  const allowed = procedureRoles[path];
  if (allowed === "anyone") return "anyone";
  return allowed.length === roles.length ? "everyone who is signed in" : namesOf(allowed);
}

function namesOf(allowed: readonly Role[]): string {
  return allowed
    .map((role) => ({ customer: "customers", staff: "staff", admin: "admins" })[role])
    .join(" and ");
}

function routeOf(path: ProcedurePath): string {
  const route = restRoutes[path];
  return `${route.method} ${restEndpoint}${route.path}`;
}

function repeats({ path, kind }: Procedure): string {
  if (kind === "query") return "it only reads; the SDK repeats it after a lost answer.";
  if (kind === "subscription") return "it only reads; the SDK resumes it after a cut.";
  if (isKeyed(path)) return "takes an idempotency key; the SDK makes one and repeats it after a lost answer.";
  return "takes no idempotency key; the SDK never repeats it.";
}

function codesOf(path: ProcedurePath): string {
  const codes: readonly DomainCode[] = procedureCodes[path];
  const own = codes.filter((code) => !common.has(code)).map((code) => `[${code}](#${anchorOf(code)})`);
  return [...own, `[those ${groupOf(codes)}](#codes)`].join(", ");
}

function groupOf(codes: readonly DomainCode[]): string {
  if (codes.includes("FORBIDDEN")) return "of calls by role";
  return codes.includes("SESSION_ENDED") ? "of calls with a session" : "of every call";
}

function plainCalls(): string {
  const codes = plainCodes.map((code) => `[${code}](#${anchorOf(code)})`).join(", ");
  return `## Exports and ticket keys

- \`skyfox.exports.bookingsCsv({ month?, year? })\` and \`skyfox.exports.bookingsXlsx(…)\`, for ${namesOf(exportRoles)}, answer \`{ filename, stream }\`: the bookings made in a month
  (1 to 12) or a year, or all of them, as a stream of bytes. They are never repeated by themselves.
- \`skyfox.tickets.keys()\`, for anyone, answers the public keys of tickets as a JSON Web Key Set.
- Codes: ${codes}
`;
}

function named(codes: readonly string[]): string {
  return codes.map((code) => `\`${code}\``).join(", ");
}

function describeCodes({ codes }: ContractTexts): string {
  const rows = Object.entries(codes).map(([code, { text, details }]) => {
    const status = getHTTPStatusCodeFromError(new TRPCError({ code: transportCodes[code as DomainCode] }));
    const shown = details === "null" ? "" : `\`${details.replaceAll("|", "\\|")}\``;
    return `| <a id="${anchorOf(code)}"></a>\`${code}\` | ${status} | ${text} | ${shown} |`;
  });
  const anyone = procedureCodes["show.cinema"];
  const session = procedureCodes["auth.me"].filter((code) => !anyone.some((other) => other === code));
  return `## Codes

Every call can be refused with ${named(anyone)}; calls with a session also with ${named(session)}; calls by role also with \`FORBIDDEN\`. \`MISSING_TOKEN\` is left out
where no session is needed. Without an answer a failure has \`NETWORK\`, \`TIMEOUT\`, \`ABORTED\` or \`UNEXPECTED\`.

| Code | Status | When | Details |
|---|---|---|---|
${rows.join("\n")}
`;
}

function anchorOf(name: string): string {
  return name.toLowerCase().replaceAll(".", "").replaceAll("_", "-");
}
