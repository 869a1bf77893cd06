import { InputError } from "../errors.js";
import { oneOf } from "../shape.js";
import { wholeNumber, withFields } from "../checks.js";
import { type Tier, figures } from "../figures.js";
import { type Era, eras, newestEra } from "./era.js";
import {
  type CountedNodes,
  type NodeCount,
  type Surge,
  allNodes,
  checkSurge,
  countNodes,
  defaultSurge,
} from "./surge.js";

/** The load balancer's SKU. */
export type Sku = "Basic" | "Standard";

/** What decides how many SNAT ports each node has on a load balancer. */
export interface SnatQuestion {
  readonly sku: Sku;
  /** Machines in the backend pool, 1 or more; those of each node pool where there are several. Where the cluster autoscaler runs, Azure counts a pool's maxCount. */
  readonly nodes: NodeCount;
  /** Frontend addresses for outbound flows, 1 or more. Basic uses one of them. */
  readonly frontends: number;
  /** Standard only: allocatedOutboundPorts, a multiple of 8 from 0 to 64,000; 0 or left out: the default table. */
  readonly allocated?: number;
  /** maxSurge, for every pool: Azure counts what it adds when it checks `allocated`. Default: the era's, 10 % or one node. */
  readonly surge?: Surge;
  readonly era?: Era;
}

/** Ports per node, TCP and UDP each, or why there are none. */
export type SnatPorts = {
  /** What decided it, in a line: the tier and the era's documents, or the nodes counted and the surge in force. */
  readonly basis: string;
} & (
  | { readonly kind: "default"; readonly perNode: number; readonly tier: Tier; readonly capacity: number }
  | {
      readonly kind: "allocated";
      readonly perNode: number;
      readonly needed: number;
      readonly capacity: number;
      readonly counted: CountedNodes;
    }
  /** `reason` begins with Azure's own words, and ends with the nodes counted. */
  | {
      readonly kind: "rejected";
      readonly because: "over-capacity";
      readonly needed: number;
      readonly capacity: number;
      readonly counted: CountedNodes;
      readonly reason: string;
    }
  /** The default table ends at 1,000 machines, a Basic load balancer's pool at 300. */
  | { readonly kind: "rejected"; readonly because: "pool-too-large"; readonly reason: string }
);

const { basicPool, defaultPorts, portsPerFrontend, portBlock, defaultCeiling } = figures.loadBalancer;
const anyCount = { least: 1, most: Number.POSITIVE_INFINITY };

/** The row of the default table for a pool of `nodes` machines; undefined beyond its end, 1,000. */
export const snatTier = (nodes: number): Tier | undefined =>
  defaultPorts.value.find(tier => nodes >= tier.least && nodes <= tier.most);

/** Checks allocatedOutboundPorts: 0 to 64,000, a multiple of 8. @throws InputError otherwise */
export const checkAllocatedPorts = (ports: number, where = "allocatedOutboundPorts"): number => {
  wholeNumber(where, ports, figures.aks.allocatedOutboundPorts.value, "ports");
  if (ports % portBlock.value !== 0) {
    const below = ports - (ports % portBlock.value);
    throw new InputError({
      where,
      value: ports,
      problem: `is not a multiple of ${portBlock.value}, the block that ports are given out in`,
      expected: `${below} or ${below + portBlock.value}`,
    });
  }
  return ports;
};

const usedFrontends = (sku: Sku, frontends: number): number => (sku === "Basic" ? 1 : frontends);

const byDefault = (tier: Tier, frontends: number, era: Era): number =>
  era === newestEra ? Math.min(tier.ports * frontends, defaultCeiling.value) : tier.ports * frontends;

/** How the ports of several addresses add up, where there are several. */
const several = (sku: Sku, frontends: number, era: Era): string => {
  if (frontends === 1) return "";
  if (sku === "Basic") return `, one of ${frontends} addresses in use`;
  const ceiling = era === newestEra ? `, ${defaultCeiling.value} ports at most` : "";
  return `, ${frontends} addresses${ceiling}`;
};

const byRule = (counted: CountedNodes, frontends: number, ports: number): SnatPorts => {
  const needed = counted.total * ports;
  const capacity = frontends * portsPerFrontend.value;
  const basis = `${ports} ports allocated to each of ${counted.total} nodes (${counted.says})`;
  if (needed <= capacity) return { kind: "allocated", perNode: ports, needed, capacity, counted, basis };
  return {
    kind: "rejected",
    because: "over-capacity",
    needed,
    capacity,
    counted,
    basis,
    reason: `Total node count ${counted.total} requires ${needed} ports but only ${capacity} ports are available given ${frontends} outbound public IPs (${counted.says})`,
  };
};

/**
 * The SNAT ports that each node gets from its load balancer.
 * Sources: the default table and the eras, azure-docs load-balancer-outbound-connections.md of 2018 to 2023;
 * the check of a manual number, azure-docs outbound-rules.md and AKS's own refusal, which counts surge nodes (Azure/azure-cli#22374).
 * @throws InputError for a number out of range, or allocated ports with Basic
 */
export const snatPorts = (question: SnatQuestion): SnatPorts => {
  const {
    sku,
    nodes,
    frontends,
    allocated = 0,
    era = newestEra,
  } = withFields("question", question, "sku, nodes, frontends");
  oneOf("era", ...eras)(era, "era");
  const { surge = defaultSurge(era) } = question;
  oneOf("load balancer SKU", "Basic", "Standard")(sku, "sku");
  const total = allNodes(nodes);
  wholeNumber("frontends", frontends, anyCount, "frontends");
  checkSurge(surge);
  checkAllocatedPorts(allocated, "allocated");
  if (allocated > 0 && sku === "Basic")
    throw new InputError({
      where: "allocated",
      value: allocated,
      problem: "needs an outbound rule, which a Basic load balancer does not have",
      expected: "0 with Basic, or sku Standard",
    });
  if (sku === "Basic" && total > basicPool.value)
    return {
      kind: "rejected",
      because: "pool-too-large",
      basis: basicPool.source,
      reason: `a Basic load balancer's pool is one availability set of ${basicPool.value} nodes at most and this one has ${total}`,
    };
  if (allocated > 0) return byRule(countNodes(nodes, surge), frontends, allocated);
  const tier = snatTier(total);
  if (tier === undefined)
    return {
      kind: "rejected",
      because: "pool-too-large",
      basis: defaultPorts.source,
      reason: `the default table of ports ends at ${defaultPorts.value.at(-1)!.most} nodes and the pool has ${total}`,
    };
  const used = usedFrontends(sku, frontends);
  const perNode = byDefault(tier, used, era);
  return {
    kind: "default",
    perNode,
    tier,
    capacity: used * portsPerFrontend.value,
    basis: `default table, ${tier.least} to ${tier.most} nodes${several(sku, frontends, era)}; documents of ${era}`,
  };
};

/**
 * The most nodes, surge nodes counted, that can have `ports` each from `ips` outbound addresses: 64,000 / ports x ips, rounded down.
 * Source: azure-aks-docs configure-load-balancer-standard.md (2026-08).
 * @param ports a multiple of 8 from 8 to 64,000
 * @param ips 1-100
 */
export const maxNodes = (ports: number, ips: number): number => {
  wholeNumber("ips", ips, figures.aks.outboundIps.value, "outbound addresses");
  wholeNumber("ports", ports, { least: portBlock.value, most: figures.aks.allocatedOutboundPorts.value.most }, "ports");
  return Math.floor((portsPerFrontend.value * ips) / checkAllocatedPorts(ports, "ports"));
};
