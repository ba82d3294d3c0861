import { afterAll, expect, test } from "vitest";
import { exportPageSize, listExportPages } from "../../src/takings/export-bookings.ts";
import { givenHistory } from "../given-history.ts";
import { startPlanRecorder } from "../plan-recorder.ts";
import { createTestApp } from "../test-app.ts";

const app = await createTestApp();
await givenHistory(app);
const recorder = await startPlanRecorder(app.sql, app.databaseUrl);
afterAll(() => recorder.close());
const recorded = await createTestApp({ beside: app, databaseUrl: () => recorder.url });

test.each([
  ["all bookings", {}],
  ["a year", { year: 2026 }],
  ["a month", { month: 2, year: 2026 }],
])(
  "among many more holds that ended, a page of the export of %s reads what it gives",
  { timeout: 120_000 },
  async (_what, filter) => {
    recorder.statements.length = 0;
    const sizes: number[] = [];
    for await (const rows of listExportPages(recorded.deps, filter)) sizes.push(rows.length);
    expect(sizes.length).toBeGreaterThan(10);
    const pages = recorder.statements.filter(({ text }) => text.includes("b.no_of_seats as seats"));
    expect(pages.length).toBeGreaterThanOrEqual(sizes.length);
    // Beside the bookings, the name of each one's customer.
    const mostUnused = Math.max(...pages.map(({ unused }) => unused));
    expect(mostUnused).toBeLessThanOrEqual(exportPageSize + 1);
    for (const { plan } of pages) expect(scansOfBookings(plan)).toEqual(["booking_paid"]);
  },
);

interface Node {
  "Parent Relationship"?: string;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: Node[];
}

/** By which index bookings were read, once for each reading of them; that of the one booking after which a page begins is left out. */
function scansOfBookings(node: Node): (string | undefined)[] {
  if (node["Parent Relationship"] === "InitPlan") return [];
  const own = node["Relation Name"] === "booking" ? [node["Index Name"]] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scansOfBookings)];
}
