import { formatAddr } from "../../lib/ip/addr.js";
import { bootModel } from "../../lib/net/model.js";
import { build } from "../../lib/scenario/build.js";
import type { Built, ClusterSpec, Scenario } from "../../lib/scenario/scenario.js";

export const clusterNamed = (built: Built, name: string) =>
  built.clusters.find(({ cluster }) => cluster.name === name)!;

/** A pod's host id, by the start of its name. */
export const podId = (built: Built, cluster: string, start: string, node?: string): string => {
  const pod = clusterNamed(built, cluster).cluster.pods.find(
    ({ name, node: its }) => name.startsWith(start) && (node === undefined || its.endsWith(node)),
  )!;
  return `${cluster}/${pod.namespace}/${pod.name}`;
};

/** What a site or machine sees a pod come from. */
export const seenBy = async (scenario: Scenario, pod: (built: Built) => string, to: string): Promise<string> => {
  const built = build(scenario);
  const result = await bootModel(built.network).connect(pod(built), to, 80);
  return result.kind === "connected" ? result.seenAs.address : result.kind;
};

/** Addresses of every card of a built network, dotted. */
export const cardAddresses = (built: Built): readonly string[] =>
  built.network.fabric.nics.flatMap(nic => nic.addresses.map(formatAddr));

const cluster: ClusterSpec = {
  name: "c",
  plugin: "kubenet",
  subnet: "nodes",
  nodeCount: 2,
  podCidr: "192.168.0.0/16",
  loadBalancer: { sku: "Basic", frontendSelection: "first" },
  addons: [],
  manifests: [],
};

/** A plain kubenet cluster, with any part changed. */
export const plain = (change: Partial<ClusterSpec> = {}, whole: Partial<Scenario> = {}): Scenario => ({
  name: "test",
  seed: 1,
  resourceGroup: "rg",
  location: "westeurope",
  vnet: {
    name: "vnet",
    addressSpace: ["10.13.0.0/16"],
    subnets: [
      { name: "nodes", prefix: "10.13.77.0/24" },
      { name: "vms", prefix: "10.13.1.0/24" },
    ],
  },
  vms: [{ name: "vm", subnet: "vms", user: "lab" }],
  clusters: [{ ...cluster, ...change }],
  sites: [{ name: "site.example", address: "203.0.113.10" }],
  startsAt: "2019-02-12T12:00:00Z",
  ...whole,
});

/** The same with Azure CNI. */
export const plainCni = (change: Partial<ClusterSpec> = {}, whole: Partial<Scenario> = {}): Scenario => {
  const { podCidr, ...rest } = plain().clusters[0]!;
  return plain({}, { clusters: [{ ...rest, plugin: "azure-cni", ...change }], ...whole });
};
