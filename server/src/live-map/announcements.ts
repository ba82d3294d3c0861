// Each NOTIFY wakes every server, and takes a lock of the whole database while it commits.
const announceEveryMs = 250;
// A notice has less than 8,000 bytes, and an id at most 16.
const showsPerNotice = 400;

/** Tells other servers of changed shows. */
export interface Announcements {
  add(showId: number): void;
  /** The ids of the shows in what was heard; none in what these announcements sent themselves. */
  read(text: string): number[];
  close(): void;
}

/** Sends the ids of changed shows by `announce`: the first at once, then those of a quarter of a second together. */
export function createAnnouncements(announce: (text: string) => void): Announcements {
  const sender = crypto.randomUUID();
  const changed = new Set<number>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function send(): void {
    timer = undefined;
    if (changed.size === 0) return;
    const showIds = [...changed];
    changed.clear();
    for (let start = 0; start < showIds.length; start += showsPerNotice)
      announce([sender, ...showIds.slice(start, start + showsPerNotice)].join(","));
    timer = setTimeout(send, announceEveryMs);
  }

  return {
    add(showId) {
      if (isClosed) return;
      changed.add(showId);
      if (timer === undefined) send();
    },
    read(text) {
      const [from, ...showIds] = text.split(",");
      return from === sender ? [] : showIds.map(Number);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
