import { InputError } from "../errors.js";
import { formatAddr } from "../ip/addr.js";
import { type Cidr, contains, everywhere, formatCidr, nth } from "../ip/cidr.js";
import type { Host, Interface, Listener, Route, Veth } from "../net/network.js";
import { noRules } from "../netfilter/ruleset.js";
import { subseed } from "../random.js";
import { nodeRules } from "./nodeRules.js";
import type { Cluster, Node, Pod } from "./cluster.js";
import { dockerCidr } from "./validate.js";

/** A pod's id among the hosts of a network. */
export const podHostId = (cluster: string, pod: Pick<Pod, "namespace" | "name">): string =>
  `${cluster}/${pod.namespace}/${pod.name}`;

const docker0: Interface = {
  kind: "bridge",
  name: "docker0",
  addresses: [{ address: nth(dockerCidr, 1), prefix: dockerCidr.prefix }],
};

/** What a node's pods hang on: its name, the node's own interfaces around it, and how pods get out. */
interface Bridge {
  readonly name: string;
  readonly vethPrefix: string;
  /** Hexadecimal digits after the prefix. */
  readonly vethDigits: number;
  /** The node's interfaces but for its veths. */
  readonly interfaces: readonly Interface[];
  /** By where the node's own default route leaves. */
  readonly uplink: string;
  /** On-link prefix of a pod's address. */
  readonly podPrefix: number;
  /** Shared by the node's pods. */
  readonly podRoutes: readonly Route[];
}

/** cbr0 routes between the node's /24 and eth0. */
const kubenetBridge = (node: Node, podCidr: Cidr, subnet: Cidr): Bridge => {
  const gateway = nth(podCidr, 1);
  return {
    name: "cbr0",
    vethPrefix: "veth",
    vethDigits: 8,
    interfaces: [
      { kind: "nic", name: "eth0", addresses: [{ address: node.internalIp, prefix: subnet.prefix }] },
      docker0,
      { kind: "bridge", name: "cbr0", addresses: [{ address: gateway, prefix: podCidr.prefix }] },
    ],
    uplink: "eth0",
    podPrefix: podCidr.prefix,
    podRoutes: [{ to: everywhere, via: gateway, dev: "eth0" }],
  };
};

/**
 * azure0 takes eth0 in and carries the node's address: pods sit on the subnet itself. azure-vnet turns hairpin on for
 * eth0 too (Azure/azure-container-networking, network/network_linux.go), so that a node passes on what it is sent for
 * a service whose pod is on another node.
 */
const azureBridge = (node: Node, subnet: Cidr): Bridge => ({
  name: "azure0",
  vethPrefix: "azv",
  vethDigits: 7,
  interfaces: [
    { kind: "nic", name: "eth0", addresses: [], master: "azure0", hairpin: true },
    docker0,
    { kind: "bridge", name: "azure0", addresses: [{ address: node.internalIp, prefix: subnet.prefix }] },
  ],
  uplink: "azure0",
  podPrefix: subnet.prefix,
  podRoutes: [{ to: everywhere, via: nth(subnet, 1), dev: "eth0" }],
});

/** Names of veth interfaces, drawn from the pod's id, each once on its node. */
const vethNamer = (bridge: Bridge) => {
  const taken = new Set<string>();
  return (pod: string): string => {
    for (let attempt = 0; ; attempt++) {
      const digits = (subseed(attempt, pod) >>> 0).toString(16).padStart(8, "0").slice(-bridge.vethDigits);
      const name = bridge.vethPrefix + digits;
      if (taken.has(name)) continue;
      taken.add(name);
      return name;
    }
  };
};

/** Each container port answers with who it is: HTTP on TCP, the text itself on UDP. An nginx proxy answers as itself, too. */
const listenersOf = (pod: Pod): readonly Listener[] => {
  if (pod.ports.length === 0) return [];
  const answer = {
    kind: "text",
    text: `pod: ${pod.namespace}/${pod.name}\nnode: ${pod.node}\naddress: ${formatAddr(pod.ip)}\n`,
  } as const;
  const seen = new Set<string>();
  return pod.ports.flatMap(({ port, protocol }): readonly Listener[] => {
    if (seen.has(`${port}/${protocol}`)) return [];
    seen.add(`${port}/${protocol}`);
    return [{ proto: protocol === "UDP" ? "udp" : "tcp", port, answer }];
  });
};

const podHost = (cluster: string, pod: Pod, bridge: Bridge, veth: string): Host => ({
  id: podHostId(cluster, pod),
  hostname: pod.name,
  role: "pod",
  interfaces: [
    {
      kind: "veth",
      name: "eth0",
      addresses: [{ address: pod.ip, prefix: bridge.podPrefix }],
      peer: { host: pod.node, interface: veth },
    },
  ],
  routes: bridge.podRoutes,
  forwarding: false,
  bridgeNfCallIptables: false,
  rules: noRules,
  listeners: listenersOf(pod),
});

/**
 * The hosts of a cluster: each node, and each pod that has a network of its own.
 * A node's id is its name, with the card `eth0` for the fabric; a pod's id is `cluster/namespace/pod`.
 * Nodes share one ruleset, as kube-proxy and the plugin write the same rules on each.
 * Ports of pods on the host network are ports of their node.
 * @param subnet the subnet of the nodes; its first usable address (.1) is the gateway
 * @throws InputError for a node outside of the subnet
 */
export const clusterHosts = (cluster: Cluster, subnet: Cidr): readonly Host[] => {
  const rules = nodeRules(cluster);
  const podsOf = new Map<string, Pod[]>(cluster.nodes.map(node => [node.name, []]));
  for (const pod of cluster.pods) podsOf.get(pod.node)!.push(pod);
  return cluster.nodes.flatMap(node => {
    if (!contains(subnet, node.internalIp))
      throw new InputError({
        where: `node ${node.name}`,
        value: formatAddr(node.internalIp),
        problem: "is outside its subnet",
        expected: `an address of ${formatCidr(subnet)}`,
      });
    const bridge = node.podCidr === undefined ? azureBridge(node, subnet) : kubenetBridge(node, node.podCidr, subnet);
    const vethName = vethNamer(bridge);
    const veths: Veth[] = [];
    const pods: Host[] = [];
    const listeners: Listener[] = [];
    for (const pod of podsOf.get(node.name)!) {
      if (pod.hostNetwork) {
        for (const listener of listenersOf(pod)) listeners.push(listener);
        continue;
      }
      const host = podHost(cluster.name, pod, bridge, vethName(podHostId(cluster.name, pod)));
      const peer = (host.interfaces[0] as Veth).peer.interface;
      // azure-vnet sets hairpin on its ports; kubenet makes the bridge promiscuous, to the same effect: a pod may reach itself through a service.
      veths.push({
        kind: "veth",
        name: peer,
        addresses: [],
        master: bridge.name,
        peer: { host: host.id, interface: "eth0" },
        hairpin: true,
      });
      pods.push(host);
    }
    const nodeHost: Host = {
      id: node.name,
      hostname: node.name,
      role: "node",
      interfaces: [...bridge.interfaces, ...veths],
      routes: [{ to: everywhere, via: nth(subnet, 1), dev: bridge.uplink }],
      forwarding: true,
      // kube-proxy sets it when it starts: NewProxier in pkg/proxy/iptables/proxier.go, always up to 1.25, since then while
      // --iptables-localhost-nodeports is on, as it is by default.
      routeLocalnet: true,
      bridgeNfCallIptables: true,
      rules,
      listeners,
    };
    return [nodeHost, ...pods];
  });
};
