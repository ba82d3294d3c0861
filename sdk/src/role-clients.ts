import {
  exportRoles,
  procedureRoles,
  rolesFor,
  type ProcedureFor,
  type Role,
} from "@skyfox/server/contract/plain";
import { ownBuild } from "./build.ts";
import type { Feature } from "./calls.ts";
import { connectClient, type Extras, type SkyfoxClientOptions } from "./client.ts";
import { realTiming } from "./retries.ts";
import type { Procedures } from "./router.ts";
import { findSurroundings } from "./tabs.ts";

type FeatureOf<Path> = Path extends `${infer Name extends keyof Procedures}.${string}` ? Name : never;
type VerbOf<Path, Name extends string> = Path extends `${Name}.${infer Verb}` ? Verb : never;

type CallsFor<Caller extends Role> = {
  readonly [Name in FeatureOf<ProcedureFor<Caller>>]: Pick<
    Feature<Name>,
    VerbOf<ProcedureFor<Caller>, Name> & keyof Feature<Name>
  >;
};

type ExtrasFor<Caller extends Role> = Caller extends (typeof exportRoles)[number]
  ? Extras
  : Omit<Extras, "exports">;

/** What a role may call, and nothing else. */
export type RoleClient<Caller extends Role> = CallsFor<Caller> & ExtrasFor<Caller>;

/** What customers may call, as `createSkyfoxClient` gives it. */
export type CustomerClient = RoleClient<"customer">;

/** What staff may call, as `createSkyfoxClient` gives it. */
export type StaffClient = RoleClient<"staff">;

/** What admins may call, as `createSkyfoxClient` gives it. */
export type AdminClient = RoleClient<"admin">;

/**
 * As `createSkyfoxClient`, with what customers may call and nothing else: what is for staff or admins does not compile, and is not there at run time.
 * What anyone may call is there, too. The token decides what the server lets in. Throws a `TypeError` for a URL or an API key that cannot work.
 */
export function createCustomerClient(options: SkyfoxClientOptions): CustomerClient {
  return connectRole(options, "customer");
}

/** As `createCustomerClient`, for staff: the door, any booking and its ticket, exports, and what anyone may call. */
export function createStaffClient(options: SkyfoxClientOptions): StaffClient {
  return connectRole(options, "staff");
}

/** As `createCustomerClient`, for admins. */
export function createAdminClient(options: SkyfoxClientOptions): AdminClient {
  return connectRole(options, "admin");
}

function connectRole(options: SkyfoxClientOptions, role: Role) {
  const mayExport = exportRoles.some((one) => one === role);
  const served = Object.keys(procedureRoles)
    .filter((path) => rolesFor(path).includes(role))
    .flatMap((path) => [path, path.slice(0, path.indexOf("."))]);
  const names = new Set([...served, "tickets", "watchSeatMap", ...(mayExport ? ["exports"] : [])]);
  return connectClient(options, realTiming, findSurroundings(), ownBuild, names);
}
