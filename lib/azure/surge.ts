import { listOf, wholeNumber } from "../checks.js";
import { refuse } from "../errors.js";
import { figures } from "../figures.js";
import { type Era, newestEra } from "./era.js";

/**
 * A node pool's maxSurge, the nodes that an upgrade adds for a while: a number, or a percentage of the pool, rounded up.
 * az writes it `--max-surge 10%`.
 */
export type Surge = number | `${number}%`;

/** The nodes of a cluster with one pool, or those of each of its pools. */
export type NodeCount = number | readonly number[];

/** The nodes that Azure counts, as an upgrade adds some to each pool. */
export interface CountedNodes {
  /** At rest, all pools together. */
  readonly nodes: number;
  /** Added by an upgrade of every pool. */
  readonly surge: number;
  readonly total: number;
  readonly maxSurge: Surge;
  /** `3 nodes and 1 surge node, maxSurge 10%`. */
  readonly says: string;
}

const { surgeNodes, surgeShare, nodes: nodesAtMost } = figures.aks;

/** What AKS sets when nobody says: a tenth of each pool today, one node before. See `surge` in the ledger. */
export const defaultSurge = (era: Era = newestEra): Surge =>
  era === newestEra ? `${surgeShare.value}%` : surgeNodes.value;

const percentage = /^([1-9]\d?|100)%$/;

/** Checks a maxSurge. @throws InputError naming `where` */
export const checkSurge = (surge: Surge, where = "surge"): Surge => {
  if (typeof surge === "number") return wholeNumber(where, surge, { least: 0, most: nodesAtMost.value }, "nodes");
  if (typeof surge !== "string" || !percentage.test(surge))
    refuse(where, surge, "is no surge", "a number of nodes, or a percentage of each pool: 1% to 100%");
  return surge;
};

/** The pools of a cluster, by their numbers of nodes. @throws InputError for a pool without a node, or for none */
const poolsOf = (count: NodeCount, where = "nodes"): readonly number[] => {
  const pools =
    typeof count === "object" ? listOf(where, count, "a number, or one for each pool: [10, 10, 2]") : [count];
  if (pools.length === 0) refuse(where, count, "has no node pool", "the nodes of each pool: [10, 10, 2]");
  pools.forEach((nodes, i) =>
    wholeNumber(
      typeof count === "object" ? `${where}[${i}]` : where,
      nodes,
      { least: 1, most: Number.POSITIVE_INFINITY },
      "nodes",
    ),
  );
  return pools;
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** A cluster's nodes, all pools together. */
export const allNodes = (count: NodeCount, where?: string): number => sum(poolsOf(count, where));

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/**
 * Counts nodes as Azure does when it checks a cluster: every pool with its own surge, a percentage rounded up for each.
 * So 22 nodes in pools of 10, 10 and 2 count as 25 (jenkins-infra/azure#580), and 3 count as 4 (Azure/azure-cli#22374).
 */
export const countNodes = (count: NodeCount, surge: Surge, where?: string): CountedNodes => {
  const pools = poolsOf(count, where);
  checkSurge(surge);
  const share = typeof surge === "number" ? undefined : Number(surge.slice(0, -1));
  const added = sum(pools.map(nodes => (share === undefined ? Number(surge) : Math.ceil((nodes * share) / 100))));
  const nodes = sum(pools);
  const inPools = pools.length === 1 ? "" : ` in ${many(pools.length, "pool")}`;
  return {
    nodes,
    surge: added,
    total: nodes + added,
    maxSurge: surge,
    says: `${many(nodes, "node")}${inPools} and ${many(added, "surge node")}, maxSurge ${surge}`,
  };
};
