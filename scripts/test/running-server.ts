import { connect } from "node:net";
import { createSkyfoxClient, type RouterOutputs } from "@skyfox/sdk";
import { developmentApiKey } from "../../server/src/config.ts";
import { demoPassword } from "../seed.ts";
import { runScript, type RunningScript } from "./run-script.ts";

/** Starts a development server on a free port and waits until it says that it is ready. */
export async function startServer(
  settings: Record<string, string>,
): Promise<RunningScript & { url: string }> {
  const script = runScript("start.ts", { PORT: "0", ...settings });
  const [, url = ""] = await script.says(/ready at (\S+)/);
  return { ...script, url };
}

/** Logs in and gives the token; rejects when the server refuses. */
export async function logIn(url: string, username: string, password: string): Promise<string> {
  const skyfox = createSkyfoxClient({ url, apiKey: developmentApiKey });
  return (await skyfox.auth.login.mutate({ username, password })).token;
}

/** The shows of the 21 days from today, as the demo's staff see them. */
export async function listDemoShows(url: string): Promise<RouterOutputs["show"]["list"]> {
  const token = await logIn(url, "staff-1", demoPassword);
  const skyfox = createSkyfoxClient({ url, apiKey: developmentApiKey, token });
  const [first] = await skyfox.show.list.query();
  const today = Temporal.PlainDate.from(first?.date ?? "");
  const dates = Array.from({ length: 21 }, (_, days) => today.add({ days }).toString());
  return (await Promise.all(dates.map((date) => skyfox.show.list.query({ date })))).flat();
}

/** Whether anything accepts connections there. */
export async function isPortOpen(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () => resolve(true));
  socket.on("error", () => resolve(false));
  const isOpen = await promise;
  socket.destroy();
  return isOpen;
}
