import { defineConfig, type OxlintConfig } from "oxlint";

type Rules = NonNullable<OxlintConfig["rules"]>;

/** A pattern of imports that is refused, and what the linter says. */
interface Refusal {
  group: string[];
  message: string;
  allowTypeImports?: boolean;
}

/** The rooms of server/src, each with the other rooms that it may import from. `deps.ts` and each `ports.ts` are open to all of them. */
const rooms = {
  config: [],
  contract: [],
  errors: ["contract"],
  limits: ["errors"],
  runtime: ["errors", "rpc"],
  idempotency: ["contract", "errors"],
  rpc: ["contract", "errors", "idempotency"],
  rest: ["contract", "errors", "rpc"],
  openapi: ["contract", "errors", "rpc"],
  audit: [],
  movie: ["runtime"],
  image: ["contract", "errors", "runtime"],
  ticket: ["contract", "runtime"],
  payment: ["audit", "contract", "errors", "idempotency", "rpc", "runtime"],
  show: ["contract", "errors", "rpc"],
  "live-map": ["contract", "errors", "limits", "runtime", "show"],
  wallet: ["contract", "errors", "idempotency", "payment", "rpc"],
  booking: ["audit", "contract", "errors", "idempotency", "limits", "payment", "rpc", "show", "ticket"],
  auth: ["audit", "contract", "errors", "image", "limits", "runtime", "wallet"],
  door: ["booking", "contract", "rpc", "show"],
  schedule: ["audit", "contract", "errors", "idempotency", "show"],
  takings: ["contract", "show"],
  staff: ["audit", "auth", "contract", "errors", "idempotency"],
  routers: [
    "auth",
    "booking",
    "contract",
    "door",
    "live-map",
    "payment",
    "rpc",
    "schedule",
    "show",
    "staff",
    "takings",
    "wallet",
  ],
  http: [
    "audit",
    "auth",
    "contract",
    "errors",
    "idempotency",
    "image",
    "limits",
    "openapi",
    "rest",
    "rpc",
    "runtime",
    "takings",
  ],
} as const;

/** Files of the root of server/src that a room may import besides `deps.ts`. */
const rootFiles: Partial<Record<Room, string[]>> = {
  http: ["app-router.ts", "config.ts"],
  image: ["config.ts"],
  runtime: ["config.ts"],
};

const allRootFiles = [
  "background-tasks.ts",
  "api.ts",
  "app-router.ts",
  "compose.ts",
  "config.ts",
  "routes.ts",
  "serve.ts",
];

/** Parts that a room gets through `deps`; only the composition builds them. */
const adapters = [
  "payment/card-gateway.ts",
  "ticket/ticket-tokens.ts",
  "movie/movie-service.ts",
  "image/bucket-store.ts",
  "image/make-picture.ts",
];

/** Heavy packages, each with the only files that import it; a name that ends in a slash is a whole room. */
const owners: Record<string, string[]> = {
  "@aws-sdk/*": ["image/bucket-store.ts"],
  "@node-rs/*": ["auth/passwords.ts"],
  "@trpc/server": ["rpc/"],
  "@trpc/server/adapters/*": ["http/rpc.ts"],
  "@trpc/server/*": ["rpc/", "http/rpc.ts"],
  "@skyfox/fonts": ["ticket/ticket-fonts.ts"],
  "csv-parse": ["payment/compare-settlement.ts"],
  "csv-stringify/*": ["takings/csv.ts"],
  harfbuzzjs: ["ticket/shape-text.ts"],
  "hucre/*": ["takings/bookings-xlsx.ts"],
  jose: ["auth/session-tokens.ts", "ticket/ticket-tokens.ts"],
  pdfkit: ["ticket/draw-ticket.ts"],
  pino: ["runtime/logger.ts"],
  "prom-client": ["runtime/metrics.ts"],
  qrcode: ["ticket/ticket-qr.ts"],
  sharp: ["image/make-picture.ts"],
};

type Room = keyof typeof rooms;

const roomNames = Object.keys(rooms) as Room[];

const serverRefusals: Refusal[] = [
  {
    group: ["pg", "kysely", "@skyfox/sdk", "**/scripts/**"],
    message: "The server imports db and itself only.",
  },
  { group: ["@skyfox/db/embedded"], message: "Embedded parts belong to scripts and tests." },
];

function refusalsOf(room: Room): Refusal[] {
  const others = roomNames.filter((one) => one !== room && !rooms[room].some((allowed) => allowed === one));
  const closedFiles = allRootFiles.filter((file) => !rootFiles[room]?.includes(file));
  return [
    ...serverRefusals,
    {
      group: [
        ...others.map((one) => `../${one}/*`),
        ...others.map((one) => `!../${one}/ports.ts`),
        ...closedFiles.map((file) => `../${file}`),
      ],
      message: `The room "${room}" does not import this; see "rooms" in oxlint.config.ts.`,
    },
    { group: adapters.map((file) => `../${file}`), message: "A room gets this part through deps." },
  ];
}

function packagesClosedTo(place: string): Refusal[] {
  const isOwner = (owner: string) => owner === place || (owner.endsWith("/") && place.startsWith(owner));
  return Object.entries(owners)
    .filter(([, places]) => !places.some(isOwner))
    .map(([name, places]) => ({
      group: [name],
      message: `Only ${places.join(" and ")} import this package.`,
      allowTypeImports: name.startsWith("@trpc/"),
    }));
}

function refuseImports(patterns: Refusal[]) {
  return { "no-restricted-imports": ["error", { patterns }] as ["error", { patterns: Refusal[] }] };
}

const dbRefusal: Refusal = {
  group: ["@skyfox/*", "hono", "hono/*", "@hono/*", "@trpc/*", "zod"],
  message: "db knows nothing of requests.",
};

const contractRefusal: Refusal = {
  group: ["../*", "@skyfox/*", "hono", "hono/*", "@hono/*", "@trpc/*", "kysely", "pg", "node:*"],
  message: "The contract is zod and decimal.js only: it travels into browsers.",
};

/** The part of the contract that the SDK's main entry loads, and what it re-exports. */
const plainContract = [
  "best-seats",
  "choices",
  "constants",
  "errors",
  "exports",
  "fold",
  "money",
  "plain",
  "procedure-roles",
  "procedures",
  "refusals",
  "roles",
  "statuses",
  "transformer",
];

const plainRefusal: Refusal = {
  group: ["zod", "./*", ...plainContract.map((name) => `!./${name}.ts`)],
  message: "This part of the contract loads no zod: it is the SDK's main entry.",
  allowTypeImports: true,
};

const fontsRefusal: Refusal = {
  group: ["..", "../*", "@skyfox/*"],
  message: "The fonts know nothing but fonts.",
};

const sdkRefusals: Refusal[] = [
  {
    group: [
      "@skyfox/db",
      "@skyfox/db/*",
      "@skyfox/server",
      "../../server/**",
      "kysely",
      "pg",
      "hono",
      "hono/*",
      "node:*",
    ],
    message: "The SDK imports @skyfox/server/contract, and types of @skyfox/server/api.",
  },
  {
    group: ["@skyfox/server/api"],
    allowTypeImports: true,
    message: "Only types of the router travel into the SDK.",
  },
];

const exampleRefusal: Refusal = {
  group: ["@skyfox/*", "!@skyfox/sdk", "!@skyfox/sdk/*", "node:*", "../../../**"],
  message: "An example has what a project elsewhere has: the SDK.",
};

const ownerFiles = [...new Set(Object.values(owners).flat())].filter((owner) => !owner.endsWith("/"));

/** Who may import what. Of several that fit a file the last one counts. */
const imports = [
  {
    files: ["db/**/*.ts"],
    rules: refuseImports([
      dbRefusal,
      { group: ["pg"], message: "Only db/src/connect.ts and named-statements.ts import pg." },
    ]),
  },
  { files: ["db/src/connect.ts", "db/src/named-statements.ts"], rules: refuseImports([dbRefusal]) },
  { files: ["server/src/**/*.ts"], rules: refuseImports([...serverRefusals, ...packagesClosedTo("")]) },
  ...roomNames.map((room) => ({
    files: [`server/src/${room}/**/*.ts`],
    rules: refuseImports([...refusalsOf(room), ...packagesClosedTo(`${room}/`)]),
  })),
  ...ownerFiles.map((file) => ({
    files: [`server/src/${file}`],
    rules: refuseImports([...refusalsOf(file.split("/")[0] as Room), ...packagesClosedTo(file)]),
  })),
  { files: ["server/src/contract/**/*.ts"], rules: refuseImports([contractRefusal]) },
  {
    files: plainContract.map((name) => `server/src/contract/${name}.ts`),
    rules: refuseImports([contractRefusal, plainRefusal]),
  },
  { files: ["server/fonts/**/*.ts"], rules: refuseImports([fontsRefusal]) },
  { files: ["sdk/src/**/*.ts"], rules: refuseImports(sdkRefusals) },
  { files: ["sdk/examples/*/src/**"], rules: refuseImports([exampleRefusal]) },
];

const moneyIsDecimal = "Money is Decimal; it is never a JavaScript number.";

/** Time, chance, money and the environment have one home each. */
const oneHome: Rules = {
  "node/no-process-env": "error",
  "no-console": "error",
  "no-restricted-properties": [
    "error",
    { object: "Date", property: "now", message: "Ask the Clock in deps." },
    { object: "Math", property: "random", message: "Randomness comes through deps." },
    { property: "toNumber", message: moneyIsDecimal },
    { object: "Number", property: "parseFloat", message: moneyIsDecimal },
  ],
  "no-restricted-globals": ["error", { name: "parseFloat", message: moneyIsDecimal }],
};

const typeSafety: Rules = {
  eqeqeq: "error",
  "no-implicit-coercion": ["error", { boolean: false, string: false }],
  "typescript/await-thenable": "error",
  "typescript/consistent-type-imports": "error",
  "typescript/no-explicit-any": "error",
  "typescript/no-floating-promises": "error",
  "typescript/no-misused-promises": "error",
  "typescript/no-unsafe-argument": "error",
  "typescript/no-unsafe-assignment": "error",
  "typescript/no-unsafe-call": "error",
  "typescript/no-unsafe-member-access": "error",
  "typescript/no-unsafe-return": "error",
  "typescript/only-throw-error": "error",
  "typescript/return-await": ["error", "error-handling-correctness-only"],
  "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
};

const modules: Rules = { "import/no-cycle": "error", "import/no-default-export": "error" };

/** Rules of the categories that would cost more than they find here. */
const off: Rules = {
  "typescript/no-unsafe-type-assertion": "off",
  "typescript/unbound-method": "off",
  "typescript/consistent-return": "off",
  "import/no-named-as-default-member": "off",
  "no-underscore-dangle": "off",
  "no-unmodified-loop-condition": "off",
  "promise/always-return": "off",
};

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  ignorePatterns: [
    "**/dist/**",
    // Projects of their own, whose packages are not installed here.
    "sdk/test/platforms/**",
    // Compiled against types that its test generates.
    "scripts/rest-client/**",
    "db/src/schema.ts",
    "migration_analysis/**",
  ],
  rules: { ...typeSafety, ...oneHome, ...modules, ...off },
  overrides: [
    ...imports,
    { files: ["scripts/**"], rules: { "no-console": "off" } },
    {
      files: ["scripts/**/*.ts", "**/*.test.ts", "**/test/**/*.ts"],
      rules: { "node/no-process-env": "off" },
    },
    { files: ["*.config.ts", "vitest.workspace.ts"], rules: { "import/no-default-export": "off" } },
    {
      files: ["**/*.test.ts", "**/*.fault.ts", "**/*.browser.ts"],
      rules: {
        "no-restricted-imports": "off",
        "no-console": "off",
        "vitest/no-conditional-expect": "off",
        "vitest/require-to-throw-message": "off",
        "unicorn/consistent-function-scoping": "off",
      },
    },
    // To wait for what a person sees is to expect it.
    { files: ["**/*.browser.ts"], rules: { "vitest/expect-expect": "off" } },
  ],
});
