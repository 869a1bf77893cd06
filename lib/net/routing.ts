import type { Addr } from "../ip/addr.js";
import { type Cidr, cidrOf } from "../ip/cidr.js";
import type { Host, Route } from "./network.js";

/** Longest-prefix lookup. Of equal blocks the first given wins. */
export interface RoutingTable<R> {
  lookup(destination: Addr): R | undefined;
}

type Routed = { readonly to: Cidr };

/** A few routes are scanned: a trie's 65,536 places would be too many for each of 100,000 pods. */
const fewRoutes = 12;

const scan = <R extends Routed>(routes: readonly R[]): RoutingTable<R> => {
  const longestFirst = [...routes].sort((a, b) => b.to.prefix - a.to.prefix);
  const bases = longestFirst.map(({ to }) => to.base | 0);
  const masks = longestFirst.map(({ to }) => (to.prefix === 0 ? 0 : -1 << (32 - to.prefix)));
  return {
    lookup(destination) {
      for (let i = 0; i < bases.length; i++) if ((destination & masks[i]!) === bases[i]) return longestFirst[i];
      return undefined;
    },
  };
};

/** The bits that each level of the trie looks at: 16, then 8, then 8. */
const levelEnds = [16, 24, 32] as const;
const rootSize = 1 << 16;
const nodeSize = 1 << 8;

/**
 * A trie in one array of cells. A cell holds 1 + the index of a route, 0 for none, or ~ the number of a node of the next level.
 * Shorter blocks are written first, so a longer one overwrites, and a new node starts full of what stood above it.
 */
const trie = <R extends Routed>(routes: readonly R[]): RoutingTable<R> => {
  let cells = new Int32Array(rootSize + nodeSize * 64);
  let nodes = 0;
  const startOf = (node: number): number => rootSize + node * nodeSize;
  const nodeAt = (cell: number): number => {
    const value = cells[cell]!;
    if (value < 0) return startOf(~value);
    const start = startOf(nodes);
    const end = start + nodeSize;
    if (end > cells.length) {
      const larger = new Int32Array(cells.length * 2);
      larger.set(cells);
      cells = larger;
    }
    cells.fill(value, start, end);
    cells[cell] = ~nodes++;
    return start;
  };
  const found: (R | undefined)[] = [undefined];
  for (const route of [...routes].sort((a, b) => a.to.prefix - b.to.prefix)) {
    const { base, prefix } = route.to;
    let node = 0;
    let level = 0;
    let index = base >>> 16;
    while (prefix > levelEnds[level]!) {
      node = nodeAt(node + index);
      level++;
      index = (base >>> (32 - levelEnds[level]!)) & (nodeSize - 1);
    }
    // A block that was there before has the same length here, and came first.
    if (found[cells[node + index]!]?.to.prefix === prefix) continue;
    found.push(route);
    cells.fill(found.length - 1, node + index, node + index + 2 ** (levelEnds[level]! - prefix));
  }
  const used = cells.subarray(0, startOf(nodes));
  const filled = Math.max(found.length, nodes) <= 0x7fff ? Int16Array.from(used) : used.slice();
  return {
    lookup(destination) {
      let value = filled[destination >>> 16]!;
      if (value < 0) {
        value = filled[rootSize + (~value << 8) + ((destination >>> 8) & 255)]!;
        if (value < 0) value = filled[rootSize + (~value << 8) + (destination & 255)]!;
      }
      return found[value];
    },
  };
};

export const routingTable = <R extends Routed>(routes: Iterable<R>): RoutingTable<R> => {
  const all = [...routes];
  return all.length <= fewRoutes ? scan(all) : trie(all);
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
