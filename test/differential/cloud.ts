import fc from "fast-check";
import { podHostId } from "../../lib/kube/hosts.js";
import type { Host, Network } from "../../lib/net/network.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { Place } from "./generate.js";

export interface CloudShape {
  readonly plugin: "kubenet" | "azure-cni";
  readonly nodeCount: number;
  readonly sku: "Basic" | "Standard";
}

export const cloudShape: fc.Arbitrary<CloudShape> = fc.record(
  {
    plugin: fc.constantFrom("kubenet" as const, "azure-cni" as const),
    nodeCount: fc.constantFrom(1, 2, 2),
    sku: fc.constantFrom("Basic" as const, "Standard" as const),
  },
  { noNullPrototype: true },
);

const silent = parseSave("*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n");

/** Ports that only a load balancer's own chance could choose among backends are handed to the first: its hash is not the kernel's. */
const oneBackend = (network: Network): Network => ({
  ...network,
  fabric: {
    ...network.fabric,
    translators: network.fabric.translators.map(translator => ({
      ...translator,
      inbound: translator.inbound.map(rule => ({ ...rule, backends: rule.backends.slice(0, 1) })),
    })),
  },
});

/**
 * A cluster of either plugin as `build` makes it: nodes with all their rules, the fabric, the load balancers; of the pods only the
 * application's, which like the VM and the site drop what they get.
 */
export const cloudNetwork = ({ plugin, nodeCount, sku }: CloudShape) => {
  const built = build(smallCluster({ plugin, nodeCount, sku, podsPerNode: 1 }));
  const { cluster } = built.clusters[0]!;
  const site = built.scenario.sites[0]!.name;
  const pods = cluster.pods.filter(({ namespace }) => namespace === "default").map(pod => podHostId(cluster.name, pod));
  const ends = [...pods, "vm", site];
  const isKept = ({ id, role }: Host) => role === "node" || ends.includes(id);
  const kept = new Set(built.network.hosts.filter(isKept).map(({ id }) => id));
  const hosts = built.network.hosts.filter(isKept).map((host): Host =>
    host.role === "node"
      ? {
          ...host,
          interfaces: host.interfaces.filter(entry => entry.kind !== "veth" || kept.has(entry.peer.host)),
          listeners: [],
        }
      : { ...host, rules: silent, listeners: [] },
  );
  // Linux asks three seconds for a pod that is not there.
  const addresses = new Set(cluster.pods.filter(({ namespace }) => namespace !== "default").map(({ ip }) => ip));
  const reachable = cluster.services.filter(({ endpoints }) => !endpoints.some(({ ip }) => addresses.has(ip)));
  const services = reachable.flatMap(({ clusterIp, externalIp, ports }) =>
    ports.flatMap(({ port, nodePort }): readonly Place[] => [
      { address: clusterIp, port },
      ...(externalIp === undefined ? [] : [{ address: externalIp, port }]),
      ...(nodePort === undefined
        ? []
        : cluster.nodes.map(({ internalIp }) => ({ address: internalIp, port: nodePort }))),
    ]),
  );
  const application = cluster.services.find(({ name }) => name.startsWith("app"))!;
  return {
    network: oneBackend({ ...built.network, hosts }),
    endpoints: ends.map(host => ({
      host,
      address: hosts.find(({ id }) => id === host)!.interfaces[0]!.addresses[0]!.address,
    })),
    // The application's service more often.
    services: [
      ...services.filter(({ address }) => address === application.clusterIp || address === application.externalIp),
      ...services,
    ],
  };
};
