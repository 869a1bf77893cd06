import type { Addr } from "../../../lib/ip/addr.js";
import { type Cidr, cidrOf } from "../../../lib/ip/cidr.js";

/** Longest-prefix look-up by one map per prefix length, longest first: what the trie is measured against. */
export const mapRoutes = <R extends { readonly to: Cidr }>(
  routes: Iterable<R>,
): ((destination: Addr) => R | undefined) => {
  const byPrefix = new Map<number, Map<Addr, R>>();
  for (const route of routes) {
    let blocks = byPrefix.get(route.to.prefix);
    if (blocks === undefined) byPrefix.set(route.to.prefix, (blocks = new Map<Addr, R>()));
    if (!blocks.has(route.to.base)) blocks.set(route.to.base, route);
  }
  const levels = [...byPrefix].sort(([a], [b]) => b - a);
  return destination => {
    for (const [prefix, blocks] of levels) {
      const route = blocks.get(cidrOf(destination, prefix).base);
      if (route !== undefined) return route;
    }
    return undefined;
  };
};
