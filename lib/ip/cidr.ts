import { IPv4CidrRange } from "ip-num";
import { InputError } from "../errors.js";
import { type Addr, formatAddr, parseAddr } from "./addr.js";

/** A block of addresses: `prefix` leading bits of `base` are shared. The other bits of `base` are zero. */
export interface Cidr {
  readonly base: Addr;
  /** 0 (everything) to 32 (one address). */
  readonly prefix: number;
}

/** 0.0.0.0/0, every address. */
export const everywhere: Cidr = { base: 0 as Addr, prefix: 0 };

/** The number of addresses in a block: 256 for a /24. */
export const cidrSize = (cidr: Cidr): number => 2 ** (32 - cidr.prefix);

const mask = (prefix: number): number => (prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0);

/**
 * Reads `a.b.c.d/prefix`. Bits to the right of the prefix must be zero, as Azure asks.
 * @throws InputError naming the value and, for stray bits, the block that was probably meant
 */
export const cidr = (text: string, where = "CIDR"): Cidr => {
  const expected = "a CIDR a.b.c.d/0-32";
  const reject = (problem: string): never => {
    throw new InputError({ where, value: text, problem, expected });
  };
  if (typeof text !== "string") return reject("is not text");
  const [address, prefixText, ...more] = text.split("/");
  if (text.includes(":")) reject("is an IPv6 range, which is not supported");
  if (
    address === undefined ||
    prefixText === undefined ||
    more.length > 0 ||
    !/^(?:0|[1-9]\d?)$/.test(prefixText) ||
    Number(prefixText) > 32
  )
    return reject("is not a CIDR");
  const given = parseAddr(address) ?? reject("is not a CIDR");
  const first = Number(IPv4CidrRange.fromCidr(`${address}/${Number(prefixText)}`).getFirst().value) as Addr;
  const block = { base: first, prefix: Number(prefixText) };
  if (first !== given)
    throw new InputError({
      where,
      value: text,
      problem: "has address bits beyond its prefix",
      expected: formatCidr(block),
    });
  return block;
};

/** The text of a block: `10.13.76.0/24`. */
export const formatCidr = (block: Cidr): string => `${formatAddr(block.base)}/${block.prefix}`;

/** The block of `prefix` bits around an address. */
export const cidrOf = (address: Addr, prefix: number): Cidr => ({
  base: ((address & mask(prefix)) >>> 0) as Addr,
  prefix,
});

/** One address as a block, a /32. */
export const hostCidr = (address: Addr): Cidr => ({ base: address, prefix: 32 });

/** Whether a block holds an address. */
export const contains = (block: Cidr, address: Addr): boolean => (address & mask(block.prefix)) >>> 0 === block.base;

/** Whether every address of `inner` is in `outer`. */
export const covers = (outer: Cidr, inner: Cidr): boolean =>
  outer.prefix <= inner.prefix && contains(outer, inner.base);

/** Whether two blocks share an address. */
export const overlaps = (a: Cidr, b: Cidr): boolean => covers(a, b) || covers(b, a);

/** The address at `index` from the start of a block, 0 its base. @throws InputError outside the block */
export const nth = (block: Cidr, index: number): Addr => {
  if (!Number.isInteger(index) || index < 0 || index >= cidrSize(block))
    throw new InputError({
      where: `index in ${formatCidr(block)}`,
      value: index,
      problem: "is outside the block",
      expected: `0 to ${cidrSize(block) - 1}`,
    });
  return (block.base + index) as Addr;
};

/** The last address of a block. */
export const lastOf = (block: Cidr): Addr => (block.base + cidrSize(block) - 1) as Addr;
