import { once } from "node:events";

interface Reply {
  id: number;
  result: { result?: { value?: unknown } };
}

/** Megabytes that a Node process cannot do without: after a collection, asked of its inspector at that address, such as `127.0.0.1:9229`. */
export async function keptMb(inspector: string): Promise<number> {
  const [target] = (await (await fetch(`http://${inspector}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  if (target === undefined) throw new Error(`There is nothing to inspect at ${inspector}.`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, "open");
  let asked = 0;
  const ask = async (method: string, params: object = {}) => {
    asked += 1;
    const answered = once(socket, "message") as Promise<[{ data: string }]>;
    socket.send(JSON.stringify({ id: asked, method, params }));
    const [{ data }] = await answered;
    return (JSON.parse(data) as Reply).result;
  };
  await ask("HeapProfiler.collectGarbage");
  const expression = "process.memoryUsage().heapUsed + process.memoryUsage().external";
  const { result } = await ask("Runtime.evaluate", { expression });
  socket.close();
  if (typeof result?.value !== "number") throw new Error("The process did not say what it keeps.");
  return result.value / 1_048_576;
}
