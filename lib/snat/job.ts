import { checkSeed, wholeNumber, withFields, within } from "../checks.js";
import { InputError } from "../errors.js";
import { largest } from "../extremes.js";
import { oneOf } from "../shape.js";
import { subseed } from "../random.js";
import type { PortChoice } from "./erlang.js";
import { type Hold, meanHold } from "./hold.js";
import { type PortRules, checkRules, groupOf, holdOf } from "./portRules.js";
import {
  type PodLoad,
  type Protocol,
  type RateStep,
  type Stream,
  type Workload,
  destinationShares,
} from "./workload.js";

/*
 * A workload and rules, worked out into what the engine runs: plain data, so that a worker thread can be handed it.
 * A pool is what shares ports: a node, or all nodes behind a NAT gateway, each time for TCP or for UDP.
 */

/** A stream as the engine sees it. */
export interface JobStream {
  readonly rate: number;
  readonly profile: readonly RateStep[];
  readonly hold: Hold;
  /** The groups of its destinations, by number, and the share of its connections that goes to each. */
  readonly groups: readonly number[];
  readonly shares: readonly number[];
}

export interface JobPool {
  readonly name: string;
  readonly protocol: Protocol;
  /** The pods that use it, and the node and streams (by number) of each. */
  readonly pods: readonly { readonly name: string; readonly node: string; readonly streams: readonly number[] }[];
  /** The groups that it is used towards, numbered from 0 within the pool: their names. */
  readonly groups: readonly string[];
  /** The number in the pool of each group of the job; -1 when it is not used. */
  readonly groupIndex: readonly number[];
}

/** Other ports from some moment on. Those that a connection holds and that are not among them any more are taken away from it. */
export interface JobChange {
  /** Seconds. */
  readonly at: number;
  /** The lowest port that there is afterwards, where the lowest before is 0. */
  readonly firstPort: number;
  readonly ports: number;
  readonly perGroup: number;
  readonly openPerGroup: number;
}

export interface Job {
  readonly ports: number;
  /** Connections of a group that may hold a port, and that may be open: Infinity where it is the ports that are counted. */
  readonly perGroup: number;
  readonly openPerGroup: number;
  readonly perPool: number;
  readonly choice: PortChoice;
  readonly streams: readonly JobStream[];
  readonly pools: readonly JobPool[];
  readonly seed: number;
  /** Seconds simulated before time 0, not measured. */
  readonly warmUp: number;
  /** Seconds measured. */
  readonly seconds: number;
  /** Equal parts of the time measured, each with its own statistics. */
  readonly buckets: number;
  readonly change?: JobChange;
}

export interface Timing {
  readonly seconds: number;
  readonly warmUp?: number;
  readonly buckets: number;
  readonly seed: number;
}

/** Numbers for things, in the order of their first mention. */
const numbering = <Key>() => {
  const numbers = new Map<Key, number>();
  return {
    of(key: Key): number {
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, numbers.size);
      return numbers.size - 1;
    },
    keys: () => [...numbers.keys()],
  };
};

/** Ten of the longest mean holds, so that the pools are as full at time 0 as they stay. */
const defaultWarmUp = (streams: readonly JobStream[]): number =>
  10 * largest(streams.map(stream => meanHold(stream.hold)));

/** Which of a pool's ports stay when it has fewer. */
export type KeptPorts = "lowest" | "highest";

/** New rules in the midst of a simulation. */
export interface RulesChange {
  /** When they come into force, in seconds: above 0, before the end. */
  readonly at: number;
  /** They may differ in the number of ports only. */
  readonly rules: PortRules;
  /**
   * Which ports stay when there are fewer; Azure does not tell. Default `lowest`, by which the fewest connections lose theirs
   * where the lowest free port is taken first; `highest` is the other extreme.
   */
  readonly keeps?: KeptPorts;
}

const groupLimits = ({
  ports,
  connectionsPerDestination,
  counted,
}: PortRules): Pick<Job, "perGroup" | "openPerGroup"> =>
  counted === "open"
    ? { perGroup: ports, openPerGroup: connectionsPerDestination }
    : { perGroup: connectionsPerDestination, openPerGroup: Infinity };

const jobChange = ({ at, rules, keeps = "lowest" }: RulesChange, before: PortRules): JobChange => ({
  at,
  firstPort: keeps === "highest" ? Math.max(0, before.ports - rules.ports) : 0,
  ports: rules.ports,
  ...groupLimits(rules),
});

/** What of the rules a change of them may not touch. */
const lasting = ({ kind, pool, choice, udpPortPer, counted, connections, idle, after }: PortRules) => ({
  kind,
  pool,
  choice,
  udpPortPer,
  counted,
  connections: `${connections}`,
  "idle.tcp": idle.tcp,
  "idle.udp": idle.udp,
  "after.fin": after.fin,
  "after.rst": after.rst,
  "after.udp": after.udp,
});

/** @throws InputError for a change out of time, or one of more than the ports */
export const checkChange = (change: RulesChange, before: PortRules, seconds: number): void => {
  const { at, rules, keeps = "lowest" } = withFields("change", change, "at and rules");
  if (!(at > 0 && at < seconds))
    throw new InputError({
      where: "change.at",
      value: at,
      problem: "is not within the time simulated",
      expected: `seconds above 0 and below ${seconds}`,
    });
  oneOf("choice of ports", "lowest", "highest")(keeps, "change.keeps");
  checkRules(rules, "change.rules");
  const now = lasting(rules);
  for (const [name, value] of Object.entries(lasting(before)))
    if (now[name as keyof typeof now] !== value)
      throw new InputError({
        where: `change.rules.${name}`,
        value: now[name as keyof typeof now],
        problem: "is not what it was before the change, which may be of ports only",
        expected: `${value}`,
      });
};

export const compileJob = (workload: Workload, rules: PortRules, timing: Timing, change?: RulesChange): Job => {
  const groups = numbering<string>();
  const numbers = new Map<Stream, number>();
  const streams: JobStream[] = [];
  const protocolOf: Protocol[] = [];
  const numberOf = (stream: Stream): number => {
    const known = numbers.get(stream);
    if (known !== undefined) return known;
    const shares = destinationShares(stream.to);
    numbers.set(stream, streams.length);
    protocolOf.push(stream.to.protocol);
    return (
      streams.push({
        rate: stream.rate,
        profile: stream.profile ?? [],
        hold: holdOf(stream, rules),
        groups: shares.map((_, i) => groups.of(groupOf(stream.to, i, rules))),
        shares,
      }) - 1
    );
  };
  const shared = rules.pool === "shared";
  const members = workload.nodes.map(node => ({
    name: node.name,
    pods: node.pods.map(pod => ({ pod, node: node.name })),
  }));
  const pooled = shared ? [{ name: rules.title, pods: members.flatMap(member => member.pods) }] : members;
  const numbered = new Map<readonly Stream[], readonly number[]>();
  const streamsOf = (pod: PodLoad): readonly number[] => {
    const known = numbered.get(pod.streams) ?? pod.streams.map(numberOf);
    numbered.set(pod.streams, known);
    return known;
  };
  const drafts = pooled.map(({ name, pods }) => ({
    name,
    pods: pods.map(({ pod, node }) => ({ name: pod.name, node, streams: streamsOf(pod) })),
  }));
  const names = groups.keys();
  const pools = drafts.flatMap(({ name, pods }) =>
    (["tcp", "udp"] as const).flatMap((protocol): JobPool[] => {
      const own = pods
        .map(pod => ({ ...pod, streams: pod.streams.filter(stream => protocolOf[stream] === protocol) }))
        .filter(pod => pod.streams.length > 0);
      if (own.length === 0) return [];
      const local = numbering<number>();
      for (const stream of new Set(own.flatMap(pod => pod.streams)))
        streams[stream]!.groups.forEach(group => local.of(group));
      const used = local.keys();
      const groupIndex = names.map(() => -1);
      used.forEach((group, i) => (groupIndex[group] = i));
      return [{ name, protocol, pods: own, groups: used.map(group => names[group]!), groupIndex }];
    }),
  );
  return {
    ports: rules.ports,
    ...groupLimits(rules),
    perPool: rules.connections,
    choice: rules.choice,
    streams,
    pools,
    seed: timing.seed,
    warmUp: timing.warmUp ?? defaultWarmUp(streams),
    seconds: timing.seconds,
    buckets: timing.buckets,
    ...(change === undefined ? {} : { change: jobChange(change, rules) }),
  };
};

/** Seconds, to measure or to run before: three years. */
export const timeAtMost = 1e8;

/** @throws InputError for a time that is no time */
export const checkTiming = ({ seconds, warmUp, buckets, seed }: Timing): void => {
  within("seconds", seconds, seconds > 0 && seconds <= timeAtMost, "above 0, at most 100,000,000");
  if (warmUp !== undefined) within("warmUp", warmUp, warmUp >= 0 && warmUp <= timeAtMost, "seconds, 0 to 100,000,000");
  wholeNumber("buckets", buckets, { least: 1, most: 100_000 }, "buckets");
  checkSeed("seed", seed);
};

/** The seed of one pool in one replication: it depends on neither the other pools nor on who runs it. */
export const seedOf = (job: Job, pool: number, replication: number): number =>
  subseed(job.seed, `pool ${pool} replication ${replication}`);
