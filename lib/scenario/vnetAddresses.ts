import { type VirtualNetwork, subnetPool, takeAddress } from "../azure/vnet.js";
import { InputError } from "../errors.js";
import { type Addr, addr } from "../ip/addr.js";
import { cidr, cidrSize, contains, formatCidr, nth, overlaps } from "../ip/cidr.js";
import type { Pool } from "../ip/addressPool.js";
import { seeded, subseed } from "../random.js";

/** Where Azure's draws come from: a block set aside for tests (RFC 2544), so nobody's real address is shown by chance. */
const drawn = cidr("198.18.0.0/15");

/** What the Internet does not route. */
const notPublic = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/3",
].map(text => cidr(text));

/** Public addresses, each given to one owner: first what the user states, then what is drawn. */
export interface PublicAddresses {
  /** Takes an address that the user states. @throws InputError when it is not public, inside the virtual network or taken */
  claim(text: string, where: string): Addr;
  /** The address that Azure draws for an owner: the same for the same seed and owner. */
  draw(owner: string): Addr;
}

export const publicAddresses = (vnet: VirtualNetwork, seed: number): PublicAddresses => {
  vnet.addressSpace.forEach((block, i) => {
    if (overlaps(block, drawn))
      throw new InputError({
        where: `vnet.addressSpace[${i}]`,
        value: formatCidr(block),
        problem: `overlaps ${formatCidr(drawn)}, which stands for the public addresses that Azure draws`,
        expected: "another range, such as 10.0.0.0/8",
      });
  });
  const owners = new Map<Addr, string>();
  return {
    claim(text, where) {
      const address = addr(text, where);
      const refuse = (problem: string, expected: string): never => {
        throw new InputError({ where, value: text, problem, expected });
      };
      if (notPublic.some(block => contains(block, address)))
        refuse(
          "is not a public address",
          "an address that the Internet routes, or one of 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24",
        );
      if (vnet.addressSpace.some(block => contains(block, address)))
        refuse("is inside the virtual network", "a public address");
      const owner = owners.get(address);
      if (owner !== undefined) refuse(`is taken by ${owner}`, "an address of its own");
      owners.set(address, where);
      return address;
    },
    draw(owner) {
      let index = seeded(subseed(seed, `public address of ${owner}`)).int(0, cidrSize(drawn) - 1);
      while (owners.has(nth(drawn, index))) index = (index + 1) % cidrSize(drawn);
      const address = nth(drawn, index);
      owners.set(address, owner);
      return address;
    },
  };
};

/** The private addresses of a virtual network, subnet by subnet. */
export interface PrivateAddresses {
  /** The addresses of a subnet. @throws InputError for a subnet that does not exist */
  subnet(name: string, where: string): Pool;
  /** Takes the address that a user states. @throws InputError when it cannot be had */
  claim(subnet: string, text: string, where: string): Addr;
}

export const privateAddresses = (vnet: VirtualNetwork): PrivateAddresses => {
  const pools = new Map(vnet.subnets.map(subnet => [subnet.name, subnetPool(subnet)]));
  const subnet = (name: string, where: string): Pool => {
    const found = pools.get(name);
    if (found === undefined)
      throw new InputError({
        where,
        value: name,
        problem: `is no subnet of ${vnet.name}`,
        expected: [...pools.keys()].join(" or ") || "a subnet",
      });
    return found;
  };
  return { subnet, claim: (name, text, where) => takeAddress(subnet(name, where), addr(text, where), where) };
};

/** The lowest free address of a subnet. @throws InputError when none is left */
export const firstFree = (addresses: Pool, where: string, value: string): Addr => {
  const answer = addresses.first();
  if (answer.kind === "allocated") return answer.address;
  throw new InputError({
    where,
    value,
    problem: `finds no free address in ${formatCidr(answer.block)}, which holds ${answer.capacity}`,
    expected: "a larger subnet",
  });
};
