/** One message of a stream of server-sent events. */
export interface ServerSentEvent {
  /** `message` where the server names none. */
  event: string;
  data: string;
  /** Undefined when this message carries none. */
  id: string | undefined;
}

/** What a reader of a stream is called with. */
export interface EventStreamListener {
  /** Bytes came, be it a comment. */
  heard(): void;
  message(event: ServerSentEvent): void;
}

/**
 * Reads server-sent events, as the HTML standard defines them, until the stream ends or `signal` aborts; then the stream is cancelled. Rejects
 * when the stream breaks.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  listener: EventStreamListener,
): Promise<void> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  const decoder = new TextDecoder();
  const parse = createParser((event) => {
    if (!signal.aborted) listener.message(event);
  });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      listener.heard();
      parse(decoder.decode(value, { stream: true }));
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

// A message ends with an empty line; what a cut leaves unfinished is dropped.
function createParser(dispatch: (event: ServerSentEvent) => void): (text: string) => void {
  let rest = "";
  let event = "";
  let id: string | undefined;
  let data: string[] = [];
  return (text) => {
    rest += text;
    // A carriage return at the end may be half of a line end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) readLine(line);
  };

  function readLine(line: string): void {
    if (line === "") {
      if (data.length > 0) dispatch({ event: event === "" ? "message" : event, data: data.join("\n"), id });
      event = "";
      id = undefined;
      data = [];
      return;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
  }
}
