import { InputError } from "../errors.js";
import { wholeNumber } from "../checks.js";
import { type Tier, figures } from "../figures.js";

/** The load balancer's SKU. */
export type Sku = "Basic" | "Standard";

/**
 * Which year's documentation decides what the sources disagree on: `2018` (to 2019), `2021` (to 2022), `2023` (on).
 * See `era` in the contradictions ledger.
 */
export type Era = "2018" | "2021" | "2023";

/** Every era, oldest first. */
export const eras: readonly Era[] = ["2018", "2021", "2023"];

/** The newest documented one. */
export const newestEra: Era = "2023";

export interface SnatQuestion {
  readonly sku: Sku;
  /** Machines in the backend pool, 1 or more. */
  readonly nodes: number;
  /** Frontend addresses for outbound flows, 1 or more. Basic uses one of them. */
  readonly frontends: number;
  /** Standard only: allocatedOutboundPorts, a multiple of 8 from 0 to 64,000; 0 or left out: the default table. */
  readonly allocated?: number;
  /** Nodes that an upgrade adds for a while; Azure counts them when it checks `allocated`. Default 0. */
  readonly surge?: number;
  readonly era?: Era;
}

/** Ports per node, TCP and UDP each, or why there are none. */
export type SnatPorts =
  | { readonly kind: "default"; readonly perNode: number; readonly tier: Tier; readonly capacity: number }
  | { readonly kind: "allocated"; readonly perNode: number; readonly needed: number; readonly capacity: number }
  | {
      readonly kind: "rejected";
      readonly because: "over-capacity";
      readonly needed: number;
      readonly capacity: number;
      readonly reason: string;
    }
  /** The default table ends at 1,000 machines. */
  | { readonly kind: "rejected"; readonly because: "pool-too-large"; readonly reason: string };

const { defaultPorts, portsPerFrontend, portBlock, defaultCeiling } = figures.loadBalancer;
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
  era === "2023" ? Math.min(tier.ports * frontends, defaultCeiling.value) : tier.ports * frontends;

const byRule = (nodes: number, frontends: number, ports: number, surge: number): SnatPorts => {
  const needed = (nodes + surge) * ports;
  const capacity = frontends * portsPerFrontend.value;
  if (needed <= capacity) return { kind: "allocated", perNode: ports, needed, capacity };
  const count = surge === 0 ? `${nodes}` : `${nodes + surge} (${surge} of them surge)`;
  return {
    kind: "rejected",
    because: "over-capacity",
    needed,
    capacity,
    reason: `total node count ${count} requires ${needed} ports but only ${capacity} are available from ${frontends} outbound public ${frontends === 1 ? "address" : "addresses"}`,
  };
};

/**
 * The SNAT ports that each node gets from its load balancer.
 * Sources: the default table and the eras, azure-docs load-balancer-outbound-connections.md of 2018 to 2023;
 * the check of a manual number, azure-docs outbound-rules.md and AKS's own refusal.
 * @throws InputError for a number out of range, or allocated ports with Basic
 */
export const snatPorts = ({
  sku,
  nodes,
  frontends,
  allocated = 0,
  surge = 0,
  era = newestEra,
}: SnatQuestion): SnatPorts => {
  wholeNumber("nodes", nodes, anyCount, "nodes");
  wholeNumber("frontends", frontends, anyCount, "frontends");
  wholeNumber("surge", surge, { ...anyCount, least: 0 }, "nodes");
  checkAllocatedPorts(allocated, "allocated");
  if (allocated > 0 && sku === "Basic")
    throw new InputError({
      where: "allocated",
      value: allocated,
      problem: "needs an outbound rule, which a Basic load balancer does not have",
      expected: "0 with Basic, or sku Standard",
    });
  if (allocated > 0) return byRule(nodes, frontends, allocated, surge);
  const tier = snatTier(nodes);
  if (tier === undefined)
    return {
      kind: "rejected",
      because: "pool-too-large",
      reason: `the default table of ports ends at ${defaultPorts.value.at(-1)!.most} nodes and the pool has ${nodes}`,
    };
  const used = usedFrontends(sku, frontends);
  return { kind: "default", perNode: byDefault(tier, used, era), tier, capacity: used * portsPerFrontend.value };
};

/**
 * The most nodes that can have `ports` each from `ips` outbound addresses: 64,000 / ports x ips, rounded down.
 * Source: azure-aks-docs configure-load-balancer-standard.md (2026-08).
 * @param ports a multiple of 8 from 8 to 64,000
 * @param ips 1-100
 */
export const maxNodes = (ports: number, ips: number): number => {
  wholeNumber("ips", ips, figures.aks.outboundIps.value, "outbound addresses");
  wholeNumber("ports", ports, { least: portBlock.value, most: figures.aks.allocatedOutboundPorts.value.most }, "ports");
  return Math.floor((portsPerFrontend.value * ips) / checkAllocatedPorts(ports, "ports"));
};
