import { afterEach, describe, expect, test, vi } from "vitest";
import { createPage } from "../test/watching.ts";
import { findSurroundings } from "./tabs.ts";

afterEach(() => vi.unstubAllGlobals());

describe("the surroundings", () => {
  test("of a server have neither page nor tabs, though Node has locks and channels", () => {
    expect(findSurroundings()).toEqual({});
  });

  test("of a browser on https have both", () => {
    const page = createPage();
    vi.stubGlobal("document", page);
    expect(findSurroundings()).toMatchObject({ page, tabs: { locks: navigator.locks } });
  });

  test.for(["navigator", "BroadcastChannel"])("of a browser without %s have a page only", (name) => {
    const page = createPage();
    vi.stubGlobal("document", page);
    vi.stubGlobal(name, undefined);
    expect(findSurroundings()).toEqual({ page });
  });
});
