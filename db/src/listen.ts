import { connectListening, type ListeningConnection } from "./connect.ts";

const beatEveryMs = 250;
// Longer than an answer takes on a loaded machine: a connection that is cut sooner is only opened again.
const silentAfterMs = 2_000;
const reconnectAfterMs = { first: 100, most: 5_000 };

/** What a listener says. Between two calls of `lost`, every announcement that was committed is heard. */
export interface Hearing {
  /** A transaction that announced this has committed. */
  heard(text: string): void;
  /** Announcements may have been missed until now: at each new connection. */
  lost(): void;
  /**
   * Everything that was committed before that moment has been heard. The moment is of `performance.now()`. It is proven by an announcement of
   * the listener's own, which Postgres delivers after all that were committed before it.
   */
  proven(atMs: number): void;
}

/** Hears a channel until it is closed. */
export interface Listener {
  /** Resolves once it hears for the first time. */
  hearing: Promise<void>;
  /** Announces a text of less than 8,000 bytes on the channel, outside of any transaction; it is lost where there is no connection. */
  announce(text: string): void;
  close(): void;
}

/** Listens on a connection of its own, which is opened again when it is lost or silent. */
export function startListener(
  url: string,
  { channel, heard, lost, proven }: Hearing & { channel: string },
): Listener {
  const beats = `${channel}_${crypto.randomUUID().replaceAll("-", "")}`;
  let connection: ListeningConnection | undefined;
  let pauseMs = reconnectAfterMs.first;
  let isClosed = false;
  const { promise: hearing, resolve: hears } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  // When each beat that is under way was sent.
  let sent: number[] = [];

  async function connect(): Promise<void> {
    let isOver = false;
    const end = () => {
      if (!isOver) reconnect();
      isOver = true;
    };
    try {
      connection = await connectListening(url, {
        notification: (from, text) => (from === beats ? takeBeat(Number(text)) : heard(text)),
        end,
      });
      if (isClosed) return connection.destroy();
      await connection.listen(channel);
      await connection.listen(beats);
      lost();
      hears();
      pauseMs = reconnectAfterMs.first;
      beat();
    } catch {
      connection?.destroy();
      end();
    }
  }

  function reconnect(): void {
    clearTimeout(timer);
    connection = undefined;
    sent = [];
    if (isClosed) return;
    timer = setTimeout(() => void connect(), pauseMs);
    pauseMs = Math.min(2 * pauseMs, reconnectAfterMs.most);
  }

  function beat(): void {
    const silentSince = sent[0];
    // After a standstill of the process timers come first and answers that wait second.
    if (silentSince !== undefined && performance.now() - silentSince > silentAfterMs)
      setImmediate(() => sent[0] === silentSince && connection?.destroy());
    const now = performance.now();
    sent.push(now);
    notify(beats, String(now));
    timer = setTimeout(beat, beatEveryMs);
  }

  function notify(to: string, text: string): void {
    const used = connection;
    used?.notify(to, text).catch(() => used.destroy());
  }

  function takeBeat(atMs: number): void {
    sent = sent.filter((one) => one > atMs);
    proven(atMs);
  }

  void connect();
  return {
    hearing,
    announce: (text) => notify(channel, text),
    close() {
      isClosed = true;
      clearTimeout(timer);
      connection?.destroy();
    },
  };
}
