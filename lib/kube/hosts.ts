import type { Cidr } from "../ip/cidr.js";
import type { Host } from "../net/types.js";
import type { Cluster } from "./types.js";

/**
 * The hosts of a cluster: each node, and each pod that has a network of its own.
 * A node's id is its name, with the card `eth0` for the fabric; a pod's id is `cluster/namespace/pod`.
 * Nodes share one ruleset, as kube-proxy and the plugin write the same rules on each.
 * @param subnet the subnet of the nodes; its first usable address (.1) is the gateway
 */
export const clusterHosts = (cluster: Cluster, subnet: Cidr): readonly Host[] => {
  throw new Error(`${cluster.name} ${subnet.prefix}: not built yet`);
};
