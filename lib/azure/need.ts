import { wholeNumber, withFields } from "../checks.js";
import { figures } from "../figures.js";
import { oneOf } from "../shape.js";
import { type NodeCount, type Surge, countNodes } from "./surge.js";

/** How a cluster's pods get their addresses, as far as a subnet is concerned. */
export type AddressingPlugin = "azure-cni" | "kubenet";

/** @throws InputError naming `where` and the plugins there are */
export const checkPlugin = (plugin: AddressingPlugin, where = "plugin"): AddressingPlugin =>
  oneOf("network plugin", "azure-cni", "kubenet")(plugin, where);

/** What decides how many addresses a cluster takes of its subnet. */
export interface SubnetQuestion {
  readonly plugin: AddressingPlugin;
  /** 1-5,000; those of each node pool where there are several. */
  readonly nodes: NodeCount;
  /** maxSurge of every pool: what an upgrade adds for a while. Default 0: what the cluster needs at rest. */
  readonly surge?: Surge;
  /** 10-250. Only azure-cni reserves an address for each. */
  readonly maxPods: number;
}

/** Addresses that a cluster takes of its subnet. */
export interface SubnetNeed {
  readonly addresses: number;
  readonly forNodes: number;
  /** With azure-cni, reserved up front on the nodes' cards; with kubenet none, as pods have a range of their own. */
  readonly forPods: number;
}

/**
 * The addresses that a cluster needs: azure-cni (n + surge) + (n + surge) x maxPods, kubenet n + surge.
 * Source: azure-aks-docs concepts-network-ip-address-planning.md (2026-08).
 * @throws InputError for figures out of range
 */
export const subnetNeed = (question: SubnetQuestion): SubnetNeed => {
  const { plugin, nodes, surge = 0, maxPods } = withFields("question", question, "plugin, nodes and maxPods");
  checkPlugin(plugin);
  const counted = countNodes(nodes, surge);
  wholeNumber("nodes", counted.nodes, { least: 1, most: figures.aks.nodes.value }, "nodes");
  wholeNumber("maxPods", maxPods, figures.aks.maxPods.value, "pods per node");
  const forNodes = counted.total;
  const forPods = plugin === "azure-cni" ? forNodes * maxPods : 0;
  return { addresses: forNodes + forPods, forNodes, forPods };
};

/** Whether the addresses that a cluster needs fit into its subnet: how many are left, or Azure's refusal. */
export type SubnetFit =
  | { readonly kind: "fits"; readonly left: number }
  /** `reason` carries the arithmetic of Azure's own refusal. */
  | { readonly kind: "rejected"; readonly reason: string };

/** Whether a need fits what a subnet has free. */
export const fitSubnet = (need: SubnetNeed, available: number): SubnetFit =>
  need.addresses <= available
    ? { kind: "fits", left: available - need.addresses }
    : { kind: "rejected", reason: `Pre-allocated IPs ${need.addresses} exceeds IPs available ${available} in Subnet` };

/** The most nodes that a subnet with so many addresses free can hold. */
export const nodesThatFit = (plugin: AddressingPlugin, maxPods: number, available: number): number =>
  Math.floor(available / subnetNeed({ plugin, nodes: 1, maxPods }).addresses);
