import { listOf, within } from "../checks.js";
import { largest, smallest } from "../extremes.js";
import { erlangB, loadFor, portsFor, sharedPorts } from "./erlang.js";
import { meanHold, meanOpen } from "./hold.js";
import { type PortRules, checkRules, groupOf, holdOf } from "./portRules.js";
import { type Protocol, type Stream, checkStream, destinationShares } from "./workload.js";

/** What one pool's ports are offered towards one destination (or one group of them that shares ports, as with UDP). */
export interface DestinationLoad {
  readonly destination: string;
  readonly protocol: Protocol;
  /** Erlangs: connections per second times the mean time that each holds its port. */
  readonly load: number;
  /** The same with the time that each is open. */
  readonly open: number;
}

/** The load of `pods` pods with these streams towards each destination under the rules. Rate profiles are left out. */
export const destinationLoads = (
  streams: readonly Stream[],
  pods: number,
  rules: PortRules,
): readonly DestinationLoad[] => {
  within("pods", pods, pods >= 0 && pods < Infinity, "a number of pods, 0 or more");
  checkRules(rules);
  const loads = new Map<string, DestinationLoad>();
  for (const [index, stream] of listOf("streams", streams, "what each pod connects to").entries()) {
    checkStream(stream, `streams[${index}]`);
    const hold = holdOf(stream, rules);
    const rate = pods * stream.rate;
    destinationShares(stream.to).forEach((share, i) => {
      const destination = groupOf(stream.to, i, rules);
      loads.set(destination, {
        destination,
        protocol: stream.to.protocol,
        load: (loads.get(destination)?.load ?? 0) + rate * meanHold(hold) * share,
        open: (loads.get(destination)?.open ?? 0) + rate * meanOpen(hold) * share,
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

/** Ports that a pool can hold towards one destination. */
export const perDestination = ({ ports, counted, connectionsPerDestination }: PortRules): number =>
  counted === "open" ? ports : Math.min(ports, connectionsPerDestination);

/** Connections that it can have open towards one destination, where that is less than the ports. */
const openPerDestination = ({ ports, counted, connectionsPerDestination }: PortRules): number | undefined =>
  counted === "open" && connectionsPerDestination < ports ? connectionsPerDestination : undefined;

/**
 * The failure probability that a pool of ports will show, for connections that arrive at random at a steady rate.
 * Exact for each destination (see {@link sharedPorts}) unless the pool's limit on all connections together comes first:
 * then the share above that limit is taken, which is too low by what chance adds. Where both ports and open connections are
 * limited, the tighter of the two decides: near the point where they are alike a little too low.
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
  const openCapacity = openPerDestination(rules);
  const failures = loads.map(({ load, open }) =>
    Math.max(erlangB(load, capacity), openCapacity === undefined ? 0 : erlangB(open, openCapacity)),
  );
  const total = loads.reduce((sum, { load }) => sum + load, 0);
  const lost = loads.reduce((sum, { load }, i) => sum + load * failures[i]!, 0);
  const aboveLimit = Math.max(0, 1 - rules.connections / Math.max(total, 1e-300));
  const fits = loadFor(capacity, target);
  const openFits = openCapacity === undefined ? Infinity : loadFor(openCapacity, target);
  const tcp = loads.filter(({ protocol }) => protocol === "tcp").map(({ load }) => load);
  return {
    loads,
    failure: Math.max(total === 0 ? 0 : lost / total, aboveLimit),
    worst: Math.max(0, aboveLimit, largest(failures)),
    meanInUse: tcp.length === 0 ? 0 : sharedPorts(tcp, rules.ports, rules.choice).meanInUse,
    growth: Math.min(
      smallest(loads.map(({ load, open }) => Math.min(fits / load, openFits / open))),
      rules.connections / Math.max(total, 1e-300),
    ),
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
  return needed.includes(undefined) ? undefined : Math.max(1, largest(needed as readonly number[]));
};
