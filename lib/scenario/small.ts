import { wholeNumber, withFields } from "../checks.js";
import { figures } from "../figures.js";
import { checkPlugin, subnetNeed } from "../azure/need.js";
import type { Era } from "../azure/era.js";
import type { Surge } from "../azure/surge.js";
import { InputError } from "../errors.js";
import type { NetworkPlugin } from "../kube/cluster.js";
import type { FrontendSelection, Manifest, Scenario } from "./scenario.js";

/** One cluster, as large as asked for, with one application. */
export interface SmallClusterOptions {
  /** Default kubenet. */
  readonly plugin?: NetworkPlugin;
  /** Default 3. */
  readonly nodeCount?: number;
  /** Pods of the application on each node, default 2. */
  readonly podsPerNode?: number;
  /** 10-250; by default the plugin's own, or more when the pods need it. */
  readonly maxPods?: number;
  /** Default Basic up to the 300 nodes that it takes, Standard beyond. */
  readonly sku?: "Basic" | "Standard";
  /** Addresses for outbound flows: with Basic Services of type LoadBalancer, with Standard outbound addresses. 1-100, default 1. */
  readonly frontends?: number;
  /** Standard only: a multiple of 8 from 0 to 64,000. */
  readonly allocatedOutboundPorts?: number;
  /** The node pool's maxSurge, a number of nodes or a percentage. Default: the era's. */
  readonly maxSurge?: Surge;
  /** Default first. */
  readonly frontendSelection?: FrontendSelection;
  /** Default: the newest. */
  readonly era?: Era;
  /** Internet sites, site-1.example and so on; 1-100, default 1. */
  readonly sites?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Pods of the system that a node may have to run beside the application's. */
const systemPods = 10;

/** The nodes' and pods' part of the private range 10.0.0.0/8: 10.240.0.0/12. */
const nodeRange = "10.240.0.0";

const document = (lines: readonly string[]): string => `${lines.join("\n")}\n`;

const deployment = (replicas: number): string =>
  document([
    "apiVersion: apps/v1",
    "kind: Deployment",
    "metadata:",
    "  name: app",
    "spec:",
    `  replicas: ${replicas}`,
    "  selector: { matchLabels: { app: app } }",
    "  template:",
    "    metadata: { labels: { app: app } }",
    "    spec:",
    "      containers:",
    "        - { name: app, image: egress-lab/app:1.0, ports: [{ containerPort: 80 }] }",
  ]);

const service = (name: string): string =>
  document([
    "apiVersion: v1",
    "kind: Service",
    `metadata: { name: ${name} }`,
    "spec:",
    "  type: LoadBalancer",
    "  selector: { app: app }",
    "  ports: [{ port: 80, targetPort: 80 }]",
  ]);

const manifest = (replicas: number, services: number): Manifest => ({
  file: "app.yaml",
  yaml: [deployment(replicas), ...Array.from({ length: services }, (_, i) => service(`app-${i + 1}`))].join("---\n"),
});

/** The smallest subnet that holds so many addresses beside Azure's own. */
const prefixFor = (addresses: number): number => {
  const prefix = 32 - Math.ceil(Math.log2(addresses + figures.virtualNetwork.reservedAddresses.value));
  if (prefix < 12)
    throw new InputError({
      where: "nodeCount",
      value: addresses,
      problem: "addresses are more than a /12 holds",
      expected: "fewer nodes or fewer max-pods",
    });
  return Math.min(prefix, 24);
};

const defaultMaxPods = (plugin: NetworkPlugin, podsPerNode: number): number =>
  Math.max(figures.plugins[plugin].defaultMaxPods.value, podsPerNode + systemPods);

/**
 * A scenario of one cluster: nodes, an application spread evenly over them behind one or more public addresses, a VM `vm` and
 * Internet sites. Its subnet is as large as it must be; everything else is drawn from the seed.
 *
 *     smallCluster({ nodeCount: 51, podsPerNode: 4, sku: "Standard" })
 *
 * @throws InputError for numbers out of range
 */
export const smallCluster = (options: SmallClusterOptions = {}): Scenario => {
  const {
    plugin = "kubenet",
    nodeCount = 3,
    podsPerNode = 2,
    sku = nodeCount > figures.loadBalancer.basicPool.value ? "Standard" : "Basic",
    frontends = 1,
    sites = 1,
    seed = 1,
  } = withFields("options", options, "nodeCount, plugin and more; each may be left out");
  const { allocatedOutboundPorts, frontendSelection = "first", era, maxSurge } = options;
  checkPlugin(plugin);
  wholeNumber("nodeCount", nodeCount, { least: 1, most: figures.aks.nodes.value }, "nodes");
  wholeNumber(
    "podsPerNode",
    podsPerNode,
    { least: 0, most: figures.aks.maxPods.value.most - systemPods },
    "pods per node",
  );
  const maxPods = options.maxPods ?? defaultMaxPods(plugin, podsPerNode);
  const need = subnetNeed({ plugin, nodes: nodeCount, maxPods });
  wholeNumber("frontends", frontends, figures.aks.outboundIps.value, "frontends");
  wholeNumber("sites", sites, { least: 1, most: 100 }, "sites");
  return {
    name: "small",
    seed,
    resourceGroup: "lab",
    location: "westeurope",
    vnet: {
      name: "vnet",
      addressSpace: ["10.224.0.0/11"],
      subnets: [
        { name: "nodes", prefix: `${nodeRange}/${prefixFor(need.addresses)}` },
        { name: "vms", prefix: "10.224.0.0/24" },
      ],
    },
    vms: [{ name: "vm", subnet: "vms", publicAddress: "198.51.100.4", user: "lab" }],
    clusters: [
      {
        name: "cluster",
        plugin,
        subnet: "nodes",
        nodeCount,
        maxPods,
        ...(maxSurge === undefined ? {} : { maxSurge }),
        ...(plugin === "kubenet" ? { podCidr: "10.128.0.0/14" } : {}),
        loadBalancer: {
          sku,
          frontendSelection,
          ...(sku === "Standard" ? { outboundIps: frontends } : {}),
          ...(allocatedOutboundPorts === undefined ? {} : { allocatedOutboundPorts }),
        },
        addons: [],
        manifests: [manifest(nodeCount * podsPerNode, sku === "Basic" ? frontends : 1)],
      },
    ],
    ...(era === undefined ? {} : { era }),
    sites: Array.from({ length: sites }, (_, i) => ({ name: `site-${i + 1}.example`, address: `203.0.113.${i + 10}` })),
    startsAt: "2019-02-12T12:00:00Z",
  };
};
