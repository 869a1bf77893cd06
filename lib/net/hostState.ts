import type { Addr } from "../ip/addr.js";
import { contains, cidrOf, hostCidr } from "../ip/cidr.js";
import type { Netfilter } from "../netfilter/netfilter.js";
import { startNetfilter } from "../netfilter/start.js";
import type { Random } from "../random.js";
import type { Captured } from "./lab.js";
import { hostRoutes, type RoutingTable } from "./routing.js";
import {
  allHosts,
  broadcastAddresses,
  isLoopback,
  isMulticast,
  limitedBroadcast,
  localhost,
  unspecified,
} from "./specialAddresses.js";
import type { Host, Interface, Listener, Route, Veth } from "./network.js";

/**
 * Where a packet of the host's own goes: by a route, to the host itself, or nowhere: no route leads there, or it would carry an
 * address of 127.0.0.0/8 out of the host.
 */
export type WayOut = Route | "lo" | "no-route" | "martian";

const noRouteBurst = 5;

/** What the ports of a bridge lead to. */
export interface BridgeLinks {
  /** Hosts right behind a port, by each of their addresses. */
  readonly neighbours: ReadonlyMap<Addr, Interface>;
  /** Ports that lead into another bridge. */
  readonly bridges: readonly Veth[];
  /** The port that is a card on the fabric. */
  readonly uplink: Interface | undefined;
}

/** A host at work: its data indexed for look-up, its netfilter, and who listens at its interfaces. */
export class HostState {
  readonly netfilter: Netfilter | undefined;
  readonly interfaces: ReadonlyMap<string, Interface>;
  /** Told of every packet at every interface. */
  readonly captures = new Set<(captured: Captured) => void>();
  /** Filled by the engine, bridge by bridge, when a frame first crosses it. */
  readonly links = new Map<string, BridgeLinks>();
  readonly #local: ReadonlySet<Addr>;
  readonly #broadcast: ReadonlyMap<Addr, string>;
  readonly #routes: RoutingTable<Route>;
  readonly #listeners: ReadonlyMap<string, Listener>;

  readonly #noRouteAnswers = new Map<Addr, { tokens: number; at: number }>();

  constructor(
    readonly host: Host,
    random: Random,
    private readonly now: () => number,
  ) {
    this.interfaces = new Map(host.interfaces.map(entry => [entry.name, entry]));
    this.#local = new Set(host.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
    this.#broadcast = broadcastAddresses(host);
    this.#routes = hostRoutes(host);
    this.#listeners = new Map(host.listeners.map(listener => [`${listener.proto} ${listener.port}`, listener]));
    if (host.rules.tables.length > 0)
      this.netfilter = startNetfilter(host.rules, {
        isLocal: address => this.isLocal(address),
        addrType: address => this.addrType(address),
        hasRoute: (destination, source) => {
          const way = this.wayOut(source, destination, true); // asked once the source is known
          return way !== "no-route" && way !== "martian";
        },
        sourceFor: (out, destination) => this.sourceOn(out, destination),
        now,
        timeouts: host.conntrackTimeouts,
        random,
      });
  }

  isLocal(address: Addr): boolean {
    return this.#local.has(address) || isLoopback(address);
  }

  /** Whether an interface has exactly this address: nothing from outside may have it as its source. */
  isOwn(address: Addr): boolean {
    return this.#local.has(address) || address === localhost;
  }

  addrType(address: Addr): "LOCAL" | "UNICAST" | "BROADCAST" | "MULTICAST" {
    if (isMulticast(address)) return "MULTICAST";
    if (this.isBroadcast(address)) return "BROADCAST";
    return this.isLocal(address) ? "LOCAL" : "UNICAST";
  }

  isBroadcast(address: Addr): boolean {
    return address === limitedBroadcast || this.#broadcast.has(address);
  }

  /** Whether an address stands for many, so no connection is made with it and no ICMP error is sent about it. */
  reachesMany(address: Addr): boolean {
    return isMulticast(address) || this.isBroadcast(address);
  }

  /** Whether the host itself is among the many. */
  isAmong(address: Addr): boolean {
    return address === allHosts || this.isBroadcast(address);
  }

  /** @param bound whether the source was settled before the way, as of an answer: then it picks the link of what is for all on one */
  wayOut(source: Addr, destination: Addr, bound = false): WayOut {
    if (this.isLocal(destination) || destination === unspecified) return "lo";
    if (bound && (isMulticast(destination) || destination === limitedBroadcast)) {
      if (isLoopback(source)) return "lo";
      const owner = this.host.interfaces.find(({ addresses }) => addresses.some(({ address }) => address === source));
      if (owner !== undefined) return { to: hostCidr(destination), dev: owner.name };
    }
    const dev = this.#broadcast.get(destination);
    const route = dev === undefined ? this.route(destination) : { to: hostCidr(destination), dev };
    if (route === undefined) return "no-route";
    if (bound && isLoopback(source) && this.host.routeLocalnet !== true) return "martian";
    return route.via !== undefined && this.reachesMany(destination) ? { to: route.to, dev: route.dev } : route;
  }

  route(destination: Addr): Route | undefined {
    return this.#routes.lookup(destination);
  }

  /** Linux tells a sender that there is no route five times at once, then once a second (ip_rt_error_burst and _cost). */
  mayTellNoRoute(source: Addr): boolean {
    const before = this.#noRouteAnswers.get(source);
    const at = Math.max(this.now(), before?.at ?? 0);
    const tokens =
      before === undefined ? noRouteBurst : Math.min(noRouteBurst, before.tokens + (at - before.at) / 1000);
    this.#noRouteAnswers.set(source, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    return tokens >= 1;
  }

  listener(proto: "tcp" | "udp", port: number): Listener | undefined {
    return this.#listeners.get(`${proto} ${port}`);
  }

  /** The address from which the host speaks to one of its own: the first of its block, as Linux has it in the local table. */
  sourceToSelf(destination: Addr): Addr {
    for (const { addresses } of this.host.interfaces) {
      const asked = addresses.find(({ address }) => address === destination);
      if (asked === undefined) continue;
      const block = cidrOf(destination, asked.prefix);
      return addresses.find(({ address, prefix }) => prefix === asked.prefix && contains(block, address))!.address;
    }
    return localhost;
  }

  /**
   * The address that the host takes for what it sends by an interface: the one that shares a block with the next hop, else
   * the first. For an interface without any, such as the loopback, Linux takes the first address of the first that has one.
   */
  sourceOn(name: string, destination: Addr): Addr | undefined {
    const addresses = this.interfaces.get(name)?.addresses ?? [];
    if (addresses.length === 0)
      return this.host.interfaces.find(entry => entry.addresses.length > 0)?.addresses[0]?.address;
    if (addresses.length === 1) return addresses[0]?.address;
    const nextHop = this.route(destination)?.via ?? destination;
    return (addresses.find(({ address, prefix }) => contains(cidrOf(address, prefix), nextHop)) ?? addresses[0])
      ?.address;
  }
}
