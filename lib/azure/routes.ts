import { InputError } from "../errors.js";
import type { Addr } from "../ip/addr.js";
import { type Cidr, formatCidr } from "../ip/cidr.js";
import type { UserRoute } from "../net/network.js";
import { figures } from "../figures.js";

/** User-defined routes that subnets share. */
export interface RouteTable {
  readonly name: string;
  readonly routes: readonly UserRoute[];
}

/** A route to a machine of the virtual network, as kubenet sets one for each node's pods. */
export const applianceRoute = (name: string, to: Cidr, address: Addr): UserRoute => ({
  name,
  to,
  nextHop: { kind: "appliance", address },
});

/**
 * A route table of at most 400 routes, with no name and no prefix twice.
 * @throws InputError otherwise
 */
export const routeTable = (name: string, routes: readonly UserRoute[], where = `route table ${name}`): RouteTable => {
  const most = figures.virtualNetwork.routesPerTable.value;
  if (routes.length > most)
    throw new InputError({
      where,
      value: routes.length,
      problem: "routes are more than a route table holds",
      expected: `${most} at most, so ${most} kubenet nodes`,
    });
  const names = new Map<string, UserRoute>();
  const prefixes = new Map<string, UserRoute>();
  for (const route of routes) {
    const prefix = formatCidr(route.to);
    const twin = prefixes.get(prefix);
    if (names.has(route.name))
      throw new InputError({
        where,
        value: route.name,
        problem: "names two routes",
        expected: "a name of its own for each route",
      });
    if (twin !== undefined)
      throw new InputError({
        where,
        value: prefix,
        problem: `is the prefix of both ${twin.name} and ${route.name}`,
        expected: "one route for a prefix",
      });
    names.set(route.name, route);
    prefixes.set(prefix, route);
  }
  return { name, routes };
};
