import type { DefaultOptions } from "@tanstack/react-query";
import { transformer, type ProcedurePath } from "@skyfox/server/contract/plain";
import { pathFilters, procedure, type AnyCalls } from "./query-procedures.ts";
import type { SkyfoxQuery } from "./query-types.ts";
import { shareStructure } from "./share-structure.ts";

export { shareStructure };
export type {
  MutationIntent,
  MutationProcedure,
  PagedQueryProcedure,
  Pages,
  PathFilters,
  QueryError,
  QueryFeature,
  QueryProcedure,
  SkyfoxQuery,
  SkyfoxQueryKey,
} from "./query-types.ts";

/**
 * For `new QueryClient({ defaultOptions: queryClientDefaults })`. The client repeats calls itself, so TanStack does not. What is dehydrated or
 * persisted keeps its Decimals and Dates; mutations that wait for the network are left out, since their inputs have card numbers and passwords.
 */
export const queryClientDefaults = {
  queries: { retry: false, structuralSharing: shareStructure },
  dehydrate: {
    serializeData: writeData,
    shouldDehydrateMutation: () => false,
  },
  hydrate: {
    deserializeData: (data: ReturnType<typeof writeData>) =>
      "json" in data ? transformer.deserialize(data) : data.kept,
  },
} satisfies DefaultOptions;

/**
 * The procedures of a client as options of TanStack Query: `useQuery(skyfoxQuery.show.list.queryOptions({ date }))`. Make it once, beside the
 * client. An error is the client's, with the `code` and the `details` of that procedure's failures.
 */
export function createSkyfoxQuery<Client extends object>(client: Client): SkyfoxQuery<Client> {
  const features = client as Record<string, Record<string, AnyCalls>>;
  return branch([], (feature) =>
    branch([feature], (verb) =>
      procedure(`${feature}.${verb}` as ProcedurePath, () => features[feature]![verb]!),
    ),
  ) as SkyfoxQuery<Client>;
}

// What has no form there, such as a Map of another library's query, stays as TanStack itself would leave it.
function writeData(data: unknown) {
  try {
    return transformer.serialize(data);
  } catch {
    return { kept: data };
  }
}

function branch(path: string[], below: (name: string) => object): object {
  const known = new Map<string, unknown>(Object.entries(pathFilters(path)));
  return new Proxy(
    {},
    {
      get(_target, name) {
        // What a promise resolves to is no promise itself.
        if (typeof name === "symbol" || name === "then") return undefined;
        if (!known.has(name)) known.set(name, below(name));
        return known.get(name);
      },
    },
  );
}
