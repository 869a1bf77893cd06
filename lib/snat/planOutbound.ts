import { InputError, refuse } from "../errors.js";
import { listOf, wholeNumber, withFields } from "../checks.js";
import { figures } from "../figures.js";
import type { Era } from "../azure/era.js";
import { contradiction, reading } from "../azure/ledger.js";
import { type Sku, snatPorts } from "../azure/snat.js";
import { type CountedNodes, type NodeCount, type Surge, allNodes, countNodes, defaultSurge } from "../azure/surge.js";
import { oneOf } from "../shape.js";
import { type PlanNames, type PlaceNames, checkNames, commandLines } from "./planCommands.js";
import { loadFor, mappingsLost } from "./erlang.js";
import { type DestinationLoad, type PoolExpectation, expectPool, perDestination, portsNeeded } from "./expect.js";
import { meanDuration, meanHold } from "./hold.js";
import { type PortRules, holdOf, loadBalancerRules, natGatewayRules } from "./portRules.js";
import { type Stream, checkStream } from "./workload.js";

/** What a cluster's virtual machines are grouped in. */
export type VmSetType = "VirtualMachineScaleSets" | "AvailabilitySet" | "VirtualMachines";

/** The virtual network that a cluster is in. */
export type PlanVnet = "managed" | PlaceNames;

/** What is to be planned for: the cluster, its traffic, and how often a connection may fail. */
export interface PlanQuestion extends PlanNames {
  /** Nodes now, and the most that the cluster will be scaled to; those of each node pool where there are several. */
  readonly nodes: NodeCount;
  readonly maxNodes: NodeCount;
  /** maxSurge of every pool: what an upgrade adds for a while. Default: the era's, 10 % of each pool today, one node before. */
  readonly surge?: Surge;
  readonly podsPerNode: number;
  /** What each pod connects to. Rate profiles are left out: give the rates of the busiest hour. */
  readonly streams: readonly Stream[];
  /** The share of connections that may fail, towards the destination where most do. Above 0, below 1. */
  readonly target: number;
  readonly era?: Era;
  /** 4-120. Default 30 with a load balancer, 4 with a NAT gateway. */
  readonly idleTimeoutMinutes?: number;
  /** `managed`, made by AKS (default), or one's own, with its names for the commands: `{ name: "vnet", subnet: "nodes" }`, or `{}`. */
  readonly vnet?: PlanVnet;
  /** The load balancer's SKU now. Default Standard. */
  readonly sku?: Sku;
  /** Default VirtualMachineScaleSets. */
  readonly vmSetType?: VmSetType;
}

/** The ways that are compared. */
export type PlanName =
  "basic" | "basic-to-standard" | "standard-default" | "standard-allocated" | "nat-gateway" | "fewer-connections";

/** What a plan does on the way, each in a sentence. */
export interface PlanEffects {
  /** Which public addresses change. */
  readonly addresses: string;
  /** Which open connections are lost. */
  readonly connections: string;
  /** Whether there is a way back. */
  readonly wayBack: string;
}

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

/** One way to give a cluster its outbound ports: whether it suffices, what it costs, how it is set up. */
export interface Plan {
  readonly name: PlanName;
  readonly title: string;
  /** Whether the target is met now and at most nodes, surge included, and Azure accepts it. */
  readonly fits: boolean;
  /** One sentence: why it fits, or why not. */
  readonly why: string;
  /** In a line: the documents and figures that its setup rests on. Absent where it has none. */
  readonly basis?: string;
  /** Absent when Azure does not offer it at that size. */
  readonly now?: PlannedSetup;
  readonly atMost?: PlannedSetup;
  /** What must be carried out before: the migration from a Basic load balancer. */
  readonly after?: PlanName;
  /** The `az` commands that set it, in order, for a POSIX shell; none where there is nothing to set. */
  readonly commands: readonly string[];
  readonly effects: PlanEffects;
  /** What breaks, or changes, when the cluster grows. */
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

const surgeOf = ({ era, surge = defaultSurge(era) }: PlanQuestion): Surge => surge;

/** The most nodes there will be, as Azure counts them. */
const largest = (question: PlanQuestion): CountedNodes => countNodes(question.maxNodes, surgeOf(question), "maxNodes");

const check = (question: PlanQuestion): void => {
  withFields("question", question, "nodes, maxNodes, podsPerNode, streams and target");
  const { streams, target, sku = "Standard", vnet = "managed" } = question;
  const atMost = figures.aks.nodes.value;
  const nodes = wholeNumber("nodes", allNodes(question.nodes, "nodes"), { least: 1, most: atMost }, "nodes");
  wholeNumber("maxNodes", allNodes(question.maxNodes, "maxNodes"), { least: nodes, most: atMost }, "nodes");
  largest(question);
  wholeNumber("podsPerNode", question.podsPerNode, { least: 1, most: figures.aks.maxPods.value.most }, "pods per node");
  oneOf("load balancer SKU", "Basic", "Standard")(sku, "sku");
  const sets = oneOf("kind of virtual machine set", "VirtualMachineScaleSets", "AvailabilitySet", "VirtualMachines");
  sets(question.vmSetType ?? "VirtualMachineScaleSets", "vmSetType");
  if (typeof vnet !== "object" || vnet === null) oneOf("virtual network", "managed")(vnet, "vnet");
  checkNames(question, vnet);
  const { basicPool } = figures.loadBalancer;
  if (sku === "Basic" && nodes > basicPool.value)
    refuse(
      "nodes",
      nodes,
      "is more than the pool of a Basic load balancer holds, one availability set",
      `at most ${basicPool.value}, or sku Standard`,
    );
  if (!(target > 0 && target < 1))
    throw new InputError({
      where: "target",
      value: target,
      problem: "is no probability",
      expected: "above 0 and below 1",
    });
  listOf("streams", streams, "what each pod connects to").forEach((stream, i) => checkStream(stream, `streams[${i}]`));
  if (!streams.some(stream => stream.rate > 0))
    throw new InputError({
      where: "streams",
      value: "no connection",
      problem: "is empty",
      expected: "a stream with a rate above 0",
    });
};

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
  nodes: NodeCount,
  ips: number,
  allocated = 0,
  sku: Sku = "Standard",
): PlannedSetup | undefined => {
  const { era, idleTimeoutMinutes } = question;
  const surge = surgeOf(question);
  const outcome = snatPorts({ sku, nodes, frontends: ips, allocated, surge, ...(era === undefined ? {} : { era }) });
  if (outcome.kind === "rejected") return undefined;
  const rules = loadBalancerRules({
    sku,
    nodes,
    outboundIps: ips,
    allocatedOutboundPorts: allocated,
    surge,
    ...(era === undefined ? {} : { era }),
    ...(idleTimeoutMinutes === undefined ? {} : { idleTimeoutMinutes }),
  });
  return setup(question, allNodes(nodes), ips, rules);
};

const sized = (now: PlannedSetup | undefined, atMost: PlannedSetup | undefined): Pick<Plan, "now" | "atMost"> => ({
  ...(now === undefined ? {} : { now }),
  ...(atMost === undefined ? {} : { atMost }),
});

const meets = (setups: readonly (PlannedSetup | undefined)[], target: number): boolean =>
  setups.every(each => each !== undefined && each.failure <= target);

const outcome = (setups: readonly PlannedSetup[], target: number): string => {
  const worst = setups.reduce((most, each) => (each.failure > most.failure ? each : most));
  return `${share(worst.failure)} of the connections to the busiest destination fail with ${many(worst.nodes, "node")}; the target is ${share(target)}`;
};

/** The sizes between now and most, surge included, at which the default table takes ports away from every node. */
const tierSteps = (question: PlanQuestion, ips: number, sku: Sku): readonly string[] => {
  const nodes = allNodes(question.nodes);
  const { nodes: maxNodes, total } = largest(question);
  const portsAt = (size: number): number => balancer(question, size, ips, 0, sku)?.ports ?? 0;
  const { defaultPorts, basicPool } = figures.loadBalancer;
  const last = sku === "Basic" ? basicPool.value : defaultPorts.value.at(-1)!.most;
  return [...defaultPorts.value.map(tier => tier.least).filter(least => least <= last), last + 1]
    .filter(size => size > nodes && size <= total && portsAt(size) < portsAt(size - 1))
    .map(size => {
      const bySurge = size > maxNodes ? ", which the surge nodes of an upgrade already pass," : "";
      if (size > last)
        return `from ${number(last)} nodes on${bySurge} ${sku === "Basic" ? "a Basic load balancer's pool is full" : "the default table has no ports"}`;
      return `from ${number(size - 1)} to ${number(size)} nodes${bySurge} every node falls from ${number(portsAt(size - 1))} to ${number(portsAt(size))} ports: connections on the ports taken away time out`;
    });
};

/** What stands between a Basic load balancer and the other plans. */
const afterBasic = ({ sku }: PlanQuestion): Pick<Plan, "after"> =>
  sku === "Basic" ? { after: "basic-to-standard" } : {};

const nothingChanges: PlanEffects = {
  addresses: "no address changes",
  connections: "no connection is lost",
  wayBack: "there is nothing to take back",
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
    effects: nothingChanges,
    breaks: ["of several frontend addresses only one serves outbound connections", ...tierSteps(question, 1, "Basic")],
  };
};

/** Sources: azure-aks-docs upgrade-basic-load-balancer-on-aks.md (2025-08), availability-sets-on-aks.md (2025-06). */
const basicToStandard = (question: PlanQuestion): Plan => {
  const sets = question.vmSetType === "AvailabilitySet";
  return {
    name: "basic-to-standard",
    title: sets
      ? "Migration: Basic load balancer and availability sets to a Standard one and virtual machine node pools"
      : "Migration: Basic load balancer to a Standard one",
    fits: false,
    why: `the way to every other option, and a migration of its own: Kubernetes 1.27 or later, admission webhooks and a private key vault's KMS off meanwhile${sets ? "; both are changed at once" : ""}`,
    ...sized(balancer(question, question.nodes, 1), balancer(question, question.maxNodes, 1)),
    commands: commandLines.basicToStandard(question, sets),
    effects: {
      addresses:
        "Services keep their addresses; outbound connections get new ones: whoever allows the old must learn the new",
      connections: "the cluster is down for a while: all open connections are lost",
      wayBack: "none: once begun it cannot be rolled back",
    },
    breaks: tierSteps(question, 1, "Standard"),
  };
};

const standardDefault = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, target } = question;
  const sizes: readonly NodeCount[] = [nodes, maxNodes, largest(question).total];
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
    ...afterBasic(question),
    commands: commandLines.balancer(question, ips, 0),
    effects: ofPorts(ips),
    breaks: tierSteps(question, ips, "Standard"),
  };
};

/** What setting the addresses and ports of a Standard load balancer does. */
const ofPorts = (ips: number): PlanEffects => ({
  addresses:
    ips === 1
      ? "no address changes where there is one today; of several the others go"
      : `outbound connections come from ${ips} addresses: whoever allows one must learn the others`,
  connections: "where a node gets other ports, connections on those that it loses time out",
  wayBack: "the same command with the old numbers",
});

const standardAllocated = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, podsPerNode, streams, target } = question;
  const { portBlock, portsPerFrontend } = figures.loadBalancer;
  const base = balancer(question, 1, 1)!.rules;
  const needed = portsNeeded(streams, podsPerNode, base, target);
  const ports = needed === undefined ? Infinity : Math.ceil(needed / portBlock.value) * portBlock.value;
  const { total, says } = largest(question);
  const ips = Math.ceil((total * ports) / portsPerFrontend.value);
  const limit = figures.aks.outboundIps.value.most;
  const plan = { name: "standard-allocated", title: "Standard load balancer, ports allocated by hand" } as const;
  const not = (why: string): Plan => ({
    ...plan,
    fits: false,
    why,
    ...afterBasic(question),
    commands: [],
    effects: nothingChanges,
    breaks: [],
  });
  if (ports > figures.aks.allocatedOutboundPorts.value.most)
    return not(
      `each node needs ${ports === Infinity ? "more ports than any pool has" : `${number(ports)} ports`}, and can have ${number(figures.aks.allocatedOutboundPorts.value.most)}`,
    );
  if (ips > limit)
    return not(
      `${many(total, "node")} (${says}) x ${number(ports)} ports need ${many(ips, "outbound address")}, and a cluster can have ${limit}`,
    );
  const capacity = Math.floor((portsPerFrontend.value * ips) / ports);
  return {
    ...plan,
    fits: true,
    why: `${number(ports)} ports per node are enough: ${outcome([balancer(question, nodes, ips, ports)!], target)}`,
    ...sized(balancer(question, nodes, ips, ports), balancer(question, maxNodes, ips, ports)),
    ...afterBasic(question),
    commands: commandLines.balancer(question, ips, ports),
    effects: ofPorts(ips),
    breaks: [
      `${many(ips, "address")} ${ips === 1 ? "holds" : "hold"} ${many(capacity, "node")}, surge nodes counted: from ${number(capacity + 1)} on scaling or upgrading is refused (${total} are counted: ${says})`,
    ],
  };
};

const natGateway = (question: PlanQuestion): Plan => {
  const { nodes, target, idleTimeoutMinutes, vnet = "managed", vmSetType = "VirtualMachineScaleSets" } = question;
  const { least, most } = figures.natGateway.addresses.value;
  const at = (size: number, ips: number) =>
    setup(
      question,
      size,
      ips,
      natGatewayRules({ ips, ...(idleTimeoutMinutes === undefined ? {} : { idleTimeoutMinutes }) }),
    );
  const { nodes: maxNodes, total } = largest(question);
  let ips = least;
  while (ips < most && at(total, ips).failure > target) ips++;
  const worst = at(total, ips);
  const plan = { name: "nat-gateway", now: at(allNodes(nodes), ips), atMost: at(maxNodes, ips) } as const;
  const title = vnet === "managed" ? "NAT gateway, managed by AKS" : "NAT gateway of one's own";
  if (vmSetType !== "VirtualMachineScaleSets")
    return {
      ...plan,
      title,
      fits: false,
      why: `an outbound type is set only on clusters of virtual machine scale sets with a Standard load balancer, and these are ${vmSetType === "AvailabilitySet" ? "availability sets" : "virtual machine node pools"} (azure-aks-docs egress-outboundtype.md, 2026-08): it takes a new cluster`,
      commands: [],
      effects: nothingChanges,
      breaks: [],
    };
  const wayBack = reading("leaveManagedNatGateway", contradiction("leaveManagedNatGateway").default).says;
  return {
    ...plan,
    title,
    fits: worst.failure <= target,
    why: outcome([worst], target),
    ...afterBasic(question),
    commands: commandLines.natGateway(question, vnet, ips),
    effects: {
      addresses: "outbound connections get other public addresses: whoever allows the old ones must learn the new ones",
      connections: "connections that are open during the change are cut",
      wayBack:
        vnet === "managed"
          ? `${wayBack} (documents disagree: take it that there is none)`
          : "az aks update --outbound-type loadBalancer, which changes the addresses again",
    },
    breaks: [],
  };
};

const fewerConnections = (question: PlanQuestion): Plan => {
  const { nodes, maxNodes, streams, target, sku } = question;
  const now = balancer(question, nodes, 1, 0, sku);
  const atMost = balancer(question, maxNodes, 1, 0, sku);
  const plan = {
    name: "fewer-connections",
    title: "Fewer connections on the default table: keep-alive, pooling",
    commands: [],
    effects: nothingChanges,
    breaks: [],
  } as const;
  if (atMost === undefined)
    return {
      ...plan,
      fits: false,
      why: `the default table has no ports for ${many(allNodes(maxNodes), "node")}`,
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
 * largest size, what sets it, and what changes address, loses connections or cannot be taken back on the way.
 * From a Basic load balancer the way to all others is a migration, a plan of its own. The failure probabilities are Erlang's, for
 * steady rates; `basis` says in a line what they rest on.
 * Sources of the commands and of what they need: azure-aks-docs egress-outboundtype.md (2026-08), nat-gateway.md (2026-07).
 * @throws InputError for a question that has no sense, or a Basic load balancer with more than 300 nodes
 */
export const planOutbound = (question: PlanQuestion): readonly Plan[] => {
  check(question);
  const migration = question.sku === "Basic" ? [basicToStandard] : [];
  const options = [basic, ...migration, standardDefault, standardAllocated, natGateway, fewerConnections];
  return options.map(option => {
    const plan = option(question);
    const basis = (plan.atMost ?? plan.now)?.rules.basis;
    return basis === undefined ? plan : { ...plan, basis };
  });
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
  for (const change of portChange(before, after)) changes.push(change);
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
