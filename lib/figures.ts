import type { Range } from "./checks.js";

/** A number of the field with where it comes from. Documentation changes, so every figure has its date. */
export interface Figure<Value = number> {
  readonly value: Value;
  /** What it counts: `ports`, `addresses`, `minutes`. */
  readonly unit: string;
  /** The document that states it. */
  readonly source: string;
  /** Year and month of that document, `YYYY-MM`; it may have been true before. */
  readonly since: string;
  readonly note?: string;
}

const lb18 = "azure-docs load-balancer-outbound-connections.md (2018-03)";
const lb19 = "azure-docs load-balancer-outbound-connections.md (2019-08)";
const lb23 = "azure-docs load-balancer-outbound-connections.md (2023-03)";
const natResource = "azure-docs nat-gateway/nat-gateway-resource.md (2023-07)";
const natSku = "azure-docs nat-gateway/nat-sku.md (2026-07)";
const vnetFaq = "azure-docs virtual-network/virtual-networks-faq.md";
const cli = "azure-cli acs/_validators.py";
const planning = "azure-aks-docs concepts-network-ip-address-planning.md (2026-08)";
const kubenet = "azure-aks-docs configure-kubenet.md (2026-08)";
const nodeSubnet = "azure-aks-docs concepts-network-legacy-cni.md (2026-08)";
const overlay = "azure-aks-docs concepts-network-azure-cni-overlay.md (2026-08)";
const standardLb = "azure-aks-docs load-balancer-standard.md (2026-08)";
const natAks = "azure-aks-docs nat-gateway.md (2026-08)";
const armLb = "ARM reference, managedClusters load balancer profile";

/** One row of the default table: pools of `least` to `most` machines get `ports` each. */
export interface Tier extends Range {
  readonly ports: number;
}

/**
 * Every figure of the cloud that the library computes with, each with its source and date.
 * Where two documents disagree, see {@link contradictions}.
 */
export const figures = {
  virtualNetwork: {
    reservedAddresses: {
      value: 5,
      unit: "addresses of every subnet: the first four and the last",
      source: vnetFaq,
      since: "2018-01",
    },
    smallestSubnet: { value: 29, unit: "prefix length", source: vnetFaq, since: "2018-01" },
    largestSubnet: { value: 2, unit: "prefix length", source: vnetFaq, since: "2018-01" },
    routesPerTable: {
      value: 400,
      unit: "user-defined routes",
      source: kubenet,
      since: "2018-11",
      note: "hence 400 nodes at most with kubenet",
    },
  },
  loadBalancer: {
    defaultPorts: {
      value: [
        { least: 1, most: 50, ports: 1024 },
        { least: 51, most: 100, ports: 512 },
        { least: 101, most: 200, ports: 256 },
        { least: 201, most: 400, ports: 128 },
        { least: 401, most: 800, ports: 64 },
        { least: 801, most: 1000, ports: 32 },
      ] as readonly Tier[],
      unit: "ports per IP configuration, for TCP and again for UDP",
      source: lb18,
      since: "2018-03",
    },
    portsPerFrontend: { value: 64000, unit: "ports per public address", source: lb23, since: "2018-03" },
    firstPort: {
      value: 1024,
      unit: "port number",
      source: lb23,
      since: "2018-03",
      note: "the ports below are system ports and never given out",
    },
    portBlock: {
      value: 8,
      unit: "ports",
      source: lb23,
      since: "2018-03",
      note: "ports are given out, and taken by inbound rules, in blocks of this size",
    },
    basicPool: {
      value: 300,
      unit: "machines in the backend pool of a Basic load balancer, one availability set",
      source: "azure-docs load-balancer/skus.md (2023-07)",
      since: "2018-03",
    },
    defaultCeiling: {
      value: 1024,
      unit: "ports per node by default, however many frontends",
      source: lb23,
      since: "2023-03",
    },
    idleTimeout: { value: 4, unit: "minutes", source: lb19, since: "2018-03" },
    holdAfterFin: {
      value: 240,
      unit: "seconds",
      source: lb19,
      since: "2019-08",
      note: "today's value is not published",
    },
    holdAfterRst: {
      value: 15,
      unit: "seconds",
      source: lb19,
      since: "2019-08",
      note: "today's value is not published",
    },
  },
  natGateway: {
    portsPerAddress: { value: 64512, unit: "ports per public address", source: natResource, since: "2023-07" },
    addresses: { value: { least: 1, most: 16 } as Range, unit: "public addresses", source: natAks, since: "2023-07" },
    idleTimeout: { value: 4, unit: "minutes", source: natResource, since: "2023-07" },
    idleTimeoutRange: {
      value: { least: 4, most: 120 } as Range,
      unit: "minutes",
      source: natResource,
      since: "2023-07",
    },
    udpIdleTimeout: { value: 4, unit: "minutes, fixed", source: natResource, since: "2023-07" },
    holdAfterFin: { value: 65, unit: "seconds", source: natResource, since: "2023-07", note: "subject to change" },
    holdAfterRst: { value: 16, unit: "seconds", source: natResource, since: "2023-07", note: "subject to change" },
    holdHalfOpen: { value: 30, unit: "seconds", source: natResource, since: "2023-07", note: "subject to change" },
    holdUdp: { value: 65, unit: "seconds", source: natResource, since: "2023-07", note: "subject to change" },
    connectionsPerAddress: {
      value: 50000,
      unit: "connections per public address and destination",
      source: natResource,
      since: "2023-07",
    },
    connections: { value: 2000000, unit: "connections", source: natSku, since: "2026-07" },
  },
  aks: {
    outboundIps: {
      value: { least: 1, most: 100 } as Range,
      unit: "managed outbound addresses",
      source: standardLb,
      since: "2020-01",
    },
    defaultOutboundIps: { value: 1, unit: "managed outbound addresses", source: standardLb, since: "2020-01" },
    allocatedOutboundPorts: {
      value: { least: 0, most: 64000 } as Range,
      unit: "ports per node, a multiple of 8; 0 leaves it to the default table",
      source: cli,
      since: "2020-01",
    },
    idleTimeoutRange: { value: { least: 4, most: 120 } as Range, unit: "minutes", source: armLb, since: "2020-01" },
    idleTimeout: { value: 30, unit: "minutes", source: armLb, since: "2020-01" },
    surgeNodes: { value: 1, unit: "nodes of each pool, the default before 2025", source: planning, since: "2020-09" },
    surgeShare: {
      value: 10,
      unit: "percent of each pool, rounded up",
      source: "Azure/AKS CHANGELOG.md (2025-03-16)",
      since: "2025-03",
      note: "the default of maxSurge",
    },
    maxPods: {
      value: { least: 10, most: 250 } as Range,
      unit: "pods per node",
      source: planning,
      since: "2021-01",
      note: "before 2021-01 Azure CNI ended at 110",
    },
    podSlots: { value: 30, unit: "pod slots in a node pool at least", source: planning, since: "2021-01" },
    nodes: { value: 5000, unit: "nodes", source: overlay, since: "2023-05" },
  },
  plugins: {
    kubenet: {
      nodes: { value: 400, unit: "nodes", source: kubenet, since: "2018-11", note: "one user-defined route each" },
      defaultMaxPods: { value: 110, unit: "pods per node", source: kubenet, since: "2018-11" },
      podPrefix: { value: 24, unit: "prefix length of a node's pod range", source: kubenet, since: "2018-11" },
    },
    "azure-cni": {
      defaultMaxPods: { value: 30, unit: "pods per node", source: nodeSubnet, since: "2018-11" },
    },
  },
} as const satisfies Record<string, Record<string, Figure<unknown> | Record<string, Figure<unknown>>>>;
