import { InputError } from "../errors.js";
import { wholeNumber } from "../checks.js";
import { figures } from "../figures.js";
import { type Era, type Sku, snatPorts } from "../azure/snat.js";
import { loadFor, mappingsLost } from "./erlang.js";
import { type DestinationLoad, type PoolExpectation, expectPool, perDestination, portsNeeded } from "./expect.js";
import { meanDuration, meanHold } from "./hold.js";
import { type PortRules, holdOf, loadBalancerRules, natGatewayRules } from "./rules.js";
import { type Stream, checkStream } from "./workload.js";

export interface PlanQuestion {
  /** Nodes now, and the most that the pool will be scaled to. */
  readonly nodes: number;
  readonly maxNodes: number;
  /** Nodes that an upgrade adds for a while. Default 1. */
  readonly surge?: number;
  readonly podsPerNode: number;
  /** What each pod connects to. Rate profiles are left out: give the rates of the busiest hour. */
  readonly streams: readonly Stream[];
  /** The share of connections that may fail, towards the destination where most do. Above 0, below 1. */
  readonly target: number;
  readonly era?: Era;
  /** 4-120. Default 30 with a load balancer, 4 with a NAT gateway. */
  readonly idleTimeoutMinutes?: number;
  /** For the commands. */
  readonly resourceGroup?: string;
  readonly cluster?: string;
}

export type PlanName = "basic" | "standard-default" | "standard-allocated" | "nat-gateway" | "fewer-connections";

/** An option at one size of the cluster. */
export interface PlannedSetup {
  readonly nodes: number;
  /** Each node's own ports; with a NAT gateway the pool that all share. */
  readonly ports: number;
  readonly shared: boolean;
  readonly ips: number;
  readonly rules: PortRules;
  /** The failure probability that is expected towards the worst destination, and of all connections together. */
  readonly failure: number;
  readonly overall: number;
  /** Mean ports in use, of a node or of the gateway. */
  readonly meanInUse: number;
  /** What the ports are offered, by destination. */
  readonly loads: readonly DestinationLoad[];
  /** How many times as many connections would still meet the target; below 1 it is missed. */
  readonly headroom: number;
}

export interface Plan {
  readonly name: PlanName;
  readonly title: string;
  /** Whether the target is met now and at most nodes, surge included, and Azure accepts it. */
  readonly fits: boolean;
  /** One sentence: why it fits, or why not. */
  readonly why: string;
  /** Absent when Azure does not offer it at that size. */
  readonly now?: PlannedSetup;
  readonly atMost?: PlannedSetup;
  /** The `az` commands that set it; none where there is nothing to set. */
  readonly commands: readonly string[];
  /** What breaks, or changes, on the way there and when the cluster grows. */
  readonly breaks: readonly string[];
  /** `fewer-connections` only: what would fit the ports as they are. */
  readonly advice?: readonly Advice[];
}

/** One stream made small enough, if every stream shrinks alike. */
export interface Advice {
  readonly stream: string;
  /** Connections per second and pod, now and what fits. */
  readonly rate: number;
  readonly fittingRate: number;
  /** Requests that each connection of a kept-alive, pooled client must carry for every one today. */
  readonly requestsPerConnection: number;
  /** The mean duration that fits at the same rate, in seconds; absent when the hold after the end alone is too long. */
  readonly fittingDuration?: number;
}

const counted = new Intl.NumberFormat("en-US");
const number = (value: number): string => counted.format(value);
const many = (value: number, noun: string): string =>
  `${number(value)} ${noun}${value === 1 ? "" : noun.endsWith("ss") ? "es" : "s"}`;
const share = (value: number): string =>
  value === 0 ? "none" : value < 1e-4 ? "under 0.01 %" : `${Number((value * 100).toPrecision(2))} %`;

const check = (question: PlanQuestion): void => {
  const { streams, target } = question;
  const atMost = figures.aks.nodes.value;
  wholeNumber("nodes", question.nodes, { least: 1, most: atMost }, "nodes");
  wholeNumber("maxNodes", question.maxNodes, { least: question.nodes, most: atMost }, "nodes");
  wholeNumber("surge", surgeOf(question), { least: 0, most: atMost }, "nodes");
  wholeNumber("podsPerNode", question.podsPerNode, { least: 1, most: figures.aks.maxPods.value.most }, "pods per node");
  if (!(target > 0 && target < 1))
    throw new InputError({
      where: "target",
      value: target,
      problem: "is no probability",
      expected: "above 0 and below 1",
    });
  streams.forEach((stream, i) => checkStream(stream, `streams[${i}]`));
  if (!streams.some(stream => stream.rate > 0))
    throw new InputError({
      where: "streams",
      value: "no connection",
      problem: "is empty",
      expected: "a stream with a rate above 0",
    });
};

const surgeOf = ({ surge = figures.aks.surgeNodes.value }: PlanQuestion): number => surge;

/** An option at one size, as Erlang's formula expects it to do. */
const setup = (question: PlanQuestion, nodes: number, ips: number, rules: PortRules): PlannedSetup => {
  const shared = rules.pool === "shared";
  const pods = question.podsPerNode * (shared ? nodes : 1);
  const expected: PoolExpectation = expectPool(question.streams, pods, rules, question.target);
  return {
    nodes,
    ports: rules.ports,
    shared,
    ips,
    rules,
    failure: expected.worst,
    overall: expected.failure,
    meanInUse: expected.meanInUse,
    loads: expected.loads,
    headroom: expected.growth,
  };
};

const balancer = (
  question: PlanQuestion,
  nodes: number,
  ips: number,
  allocated = 0,
  sku: Sku = "Standard",
): PlannedSetup | undefined => {
  const { era, idleTimeoutMinutes } = question;
  const outcome = snatPorts({ sku, nodes, frontends: ips, allocated, ...(era === undefined ? {} : { era }) });
  if (outcome.kind === "rejected") return undefined;
  const rules = loadBalancerRules({
    sku,
    nodes,
    outboundIps: ips,
    allocatedOutboundPorts: allocated,
    ...(era === undefined ? {} : { era }),
    ...(idleTimeoutMinutes === undefined ? {} : { idleTimeoutMinutes }),
  });
  return setup(question, nodes, ips, rules);
};

const sized = (now: PlannedSetup | undefined, atMost: PlannedSetup | undefined): Pick<Plan, "now" | "atMost"> => ({
  ...(now === undefined ? {} : { now }),
  ...(atMost === undefined ? {} : { atMost }),
});

const meets = (setups: readonly (PlannedSetup | undefined)[], target: number): boolean =>
  setups.every(each => each !== undefined && each.failure <= target);

const update = ({ resourceGroup = "$RESOURCE_GROUP", cluster = "$CLUSTER" }: PlanQuestion, flags: string): string =>
  `az aks update --resource-group ${resourceGroup} --name ${cluster} ${flags}`;

const outcome = (setups: readonly PlannedSetup[], target: number): string => {
  const worst = setups.reduce((most, each) => (each.failure > most.failure ? each : most));
  return `${share(worst.failure)} of the connections to the busiest destination fail with ${many(worst.nodes, "node")}; the target is ${share(target)}`;
};

/** The sizes between now and most, surge included, at which the default table takes ports away from every node. */
const tierSteps = (question: PlanQuestion, ips: number, sku: Sku): readonly string[] => {
  const { nodes, maxNodes } = question;
  const portsAt = (size: number): number => balancer(question, size, ips, 0, sku)?.ports ?? 0;
  const last = figures.loadBalancer.defaultPorts.value.at(-1)!.most;
  return [...figures.loadBalancer.defaultPorts.value.map(tier => tier.least), last + 1]
    .filter(size => size > nodes && size <= maxNodes + surgeOf(question) && portsAt(size) < portsAt(size - 1))
    .map(size => {
      const bySurge = size > maxNodes ? ", which the surge nodes of an upgrade already pass," : "";
      return size > last
        ? `from ${number(last)} nodes on${bySurge} the default table has no ports`
        : `from ${number(size - 1)} to ${number(size)} nodes${bySurge} every node falls from ${number(portsAt(size - 1))} to ${number(portsAt(size))} ports: connections on the ports taken away time out`;
    });
};

const basic = (question: PlanQuestion): Plan => {
  const now = balancer(question, question.nodes, 1, 0, "Basic");
  const atMost = balancer(question, question.maxNodes, 1, 0, "Basic");
  return {
    name: "basic",
    title: "Basic load balancer",
    fits: false,
    why: "the Basic SKU was retired on 2025-09-30 (azure-docs load-balancer-basic-upgrade-guidance.md, 2026), and its ports cannot be set by hand",
    ...sized(now, atMost),
    commands: [],
    breaks: ["of several frontend addresses only one serves outbound connections", ...tierSteps(question, 1, "Basic")],
  };
};

const standardDefault = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, target } = question;
  const sizes = [...new Set([nodes, maxNodes, maxNodes + surgeOf(question)])];
  const at = (ips: number) => sizes.map(size => balancer(question, size, ips));
  const most = figures.aks.outboundIps.value.most;
  let ips = 1;
  // Under the newest era more addresses help only until the ceiling per node is reached.
  while (
    ips < most &&
    !meets(at(ips), target) &&
    at(ips + 1).some((each, i) => each !== undefined && each.ports > (at(ips)[i]?.ports ?? 0))
  )
    ips++;
  const fits = meets(at(ips), target);
  if (!fits) ips = 1;
  const setups = at(ips).filter(each => each !== undefined);
  return {
    name: "standard-default",
    title: "Standard load balancer, ports from the default table",
    fits,
    why:
      setups.length < sizes.length
        ? `the default table ends at ${number(figures.loadBalancer.defaultPorts.value.at(-1)!.most)} nodes`
        : outcome(setups, target),
    ...sized(balancer(question, nodes, ips), balancer(question, maxNodes, ips)),
    commands: [update(question, `--load-balancer-managed-outbound-ip-count ${ips} --load-balancer-outbound-ports 0`)],
    breaks: tierSteps(question, ips, "Standard"),
  };
};

const standardAllocated = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, podsPerNode, streams, target } = question;
  const { portBlock, portsPerFrontend } = figures.loadBalancer;
  const base = balancer(question, 1, 1)!.rules;
  const needed = portsNeeded(streams, podsPerNode, base, target);
  const ports = needed === undefined ? Infinity : Math.ceil(needed / portBlock.value) * portBlock.value;
  const largest = maxNodes + surgeOf(question);
  const ips = Math.ceil((largest * ports) / portsPerFrontend.value);
  const limit = figures.aks.outboundIps.value.most;
  const plan = { name: "standard-allocated", title: "Standard load balancer, ports allocated by hand" } as const;
  if (ports > figures.aks.allocatedOutboundPorts.value.most)
    return {
      ...plan,
      fits: false,
      why: `each node needs ${ports === Infinity ? "more ports than any pool has" : `${number(ports)} ports`}, and can have ${number(figures.aks.allocatedOutboundPorts.value.most)}`,
      commands: [],
      breaks: [],
    };
  if (ips > limit)
    return {
      ...plan,
      fits: false,
      why: `${many(largest, "node")} x ${number(ports)} ports need ${many(ips, "outbound address")}, and a cluster can have ${limit}`,
      commands: [],
      breaks: [],
    };
  const capacity = Math.floor((portsPerFrontend.value * ips) / ports);
  return {
    ...plan,
    fits: true,
    why: `${number(ports)} ports per node are enough: ${outcome([balancer(question, nodes, ips, ports)!], target)}`,
    ...sized(balancer(question, nodes, ips, ports), balancer(question, maxNodes, ips, ports)),
    commands: [
      update(question, `--load-balancer-managed-outbound-ip-count ${ips} --load-balancer-outbound-ports ${ports}`),
    ],
    breaks: [
      "setting it gives the nodes other ports: connections on ports that a node loses time out",
      `${many(ips, "address")} ${ips === 1 ? "holds" : "hold"} ${many(capacity, "node")}, surge nodes counted: from ${number(capacity + 1)} on scaling or upgrading is refused`,
    ],
  };
};

const natGateway = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, target, idleTimeoutMinutes } = question;
  const { least, most } = figures.natGateway.addresses.value;
  const at = (size: number, ips: number) =>
    setup(
      question,
      size,
      ips,
      natGatewayRules({ ips, ...(idleTimeoutMinutes === undefined ? {} : { idleTimeoutMinutes }) }),
    );
  const largest = maxNodes + surgeOf(question);
  let ips = least;
  while (ips < most && at(largest, ips).failure > target) ips++;
  const worst = at(largest, ips);
  return {
    name: "nat-gateway",
    title: "NAT gateway",
    fits: worst.failure <= target,
    why: outcome([worst], target),
    now: at(nodes, ips),
    atMost: at(maxNodes, ips),
    commands: [update(question, `--outbound-type managedNATGateway --nat-gateway-managed-outbound-ip-count ${ips}`)],
    breaks: [
      "outbound connections get other public addresses: whoever allows the old ones must learn the new ones",
      "connections that are open during the change are cut",
    ],
  };
};

const fewerConnections = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, streams, target } = question;
  const now = balancer(question, nodes, 1);
  const atMost = balancer(question, maxNodes, 1);
  const plan = {
    name: "fewer-connections",
    title: "Fewer connections on the default table: keep-alive, pooling",
    commands: [],
    breaks: [],
  } as const;
  if (atMost === undefined)
    return {
      ...plan,
      fits: false,
      why: `the default table has no ports for ${many(maxNodes, "node")}`,
      ...sized(now, undefined),
    };
  const { headroom, rules } = atMost;
  const advice = streams
    .filter(stream => stream.rate > 0)
    .map((stream): Advice => {
      const hold = holdOf(stream, rules);
      const duration = meanHold(hold) * headroom - (meanHold(hold) - meanDuration(stream.duration));
      return {
        stream: stream.name,
        rate: stream.rate,
        fittingRate: stream.rate * headroom,
        requestsPerConnection: Math.max(1, 1 / headroom),
        ...(duration > 0 && hold.cut === undefined ? { fittingDuration: duration } : {}),
      };
    });
  const fits = headroom >= 1;
  const carry = `${number(atMost.ports)} ports per node carry ${number(Math.floor(loadFor(perDestination(rules), target)))} erlangs to one destination`;
  return {
    ...plan,
    fits,
    why: fits
      ? `${carry}, ${headroom.toFixed(2)} times what there is`
      : `${carry}: only with ${share(headroom)} of today's connections`,
    ...sized(now, atMost),
    advice,
  };
};

/**
 * Ways to give a cluster enough SNAT ports, side by side: what each costs in addresses, how many connections fail now and at the
 * largest size, what sets it and what breaks on the way. The failure probabilities are Erlang's, for steady rates.
 * @throws InputError for a question that has no sense
 */
export const planOutbound = (question: PlanQuestion): readonly Plan[] => {
  check(question);
  return [basic, standardDefault, standardAllocated, natGateway, fewerConnections].map(option => option(question));
};

/** One thing that differs between two setups, and for which nodes. */
export interface PlanChange {
  readonly what: "nodes" | "ports" | "addresses" | "pool" | "idle timeout" | "hold after FIN" | "failures";
  readonly before: string;
  readonly after: string;
  readonly nodes: string;
  readonly consequence: string;
}

/** What is lost when ports are taken away: by Erlang's formula, over all destinations. */
const loss = ({ loads, ports, rules, shared }: PlannedSetup, after: PlannedSetup): string => {
  const withOnly = (left: number) =>
    loads.map(({ load }) => mappingsLost(load, ports, left, rules.choice, perDestination(rules)));
  const lost = withOnly(after.ports);
  const total = (values: readonly number[]): number => Math.round(values.reduce((sum, value) => sum + value, 0));
  const least = total(lost.map(each => each.least));
  const most = total(lost.map(each => each.most));
  const held = total(withOnly(0).map(each => each.most));
  const range = least === most ? number(least) : `${number(least)}-${number(most)}`;
  return `${range} of ${shared ? "the" : "a node's"} ${number(held)} mappings are lost`;
};

const portChange = (before: PlannedSetup, after: PlannedSetup): PlanChange[] => {
  if (before.shared !== after.shared)
    return [
      {
        what: "pool",
        before: before.shared ? `${number(before.ports)} for all nodes` : `${number(before.ports)} for each node`,
        after: after.shared ? `${number(after.ports)} for all nodes` : `${number(after.ports)} for each node`,
        nodes: `all ${number(after.nodes)}`,
        consequence: "open connections are cut, and public addresses change",
      },
    ];
  if (before.ports === after.ports) return [];
  return [
    {
      what: "ports",
      before: number(before.ports),
      after: number(after.ports),
      nodes: after.shared
        ? `all ${number(after.nodes)}`
        : `the ${number(Math.min(before.nodes, after.nodes))} that there are`,
      consequence: after.ports < before.ports ? loss(before, after) : "nothing breaks",
    },
  ];
};

/** A plan stands for its setup at the largest size. */
const setupOf = (side: Plan | PlannedSetup, where: string): PlannedSetup => {
  if ("rules" in side) return side;
  const found = side.atMost ?? side.now;
  if (found === undefined)
    throw new InputError({
      where,
      value: side.name,
      problem: `has no setup to compare: ${side.why}`,
      expected: "a plan that Azure offers",
    });
  return found;
};

/**
 * What changes between two plans at their largest size, or between two setups, such as a plan's `now` and `atMost`;
 * and for which nodes. Empty when nothing does.
 * @throws InputError for a plan without a setup
 */
export const compare = (planA: Plan | PlannedSetup, planB: Plan | PlannedSetup): readonly PlanChange[] => {
  const before = setupOf(planA, "planA");
  const after = setupOf(planB, "planB");
  const everyNode = `all ${number(after.nodes)}`;
  const changes: PlanChange[] = [];
  if (before.nodes !== after.nodes) {
    const added = after.nodes - before.nodes;
    changes.push({
      what: "nodes",
      before: number(before.nodes),
      after: number(after.nodes),
      nodes: added > 0 ? `${number(added)} new` : `${number(-added)} removed`,
      consequence: after.shared
        ? "the same ports for all"
        : added > 0
          ? `the new ones start with ${number(after.ports)} ports`
          : "their ports fall free",
    });
  }
  changes.push(...portChange(before, after));
  if (before.ips !== after.ips)
    changes.push({
      what: "addresses",
      before: number(before.ips),
      after: number(after.ips),
      nodes: everyNode,
      consequence: "whoever allows the cluster's addresses must know them",
    });
  const idle = [before, after].map(({ rules }) => rules.idle.tcp / 60);
  if (idle[0] !== idle[1])
    changes.push({
      what: "idle timeout",
      before: `${idle[0]} min`,
      after: `${idle[1]} min`,
      nodes: everyNode,
      consequence: "silent connections are forgotten after that time",
    });
  const fin = [before, after].map(({ rules }) => rules.after.fin);
  if (fin[0] !== fin[1])
    changes.push({
      what: "hold after FIN",
      before: `${fin[0]} s`,
      after: `${fin[1]} s`,
      nodes: everyNode,
      consequence: "ports come free that long after a connection ends",
    });
  if (before.failure !== after.failure)
    changes.push({
      what: "failures",
      before: share(before.failure),
      after: share(after.failure),
      nodes: everyNode,
      consequence: after.failure > before.failure ? "more connections fail" : "fewer connections fail",
    });
  return changes;
};
