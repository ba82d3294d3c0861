/** The page that a client runs in: a document. */
export interface Page {
  readonly hidden: boolean;
  addEventListener(type: "visibilitychange", listener: () => void): void;
  removeEventListener(type: "visibilitychange", listener: () => void): void;
}

/** Web Locks, as far as they are used here. */
export interface Locks {
  request(
    name: string,
    options: { signal: AbortSignal } | { steal: true },
    hold: () => Promise<void> | undefined,
  ): Promise<unknown>;
}

/** A BroadcastChannel, as far as it is used here. */
export interface Channel {
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
  close(): void;
}

/** What the tabs of a browser need to work together. */
export interface Tabs {
  locks: Locks;
  openChannel(name: string): Channel;
}

/** Where a client runs; outside of a browser neither part is there. */
export interface Surroundings {
  page?: Page | undefined;
  tabs?: Tabs | undefined;
}

/** Of the browser; tabs work together on https and localhost only, since there are no Web Locks elsewhere. */
export function findSurroundings(): Surroundings {
  const { document, navigator, BroadcastChannel } = globalThis as {
    document?: Page;
    navigator?: { locks?: Locks };
    BroadcastChannel?: new (name: string) => Channel;
  };
  const locks = navigator?.locks;
  if (document === undefined) return {};
  if (locks === undefined || BroadcastChannel === undefined) return { page: document };
  return { page: document, tabs: { locks, openChannel: (name) => new BroadcastChannel(name) } };
}

/** One of the tabs that have a name in common. */
export interface GroupMember {
  /** This tab leads from now on. */
  lead(): void;
  /** Another tab has taken over. */
  resign(): void;
  /** What another tab has posted. */
  receive(message: unknown): void;
}

/** A tab's place among those with the same name; once it has left, it does nothing. */
export interface GroupPlace {
  /** To all other tabs of the group. */
  post(message: unknown): void;
  /** Leads, though another tab does and is silent. */
  takeOver(): void;
  /** Neither leads nor hears any more; the next tab leads, if this one did. */
  leave(): void;
}

/** Joins the tabs of a browser that have a name in common; one of them leads at any time, the next one when it has gone. */
export function joinGroup({ locks, openChannel }: Tabs, name: string, member: GroupMember): GroupPlace {
  const channel = openChannel(name);
  channel.addEventListener("message", ({ data }) => member.receive(data));
  let giveUp: (() => void) | undefined;
  let hasLeft = false;
  contend(false);
  return {
    post(message) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A BroadcastChannel stays in its origin.
      if (!hasLeft) channel.postMessage(message);
    },
    takeOver() {
      giveUp?.();
      contend(true);
    },
    leave() {
      hasLeft = true;
      giveUp?.();
      channel.close();
    },
  };

  function contend(steal: boolean): void {
    if (hasLeft) return;
    const withdrawing = new AbortController();
    let end: (() => void) | undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    let isLeading = false;
    giveUp = () => {
      withdrawing.abort();
      end?.();
    };
    const lead = () => {
      if (withdrawing.signal.aborted) return undefined;
      isLeading = true;
      member.lead();
      return over;
    };
    const options = steal ? ({ steal } as const) : { signal: withdrawing.signal };
    locks.request(name, options, lead).catch(() => {
      if (withdrawing.signal.aborted) return;
      // Where locks are refused, as in a sandboxed frame, each tab is alone.
      if (!isLeading) return void lead();
      member.resign();
      contend(false);
    });
  }
}
