import { expect, test } from "vitest";
import { networkOf, siteOf } from "./network.ts";

test.each([
  ["192.0.2.7", "192.0.2.7", undefined],
  ["::ffff:192.0.2.7", "192.0.2.7", undefined],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["2001:0DB8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0:0::/64", "2001:db8:0::/48"],
  ["fe80::1%eth0", "fe80:0:0:0::/64", "fe80:0:0::/48"],
  ["unknown", "unknown", undefined],
])("%s counts as %s, and within %s", (address, network, site) => {
  expect([networkOf(address), siteOf(address)]).toEqual([network, site]);
});
