/** How often something may be tried in a window of time. */
export interface Limit {
  /** Tries of one device that the account knows in a window; left out where devices do not matter. */
  perDevice?: number | undefined;
  /** Tries of one account in a window; undefined where no account is known. */
  perAccount: number | undefined;
  /** Tries from one address in a window; undefined where others behind it must not count. */
  perAddress: number | undefined;
  windowSeconds: number;
}

const quarterHour = 15 * 60;

const day = 24 * 60 * 60;

/** The limits that a server has unless its settings say otherwise. What counts is in the name; a refused try is not counted. */
export const limitTable = {
  /** Failed logins by devices that the account does not know. */
  wrongPasswords: { perAccount: 10, perAddress: 100, windowSeconds: quarterHour },
  /** Failed logins by devices that the account knows; `perAccount` is for all of these together. */
  wrongPasswordsOfDevices: {
    perDevice: 10,
    perAccount: 100,
    perAddress: undefined,
    windowSeconds: quarterHour,
  },
  /** Wrong current passwords of those who are signed in and want another one. */
  wrongCurrentPasswords: { perAccount: 10, perAddress: 100, windowSeconds: quarterHour },
  /** Wrong security answers, in recovery and profile together. */
  wrongAnswers: { perAccount: 5, perAddress: 50, windowSeconds: quarterHour },
  /** The same answers over a day; the last one that the account has locks it for a day from then. */
  wrongAnswersADay: { perAccount: 10, perAddress: undefined, windowSeconds: day },
  wrongResetTokens: { perAccount: undefined, perAddress: 50, windowSeconds: quarterHour },
  signUps: { perAccount: undefined, perAddress: 20, windowSeconds: 60 * 60 },
  questionLookUps: { perAccount: undefined, perAddress: 60, windowSeconds: quarterHour },
  /** E-mail addresses and phone numbers of others that a profile change ran into: its answer reveals that they are taken. */
  takenContacts: { perAccount: 10, perAddress: 50, windowSeconds: 60 * 60 },
  /** Cards that the gateway declined or rejected. */
  failedCards: { perAccount: 20, perAddress: 100, windowSeconds: quarterHour },
  /** Calls that ask for seats, whatever becomes of them: this bounds load. */
  holds: { perAccount: 120, perAddress: 600, windowSeconds: 60 },
  /** Tickets that are drawn or printed, so that one caller cannot keep the printer busy. */
  tickets: { perAccount: 60, perAddress: 600, windowSeconds: 60 },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limitTable;

/** Limits that bound load and no guesses: a server may learn of the others' counts a second late. */
const callLimits = ["holds", "questionLookUps", "tickets"] as const satisfies LimitName[];

export type CallLimitName = (typeof callLimits)[number];

/** Whether a limit bounds calls; the others bound guesses. */
export function isCallLimit(name: unknown): name is CallLimitName {
  return callLimits.some((one) => one === name);
}

/** How often each thing may be tried on one server. */
export type Limits = Record<LimitName, Limit>;

/** In development everyone comes from loopback, so that the limits per address are this much wider. */
export const developmentAddressFactor = 100;

/** The limits with those per address made wider. */
export function widenAddressLimits(limits: Limits, factor: number): Limits {
  const wider = Object.entries<Limit>(limits).map(([name, limit]) => [
    name,
    { ...limit, perAddress: limit.perAddress && limit.perAddress * factor },
  ]);
  return Object.fromEntries(wider) as Limits;
}
