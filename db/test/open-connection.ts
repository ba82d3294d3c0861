import { type Connection, connectOnce } from "../src/connect.ts";

/** One plain connection that ends with the test's scope (`await using`). */
export async function openConnection(url: string): Promise<Connection & AsyncDisposable> {
  const connection = await connectOnce(url);
  return { ...connection, [Symbol.asyncDispose]: () => connection.end() };
}
