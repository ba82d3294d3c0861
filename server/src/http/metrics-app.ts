import { Hono } from "hono";
import type { ReadableMetrics } from "../runtime/metrics.ts";

/** What the port of the metrics answers: `GET /metrics`, and 404 to everything else. */
export function createMetricsApp(metrics: ReadableMetrics): Hono {
  const app = new Hono();
  app.get("/metrics", async (context) =>
    context.body(await metrics.read(), 200, { "content-type": metrics.contentType }),
  );
  return app;
}
