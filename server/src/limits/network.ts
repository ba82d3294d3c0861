import { isIPv6 } from "node:net";

/** What counts as one address: an IPv4 address, or the /64 network of an IPv6 address, within which a caller chooses freely. */
export function networkOf(address: string): string {
  const ip = readAddress(address);
  return typeof ip === "string" ? ip : `${ip.slice(0, 4).join(":")}::/64`;
}

/** The /48 network of an IPv6 address, which a provider may give to one customer: 65,536 times a /64. Undefined for other addresses. */
export function siteOf(address: string): string | undefined {
  const ip = readAddress(address);
  return typeof ip === "string" ? undefined : `${ip.slice(0, 3).join(":")}::/48`;
}

// The eight groups of an IPv6 address; any other address, also an IPv4 one that came over IPv6, as it is written.
function readAddress(address: string): string | string[] {
  if (!isIPv6(address)) return address;
  // A URL writes an address in its one canonical form (RFC 5952), which leaves out one run of zeros.
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const [before = "", after] = canonical.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  const isMapped = groups.slice(0, 5).every((group) => group === "0") && groups[5] === "ffff";
  return isMapped ? groups.slice(6).flatMap(bytesOf).join(".") : groups;
}

// An IPv4 address that came over IPv6 (RFC 4291, 2.5.5.2) has its four bytes in the last two groups.
function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
