import type { Addr } from "../ip/addr.js";
import { type Cidr, cidrOf } from "../ip/cidr.js";
import type { Host, Route } from "./types.js";

/** Longest-prefix lookup: one map per prefix length that occurs, longest first. Of equal blocks the first given wins. */
export interface RoutingTable<R> {
  lookup(destination: Addr): R | undefined;
}

export const routingTable = <R extends { readonly to: Cidr }>(routes: Iterable<R>): RoutingTable<R> => {
  const byPrefix = new Map<number, Map<Addr, R>>();
  for (const route of routes) {
    let blocks = byPrefix.get(route.to.prefix);
    if (blocks === undefined) byPrefix.set(route.to.prefix, (blocks = new Map()));
    if (!blocks.has(route.to.base)) blocks.set(route.to.base, route);
  }
  const levels = [...byPrefix].sort(([a], [b]) => b - a);
  return {
    lookup(destination) {
      for (const [prefix, blocks] of levels) {
        const route = blocks.get(cidrOf(destination, prefix).base);
        if (route !== undefined) return route;
      }
      return undefined;
    },
  };
};

/** A host's routes: those that its addresses make by themselves, then the ones it was given. */
export const hostRoutes = (host: Host): RoutingTable<Route> =>
  routingTable([
    ...host.interfaces.flatMap(({ name, addresses }) =>
      addresses
        .filter(({ prefix }) => prefix < 32)
        .map(({ address, prefix }) => ({ to: cidrOf(address, prefix), dev: name })),
    ),
    ...host.routes,
  ]);
