import type { Db } from "@skyfox/db";
import type { HashPermit, HashQueue, LiveSessions, SessionTokens } from "./auth/ports.ts";
import type { ExpiryMonitors, HoldLimits } from "./booking/ports.ts";
import type { Role } from "./contract/index.ts";
import type { ImageStore, PictureMaker } from "./image/ports.ts";
import type { GuessingLimits } from "./limits/ports.ts";
import type { LiveMaps } from "./live-map/ports.ts";
import type { MovieCatalogue } from "./movie/ports.ts";
import type { Books, PaymentGateway, PaymentSubjects } from "./payment/ports.ts";
import type { Clock, Logger } from "./runtime/ports.ts";
import type { ShowReader } from "./show/ports.ts";
import type { TicketPrinter, TicketTokens } from "./ticket/ports.ts";

/** The settings that verbs use. None is secret. */
export interface Settings {
  /** As customers know it. */
  cinemaName: string;
  cinemaTimeZone: string;
  /** ISO 4217. */
  currency: string;
  holdSeconds: number;
  payingSeconds: number;
  /** Whether this server takes payments and settles, refunds and sweeps; otherwise it only reads and shows. */
  background: boolean;
  holdLimits: HoldLimits;
  /** Whether accounts of the demo seed cannot log in with their published passwords. */
  refusesPublishedPasswords: boolean;
}

/** Everything outside of it that a verb may use; each verb takes the ports it needs. */
export interface Deps {
  db: Db;
  books: Books;
  clock: Clock;
  gateway: PaymentGateway;
  subjects: PaymentSubjects;
  movies: MovieCatalogue;
  monitors: ExpiryMonitors;
  hashQueue: HashQueue;
  tokens: SessionTokens;
  sessions: LiveSessions;
  shows: ShowReader;
  tickets: TicketTokens;
  printer: TicketPrinter;
  pictures: PictureMaker;
  images: ImageStore;
  limits: GuessingLimits;
  liveMaps: LiveMaps;
  logger: Logger;
  settings: Settings;
}

/** What a verb that hashes uses: only a call that the hash queue has let in is given a hasher. */
export interface HashingDeps extends Deps, HashPermit {}

/** The caller, signed in or not. */
export interface Caller {
  /** The network address, "unknown" where there is no connection. */
  address: string;
  requestId: string;
}

/** The signed-in person of a call, read with the session on every call. */
export interface User extends Caller {
  username: string;
  role: Role;
  sessionId: string;
}

/** A caller who is not signed in. */
export interface Visitor extends Caller {
  role: "visitor";
}

/** A caller who may look at what is on: signed in or not. */
export type Viewer = User | Visitor;

/** What a verb that streams gets of its call. */
export interface StreamingCall {
  /** Aborts when the caller has gone. */
  signal: AbortSignal;
  /** The caller, read again; throws `SESSION_ENDED` once the session of a signed-in person is over. */
  identify(): Promise<Viewer>;
}
