import { type Addr, addr } from "../ip/addr.js";
import { cidr, cidrOf, contains, lastOf } from "../ip/cidr.js";
import type { Host } from "./network.js";

const loopback = cidr("127.0.0.0/8");
const multicast = cidr("224.0.0.0/4");

/** What lo has: what a host takes as its source towards any other address of 127.0.0.0/8. */
export const localhost = addr("127.0.0.1");
/** As a destination the host itself, as a source a host that has no address yet. */
export const unspecified = addr("0.0.0.0");
/** Everybody on the link, whatever its block. */
export const limitedBroadcast = addr("255.255.255.255");
/** The one multicast group that every host is in: all that are on the link. */
export const allHosts = addr("224.0.0.1");

export const isLoopback = (address: Addr): boolean => contains(loopback, address);
export const isMulticast = (address: Addr): boolean => contains(multicast, address);

/**
 * The addresses that stand for everybody in a block that a host is part of, each with its interface: the highest of the block.
 * The lowest has been an ordinary address since Linux 5.14.
 */
export const broadcastAddresses = (host: Host): ReadonlyMap<Addr, string> =>
  new Map([
    [lastOf(loopback), "lo"],
    ...host.interfaces.flatMap(({ name, addresses }) =>
      addresses
        .filter(({ prefix }) => prefix < 31)
        .map(({ address, prefix }) => [lastOf(cidrOf(address, prefix)), name] as const),
    ),
  ]);

/** What a program means by 0.0.0.0: its own host. */
export const destinationMeant = (address: Addr): Addr => (address === unspecified ? localhost : address);
