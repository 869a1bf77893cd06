import { type Addr } from "../ip/addr.js";
import { type Cidr, lastOf, nth } from "../ip/cidr.js";
import { pool } from "../ip/addressPool.js";
import type { Random } from "../random.js";

/** How one node's network plugin gives addresses to its pods. */
export interface NodeIpam {
  /** Addresses that it can give out. */
  readonly capacity: number;
  /** An address, the wanted one if it is free; undefined when none is left. */
  take(wanted?: Addr): Addr | undefined;
  release(address: Addr): void;
}

/**
 * kubenet: host-local over the node's pod CIDR. The network's address, the bridge's (.1) and the broadcast address stay out;
 * the next free address after the last one given, starting over at the end, so a released address comes back late.
 */
export const hostLocal = (podCidr: Cidr): NodeIpam => {
  const free = pool(podCidr, [podCidr.base, nth(podCidr, 1), lastOf(podCidr)]);
  return {
    capacity: free.capacity,
    take() {
      const result = free.next();
      return result.kind === "allocated" ? result.address : undefined;
    },
    release: address => void free.release(address),
  };
};

/**
 * azure-cni: the addresses reserved on the node's card, given out in no stated order, so drawn.
 * @param pinned addresses kept for the pods that ask for them
 */
export const azureVnetIpam = (reserved: readonly Addr[], pinned: ReadonlySet<Addr>, random: Random): NodeIpam => {
  const free = reserved.filter(address => !pinned.has(address));
  const kept = new Set(reserved.filter(address => pinned.has(address)));
  return {
    capacity: reserved.length,
    take(wanted) {
      if (wanted !== undefined && kept.delete(wanted)) return wanted;
      if (free.length === 0) return undefined;
      const index = random.int(0, free.length - 1);
      const address = free[index]!;
      free[index] = free[free.length - 1]!;
      free.pop();
      return address;
    },
    release: address => void free.push(address),
  };
};
