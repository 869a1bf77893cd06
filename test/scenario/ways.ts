import { formatAddr } from "../../lib/ip/addr.js";
import { podHostId } from "../../lib/kube/hosts.js";
import type { NetworkPlugin, Pod } from "../../lib/kube/cluster.js";
import type { ConnectResult, Lab } from "../../lib/net/lab.js";
import { build } from "../../lib/scenario/build.js";
import { editCluster, enableAddon } from "../../lib/scenario/edit.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { Built } from "../../lib/scenario/scenario.js";

/** One node has no other, two are the least that can differ, five leave most of a draw to nodes without the pod. */
export const nodeCounts = [1, 2, 5] as const;
export const plugins: readonly NetworkPlugin[] = ["kubenet", "azure-cni"];

const deployment = (name: string, replicas: number, hostNetwork = false): string =>
  [
    "apiVersion: apps/v1",
    "kind: Deployment",
    `metadata: { name: ${name} }`,
    "spec:",
    `  replicas: ${replicas}`,
    `  selector: { matchLabels: { app: ${name} } }`,
    "  template:",
    `    metadata: { labels: { app: ${name} } }`,
    "    spec:",
    `      hostNetwork: ${hostNetwork}`,
    "      containers:",
    `        - name: ${name}`,
    "          image: egress-lab/app:1.0",
    `          ports: [{ containerPort: ${hostNetwork ? 8080 : 80} }, { containerPort: ${hostNetwork ? 5353 : 53}, protocol: UDP }]`,
  ].join("\n");

const service = (name: string, app: string, [http, dns]: readonly [number, number] = [80, 53]): string =>
  [
    "apiVersion: v1",
    "kind: Service",
    `metadata: { name: ${name} }`,
    "spec:",
    "  type: LoadBalancer",
    `  selector: { app: ${app} }`,
    "  ports:",
    `    - { name: http, port: 80, targetPort: ${http} }`,
    `    - { name: dns, port: 53, protocol: UDP, targetPort: ${dns} }`,
  ].join("\n");

/** A cluster with pods on every node and a Service of each kind: two pods, one pod, one on the host's network, none. */
export const shapeOf = (plugin: NetworkPlugin, nodeCount: number, seed = 1): Built =>
  build(
    enableAddon(
      editCluster(smallCluster({ plugin, nodeCount, seed }), "cluster", {
        manifests: [
          {
            file: "ways.yaml",
            yaml: [
              deployment("app", nodeCount + 1),
              deployment("web", 2),
              deployment("solo", 1),
              deployment("host", 1, true),
              service("web", "web"),
              service("solo", "solo"),
              service("host", "host", [8080, 5353]),
              service("empty", "nothing"),
            ].join("\n---\n"),
          },
        ],
      }),
      "cluster",
      "http_application_routing",
    ),
  );

export interface Client {
  readonly kind: "pod" | "node" | "VM" | "Internet";
  readonly host: string;
  /** What it is, for a failure's text. */
  readonly what: string;
}

export interface Destination {
  readonly kind: "pod" | "node" | "VM" | "site" | "ClusterIP" | "NodePort" | "LoadBalancer";
  readonly what: string;
  /** An address or a name. */
  readonly to: string;
  readonly proto: "tcp" | "udp" | "icmp";
  readonly port: number;
  /** Whether anybody is there to answer. */
  readonly answers: boolean;
}

export interface Way {
  readonly from: Client;
  readonly to: Destination;
}

/** The first and the last of a list, once where they are the same. */
const ends = <T>(all: readonly T[]): readonly T[] => [...new Set([all[0]!, all.at(-1)!])];

/** Every kind of client to every kind of destination of a built cluster. */
export const waysOf = ({ clusters, network, scenario }: Built): readonly Way[] => {
  const { cluster } = clusters[0]!;
  const of = (name: string): readonly Pod[] =>
    cluster.pods.filter(pod => pod.namespace === "default" && pod.labels["app"] === name);
  const apps = of("app");
  const solo = of("solo")[0]!;
  const pod = (one: Pod, what: string): Client => ({ kind: "pod", host: podHostId(cluster.name, one), what });
  const clients: readonly Client[] = [
    ...ends(apps).map((one, i) => pod(one, `pod ${i === 0 ? "on the first node" : "on the last"}`)),
    pod(of("web")[0]!, "pod behind the service"),
    pod(solo, "only pod behind the service"),
    ...ends(cluster.nodes).map(({ name }): Client => ({ kind: "node", host: name, what: `node ${name.slice(-1)}` })),
    { kind: "VM", host: "vm", what: "VM" },
    { kind: "Internet", host: scenario.sites[0]!.name, what: "site" },
  ];
  const addressOf = (host: string) =>
    formatAddr(network.hosts.find(({ id }) => id === host)!.interfaces[0]!.addresses[0]!.address);
  const both = (rest: Omit<Destination, "proto" | "port">, http = 80, dns = 53): readonly Destination[] => [
    { ...rest, proto: "tcp", port: http },
    { ...rest, proto: "udp", port: dns },
  ];
  const pinged = (rest: Omit<Destination, "proto" | "port">): Destination => ({ ...rest, proto: "icmp", port: 0 });
  const towards: readonly Destination[] = [
    ...ends(apps).flatMap((one, i) => {
      const rest = {
        kind: "pod",
        what: `pod on the ${i === 0 ? "first" : "last"} node`,
        to: formatAddr(one.ip),
        answers: true,
      } as const;
      return [...both(rest), pinged(rest), { ...rest, proto: "tcp", port: 81, answers: false } as const];
    }),
    ...ends(cluster.nodes).map(({ name, internalIp }) =>
      pinged({ kind: "node", what: `node ${name.slice(-1)}`, to: formatAddr(internalIp), answers: true }),
    ),
    ...both({ kind: "VM", what: "VM", to: addressOf("vm"), answers: true }),
    pinged({ kind: "VM", what: "VM", to: addressOf("vm"), answers: true }),
    ...both({ kind: "site", what: "site", to: scenario.sites[0]!.name, answers: true }),
    pinged({ kind: "site", what: "site", to: scenario.sites[0]!.name, answers: true }),
    ...cluster.services
      .filter(({ type }) => type === "LoadBalancer")
      .flatMap(({ name, namespace, clusterIp, externalIp, ports, endpoints }) =>
        ports.flatMap(({ port, protocol, nodePort }): readonly Destination[] => {
          const rest = { proto: protocol === "TCP" ? "tcp" : "udp", answers: endpoints.length > 0 } as const;
          const what = (kind: string) => `${kind} of ${namespace === "default" ? name : "the ingress"}`;
          return [
            { ...rest, kind: "ClusterIP", what: what("ClusterIP"), to: formatAddr(clusterIp), port },
            ...ends(cluster.nodes).map(({ name: node, internalIp }): Destination => ({
              ...rest,
              kind: "NodePort",
              what: `${what("NodePort")} at node ${node.slice(-1)}`,
              to: formatAddr(internalIp),
              port: nodePort!,
            })),
            { ...rest, kind: "LoadBalancer", what: what("LoadBalancer"), to: formatAddr(externalIp!), port },
          ];
        }),
      ),
  ];
  return clients.flatMap(from => towards.map(to => ({ from, to })));
};

export const describeWay = ({ from, to }: Way): string =>
  `${from.what} to ${to.proto} ${to.what} (${to.to}:${to.port})`;

/** What is determined once chance has had its turn: who answers, and whom it sees. */
const outcomeOf = (result: ConnectResult): string =>
  result.kind === "connected" ? `${result.server} sees ${result.seenAs.address}` : result.kind;

/** Datagrams of their own tell conversations apart that are under way at once. */
let datagrams = 0;

/** Tries a way once. */
export const go = async (lab: Lab, { from, to }: Way): Promise<string> => {
  if (to.proto === "tcp") return outcomeOf(await lab.connect(from.host, to.to, to.port));
  if (to.proto === "udp")
    return outcomeOf(
      await lab.connect(from.host, to.to, to.port, { proto: "udp", request: `datagram ${++datagrams}\n` }),
    );
  const { replies } = await lab.ping(from.host, to.to);
  return replies.length === 0 ? "no reply" : replies.map(({ kind, ttl }) => `${kind} ttl ${ttl}`).join(", ");
};
