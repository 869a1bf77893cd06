import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { type Cidr, cidr, cidrSize, contains, covers, formatCidr, lastOf, nth, overlaps } from "../ip/cidr.js";
import { type Pool, pool } from "../ip/addressPool.js";
import { figures } from "../figures.js";

/** A subnet of a virtual network. */
export interface Subnet {
  readonly name: string;
  readonly cidr: Cidr;
}

/** A virtual network of Azure, with its ranges as numbers. See {@link VirtualNetworkSpec} for the form that a user writes. */
export interface VirtualNetwork {
  readonly name: string;
  readonly addressSpace: readonly Cidr[];
  readonly subnets: readonly Subnet[];
}

/** A virtual network in words, as a user writes it. */
export interface VirtualNetworkSpec {
  readonly name: string;
  /** CIDRs that do not overlap: `10.13.0.0/16`. */
  readonly addressSpace: readonly string[];
  readonly subnets: readonly { readonly name: string; readonly prefix: string }[];
}

const { reservedAddresses, smallestSubnet, largestSubnet } = figures.virtualNetwork;

/** The addresses of a subnet that Azure keeps for itself: .0 to .3 of a /24, and the last. */
export const azureReserved = (subnet: Cidr): readonly Addr[] =>
  [0, 1, 2, 3].map(index => nth(subnet, index)).concat(lastOf(subnet));

/** Addresses of a subnet that cards can have: 251 in a /24. */
export const subnetCapacity = (subnet: Cidr): number => cidrSize(subnet) - reservedAddresses.value;

/** The addresses of a subnet that cards can have, none taken yet. */
export const subnetPool = (subnet: Subnet): Pool => pool(subnet.cidr, azureReserved(subnet.cidr));

/** The first address after the base: where a machine of the subnet sends what is for elsewhere. */
export const subnetGateway = (subnet: Subnet): Addr => nth(subnet.cidr, 1);

const pairs = <Item>(items: readonly Item[]): readonly (readonly [Item, number, Item, number])[] =>
  items.flatMap((b, j) => items.slice(0, j).map((a, i) => [a, i, b, j] as const));

const checkAddressSpace = (blocks: readonly Cidr[], where: string): void => {
  if (blocks.length === 0)
    throw new InputError({ where, value: [], problem: "is empty", expected: "at least one CIDR" });
  for (const [a, i, b, j] of pairs(blocks))
    if (overlaps(a, b))
      throw new InputError({
        where: `${where}[${j}]`,
        value: formatCidr(b),
        problem: `overlaps ${where}[${i}] (${formatCidr(a)})`,
        expected: "ranges that share no address",
      });
};

const checkSubnet = (subnet: Subnet, space: readonly Cidr[], where: string): void => {
  const { prefix } = subnet.cidr;
  if (prefix > smallestSubnet.value || prefix < largestSubnet.value)
    throw new InputError({
      where,
      value: formatCidr(subnet.cidr),
      problem:
        prefix < largestSubnet.value
          ? "is too large for a subnet"
          : `is too small for a subnet, as Azure keeps ${reservedAddresses.value} addresses of each`,
      expected: `a prefix length of ${largestSubnet.value} to ${smallestSubnet.value}`,
    });
  if (!space.some(block => covers(block, subnet.cidr)))
    throw new InputError({
      where,
      value: formatCidr(subnet.cidr),
      problem: "is outside the address space",
      expected: `a part of ${space.map(formatCidr).join(" or ")}`,
    });
};

/**
 * Reads a virtual network: ranges of the address space apart from each other, subnets inside and apart from each other.
 * @param where the place to name in errors
 * @throws InputError naming the field, its value and what it clashes with
 */
export const virtualNetwork = (spec: VirtualNetworkSpec, where = "vnet"): VirtualNetwork => {
  const addressSpace = spec.addressSpace.map((text, i) => cidr(text, `${where}.addressSpace[${i}]`));
  checkAddressSpace(addressSpace, `${where}.addressSpace`);
  const subnets = spec.subnets.map(({ name, prefix }, i) => ({
    name,
    cidr: cidr(prefix, `${where}.subnets[${i}].prefix`),
  }));
  subnets.forEach((subnet, i) => checkSubnet(subnet, addressSpace, `${where}.subnets[${i}].prefix`));
  for (const [a, i, b, j] of pairs(subnets)) {
    if (a.name === b.name)
      throw new InputError({
        where: `${where}.subnets[${j}].name`,
        value: b.name,
        problem: `is the name of subnets[${i}] too`,
        expected: "a name of its own",
      });
    if (overlaps(a.cidr, b.cidr))
      throw new InputError({
        where: `${where}.subnets[${j}].prefix`,
        value: formatCidr(b.cidr),
        problem: `overlaps subnets[${i}] ${a.name} (${formatCidr(a.cidr)})`,
        expected: "ranges that share no address",
      });
  }
  return { name: spec.name, addressSpace, subnets };
};

/** Takes a given address of a subnet. @throws InputError when it is outside, reserved by Azure or taken */
export const takeAddress = (addresses: Pool, address: Addr, where: string): Addr => {
  const block = formatCidr(addresses.block);
  const refuse = (problem: string, expected: string): never => {
    throw new InputError({ where, value: formatAddr(address), problem, expected });
  };
  if (!contains(addresses.block, address)) refuse(`is outside the subnet ${block}`, `an address of ${block}`);
  if (azureReserved(addresses.block).includes(address))
    refuse("is reserved by Azure", `an address of ${block} other than the first four and the last`);
  if (!addresses.reserve(address)) refuse("is taken already", `a free address of ${block}`);
  return address;
};
