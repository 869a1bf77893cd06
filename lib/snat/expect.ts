import { erlangB, loadFor, portsFor, sharedPorts } from "./erlang.js";
import { meanHold } from "./hold.js";
import { type PortRules, groupOf, holdOf } from "./rules.js";
import { type Protocol, type Stream, destinationShares } from "./workload.js";

/** What one pool's ports are offered towards one destination (or one group of them that shares ports, as with UDP). */
export interface DestinationLoad {
  readonly destination: string;
  readonly protocol: Protocol;
  /** Erlangs: connections per second times the mean time that each holds its port. */
  readonly load: number;
}

/** The load of `pods` pods with these streams towards each destination under the rules. Rate profiles are left out. */
export const destinationLoads = (
  streams: readonly Stream[],
  pods: number,
  rules: PortRules,
): readonly DestinationLoad[] => {
  const loads = new Map<string, DestinationLoad>();
  for (const stream of streams) {
    const total = pods * stream.rate * meanHold(holdOf(stream, rules));
    destinationShares(stream.to).forEach((share, i) => {
      const destination = groupOf(stream.to, i, rules);
      loads.set(destination, {
        destination,
        protocol: stream.to.protocol,
        load: (loads.get(destination)?.load ?? 0) + total * share,
      });
    });
  }
  return [...loads.values()];
};

/** What Erlang's formula expects of one pool. */
export interface PoolExpectation {
  readonly loads: readonly DestinationLoad[];
  /** Of all connections, the share that fails. */
  readonly failure: number;
  /** The same towards the destination where it is highest. */
  readonly worst: number;
  /** Mean TCP ports that serve at least one destination. */
  readonly meanInUse: number;
  /** By how much every rate could grow until the target is missed: 1 is now, 2 twice as much. Infinite without load. */
  readonly growth: number;
}

/** Connections that a pool can hold towards one destination. */
export const perDestination = (rules: PortRules): number => Math.min(rules.ports, rules.connectionsPerDestination);

/**
 * The failure probability that a pool of ports will show, for connections that arrive at random at a steady rate.
 * Exact for each destination (see {@link sharedPorts}) unless the pool's limit on all connections together comes first:
 * then the share above that limit is taken, which is too low by what chance adds.
 * @param pods pods that use the pool: a node's, or all behind a NAT gateway
 * @param target the failure probability that is still good enough
 */
export const expectPool = (
  streams: readonly Stream[],
  pods: number,
  rules: PortRules,
  target: number,
): PoolExpectation => {
  const loads = destinationLoads(streams, pods, rules);
  const capacity = perDestination(rules);
  const failures = loads.map(({ load }) => erlangB(load, capacity));
  const total = loads.reduce((sum, { load }) => sum + load, 0);
  const lost = loads.reduce((sum, { load }, i) => sum + load * failures[i]!, 0);
  const aboveLimit = Math.max(0, 1 - rules.connections / Math.max(total, 1e-300));
  const fits = loadFor(capacity, target);
  const tcp = loads.filter(({ protocol }) => protocol === "tcp").map(({ load }) => load);
  return {
    loads,
    failure: Math.max(total === 0 ? 0 : lost / total, aboveLimit),
    worst: Math.max(0, aboveLimit, ...failures),
    meanInUse: tcp.length === 0 ? 0 : sharedPorts(tcp, rules.ports, rules.choice).meanInUse,
    growth: Math.min(...loads.map(({ load }) => fits / load), rules.connections / Math.max(total, 1e-300)),
  };
};

/** The fewest ports per destination with which no destination misses the target; undefined when no pool is large enough. */
export const portsNeeded = (
  streams: readonly Stream[],
  pods: number,
  rules: PortRules,
  target: number,
): number | undefined => {
  const needed = destinationLoads(streams, pods, rules).map(({ load }) => portsFor(load, target));
  return needed.includes(undefined) ? undefined : Math.max(1, ...(needed as readonly number[]));
};
