import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "./addr.js";
import { type Cidr, cidrSize, contains, formatCidr } from "./cidr.js";

/** What a pool answers: an address, or the fact that none is left. */
export type Allocation =
  | { readonly kind: "allocated"; readonly address: Addr }
  | { readonly kind: "exhausted"; readonly block: Cidr; readonly capacity: number };

/** Addresses of one block, handed out at most once until released. */
export interface Pool {
  readonly block: Cidr;
  /** Addresses that may be handed out: the block less those excluded at the start. */
  readonly capacity: number;
  /** Addresses not handed out now. */
  readonly free: number;
  /** Takes a given address; false when it is already taken. @throws InputError outside the block or excluded */
  reserve(address: Addr): boolean;
  /** Takes the lowest free address. */
  first(): Allocation;
  /** Takes the next free address after the last one taken, starting over at the end (the CNI plugin host-local does so). */
  next(): Allocation;
  /** Gives an address back; false when it was free. */
  release(address: Addr): boolean;
}

/** A pool over a block without its `excluded` addresses (Azure's five, a bridge's own). */
export const pool = (block: Cidr, excluded: readonly Addr[] = []): Pool => {
  const never = new Set(excluded.filter(address => contains(block, address)));
  const taken = new Set<Addr>();
  const size = cidrSize(block);
  const capacity = size - never.size;
  let lowest = 0; // no address below this index is free
  let cursor = 0; // where next() looks first
  const scan = (from: number): number => {
    for (let step = 0; step < size; step++) {
      const index = (from + step) % size;
      const address = (block.base + index) as Addr;
      if (!never.has(address) && !taken.has(address)) return index;
    }
    throw new Error("unreachable: the caller has seen a free address");
  };
  const take = (from: number): Allocation => {
    if (taken.size === capacity) return { kind: "exhausted", block, capacity };
    const index = scan(from);
    const address = (block.base + index) as Addr;
    taken.add(address);
    return { kind: "allocated", address };
  };
  return {
    block,
    capacity,
    get free() {
      return capacity - taken.size;
    },
    reserve(address) {
      if (!contains(block, address) || never.has(address))
        throw new InputError({
          where: `pool ${formatCidr(block)}`,
          value: formatAddr(address),
          problem: "cannot be handed out",
          expected: `an address of ${formatCidr(block)} that is not reserved`,
        });
      if (taken.has(address)) return false;
      taken.add(address);
      return true;
    },
    first() {
      const result = take(lowest);
      if (result.kind === "allocated") lowest = result.address - block.base + 1;
      return result;
    },
    next() {
      const result = take(cursor);
      if (result.kind === "allocated") cursor = (result.address - block.base + 1) % size;
      return result;
    },
    release(address) {
      if (!taken.delete(address)) return false;
      lowest = Math.min(lowest, address - block.base);
      return true;
    },
  };
};
