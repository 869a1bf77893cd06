import type { Era } from "../azure/era.js";
import type { Surge } from "../azure/surge.js";
import type { NetworkPlugin } from "../kube/cluster.js";
import type { Network } from "../net/network.js";
import type { Cluster } from "../kube/cluster.js";

/**
 * What a user edits: clusters and machines in one virtual network, in the words of the az command line.
 * Addresses and ranges are text here; `build` checks each and turns it into a {@link Network}.
 */
export interface Scenario {
  readonly name: string;
  /** Seeds whatever Azure or Kubernetes draw by chance and nothing pins. */
  readonly seed: number;
  readonly resourceGroup: string;
  readonly location: string;
  readonly vnet: {
    readonly name: string;
    readonly addressSpace: readonly string[];
    readonly subnets: readonly { readonly name: string; readonly prefix: string }[];
  };
  readonly vms: readonly VmSpec[];
  readonly clusters: readonly ClusterSpec[];
  /** Internet sites. Each answers HTTP, and datagrams on port 53, with the caller's address. */
  readonly sites: readonly { readonly name: string; readonly address: string }[];
  /** Which years' documents decide where they disagree, and how az spells its output; a load balancer may name its own. Default the newest. */
  readonly era?: Era;
  /** When the lab's clock starts, an RFC 3339 time. */
  readonly startsAt: string;
}

/** A virtual machine beside the clusters, as a user writes it. */
export interface VmSpec {
  readonly name: string;
  readonly subnet: string;
  /** The subnet's first free address when left out. */
  readonly address?: string;
  /** Translated one to one. Without it flows to the Internet leave by an address that Azure picks. */
  readonly publicAddress?: string;
  /** The account in its prompt. */
  readonly user: string;
}

/** `random` is what Azure documents for several frontends (drawn once per cluster from the seed); `first` is what has been seen. */
export type FrontendSelection = "random" | "first";

/** A cluster's load balancer as a user writes it. */
export interface LoadBalancerSpec {
  readonly sku: "Basic" | "Standard";
  readonly frontendSelection: FrontendSelection;
  /** Standard only: public addresses of its own for outbound traffic, 1-100. */
  readonly outboundIps?: number;
  /** Standard only: ports per node, a multiple of 8 from 0 to 64000; 0 or left out: the tier table decides. */
  readonly allocatedOutboundPorts?: number;
  /** Standard only: minutes, 4-120, default 30. Basic has 4. */
  readonly idleTimeoutMinutes?: number;
  /**
   * Standard only: whether both ends of a TCP flow that was idle for too long are sent RST, instead of nothing. By default as
   * AKS sets it (azure-docs load-balancer-tcp-reset.md; azure-aks-docs load-balancer-standard.md): on, but not in the era 2018.
   */
  readonly tcpReset?: boolean;
  /** The documentation that decides what years disagree on: ports from several frontends, what a UDP port serves. Default the scenario's. */
  readonly era?: Era;
}

/** A cluster as a user writes it. What is left out has a default. */
export interface ClusterSpec {
  readonly name: string;
  readonly plugin: NetworkPlugin;
  readonly subnet: string;
  /** 1-400 with kubenet, 1-5000 with azure-cni, as far as the subnet and the load balancer's ports go. */
  readonly nodeCount: number;
  /** The node pool's maxSurge: nodes that an upgrade adds, a number or a percentage. Azure counts them when it checks allocatedOutboundPorts. Default: the era's, 10 % today and one node before. */
  readonly maxSurge?: Surge;
  /** 10-250; azure-cni default 30, kubenet default 110. */
  readonly maxPods?: number;
  /** 1.11.x, default 1.11.5. */
  readonly version?: string;
  /** Default 10.0.0.0/16; apart from the virtual network and the pods' range. */
  readonly serviceCidr?: string;
  /** Default the tenth address of the service CIDR. */
  readonly dnsServiceIp?: string;
  /** kubenet only, default 10.244.0.0/16: a /24 of it for each node. */
  readonly podCidr?: string;
  /** kubenet only; the podCidr when left out, as AKS sets it. */
  readonly nonMasqueradeCidr?: string;
  /** azure-cni only: which agent's rules turn a pod's address into the node's when it leaves the virtual network. Default ip-masq-agent, the newest documented. */
  readonly masqueradeBy?: "azure-vnet" | "ip-masq-agent";
  readonly loadBalancer: LoadBalancerSpec;
  readonly addons: readonly "http_application_routing"[];
  /** Kubernetes manifests, YAML text, in the order applied. */
  readonly manifests: readonly Manifest[];
  /** Replica counts that override the manifests', by deployment name: `kubectl scale`. */
  readonly scale?: Readonly<Record<string, number>>;
  readonly pins?: Pins;
}

/** A file for `kubectl apply`, as text. */
export interface Manifest {
  /** The file's name, for errors. */
  readonly file: string;
  readonly yaml: string;
  /** When it was applied, RFC 3339; the scenario's start when left out. */
  readonly appliedAt?: string;
}

/**
 * What Azure and Kubernetes drew by chance, as observed. Each entry replaces one draw and nothing else:
 * change a pin and all that follows from it changes too. Keys are `namespace/name`.
 */
export interface Pins {
  /** The number in node names: aks-nodepool1-26711606-0. */
  readonly nodePoolId?: string;
  /** Node addresses by index. */
  readonly nodeAddresses?: readonly string[];
  /** Of LoadBalancer services; `outbound/0`, `outbound/1` ... for a Standard load balancer's own. */
  readonly publicAddresses?: Readonly<Record<string, string>>;
  readonly clusterIps?: Readonly<Record<string, string>>;
  /** By `namespace/name`, then by port. */
  readonly nodePorts?: Readonly<Record<string, Readonly<Record<number, number>>>>;
  /** Pods of a deployment, in creation order. */
  readonly pods?: Readonly<Record<string, readonly PinnedPod[]>>;
  /** When objects came to be, RFC 3339: `Node/NAME`, `Service/ns/name`, `Deployment/ns/name` or `Addon/NAME`. */
  readonly created?: Readonly<Record<string, string>>;
  readonly kubeletPid?: number;
}

/**
 * What was observed of one pod; what is left out is drawn or derived.
 * A time after the scenario's start counts as its start, so one set of pins serves earlier states too.
 */
export interface PinnedPod {
  /** The full name. */
  readonly name?: string;
  /** Its node, by index. */
  readonly node?: number;
  /** azure-cni only: kubenet's addresses follow from the order of creation. */
  readonly address?: string;
  /** RFC 3339; with its deployment when left out. */
  readonly created?: string;
  /** RFC 3339: a pod that is gone. kubenet's round robin has passed the address that it had. */
  readonly deleted?: string;
}

/** A built scenario: the clusters as Kubernetes would describe them, the cloud as Azure would, and the network under both. */
export interface Built {
  readonly scenario: Scenario;
  readonly clusters: readonly BuiltCluster[];
  readonly network: Network;
  /** Every assumption that shaped it, with its source, to be shown with the results. */
  readonly assumptions: readonly Assumption[];
}

/** A cluster with its objects and its load balancer, as {@link build} makes it of a scenario. */
export interface BuiltCluster {
  readonly spec: ClusterSpec;
  readonly cluster: Cluster;
  /** MC_group_cluster_location. */
  readonly nodeResourceGroup: string;
  readonly loadBalancer: BuiltLoadBalancer;
}

/** A cluster's load balancer with its addresses settled. */
export interface BuiltLoadBalancer {
  readonly name: string;
  readonly sku: "Basic" | "Standard";
  readonly frontends: readonly {
    readonly name: string;
    readonly address: string;
    /** The Service it belongs to, `namespace/name`; absent for an outbound address. */ readonly service?: string;
  }[];
  /** The address that outbound flows take, of those in `frontends`; several with Standard. Without any frontend, the one that Azure picks. */
  readonly outboundFrontends: readonly string[];
  readonly portsPerNode: number;
  /** What decided it, in a line: the tier of the table and the era, or the allocated ports and the surge in force. */
  readonly basis: string;
}

/** Something that the model takes for granted where it is not known: what, why, and where that comes from. */
export interface Assumption {
  readonly name: string;
  readonly value: string;
  readonly why: string;
  readonly source: string;
}
