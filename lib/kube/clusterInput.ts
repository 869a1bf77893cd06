import type { Addr } from "../ip/addr.js";
import type { Cidr } from "../ip/cidr.js";
import type { KubeObject } from "./manifest.js";
import type { NetworkPlugin, Time } from "./cluster.js";

/** What {@link buildCluster} needs to know. Addresses and ranges are parsed; times are seconds since the epoch. */
export interface ClusterInput {
  /** The place that errors name first: `clusters[0]`. */
  readonly where: string;
  /** Also the kubectl context. */
  readonly name: string;
  /** Without the v: `1.11.5`. */
  readonly version: string;
  readonly plugin: NetworkPlugin;
  /** 10-250. */
  readonly maxPods: number;
  readonly serviceCidr: Cidr;
  /** Inside the service CIDR, and not its first address; its tenth when left out. */
  readonly dnsServiceIp?: Addr | undefined;
  /** kubenet only, and needed there: each node takes a /24 of it, in the order of `nodes`. */
  readonly podCidr?: Cidr | undefined;
  /** kubenet only: the pod CIDR when left out; 0.0.0.0/0 disables masquerading. */
  readonly nonMasqueradeCidr?: Cidr | undefined;
  /** azure-cni only, and needed there: whose rules turn a pod's address into the node's. Which of them a cluster had is not always known. */
  readonly masqueradeBy?: "azure-vnet" | "ip-masq-agent" | undefined;
  /** The virtual network's address space. */
  readonly vnet: readonly Cidr[];
  /** MC_group_cluster_location. */
  readonly nodeResourceGroup: string;
  /** The node pool's name; default `nodepool1`. */
  readonly nodePool?: string | undefined;
  /** The nodes' VM size, which decides what the kubelet reserves; default `Standard_D2s_v3`. */
  readonly vmSize?: string | undefined;
  readonly nodes: readonly NodeInput[];
  /** In the order applied. */
  readonly manifests: readonly AppliedManifest[];
  readonly addons: readonly { readonly name: "http_application_routing"; readonly enabledAt: Time }[];
  /** Replica counts that override the manifests', by `name` (namespace default) or `namespace/name`. */
  readonly scale: Readonly<Record<string, number>>;
  readonly pins: ClusterPins;
  /** The public address of a LoadBalancer service, by `namespace/name`; asked once for each, oldest service first. */
  readonly publicAddress: (key: string) => Addr;
  /**
   * Where the API server answers. AKS runs it outside of the virtual network,
   * so the endpoint of the service `default/kubernetes` is this public address, port 443.
   */
  readonly apiServer: Addr;
  /** Seeds what nothing pins: names, cluster IPs, node ports, azure-cni pod addresses. */
  readonly seed: number;
  /** When the API server came to be, and the system's objects with it. */
  readonly created: Time;
}

/** A node to be: its name, its address, and when it joins. */
export interface NodeInput {
  /** `aks-nodepool1-26711606-0`. */
  readonly name: string;
  readonly internalIp: Addr;
  /** azure-cni only: the addresses that its card holds for pods, max-pods of them. */
  readonly podAddresses?: readonly Addr[] | undefined;
  /** When it joined: pods are placed on it from then on. */
  readonly created: Time;
}

/** Objects that `kubectl apply` sent, and when. */
export interface AppliedManifest {
  readonly objects: readonly KubeObject[];
  readonly appliedAt: Time;
}

/**
 * Draws replaced by what was observed. A pin applies where its object exists:
 * of a deployment that is not there, or of a node beyond the last, it does nothing.
 * Keys are `namespace/name`.
 */
export interface ClusterPins {
  readonly clusterIps?: Readonly<Record<string, Addr>> | undefined;
  /** By key, then by service port. */
  readonly nodePorts?: Readonly<Record<string, Readonly<Record<number, number>>>> | undefined;
  /** Pods of a deployment in creation order; the n-th entry is for its n-th replica, not counting deleted ones. */
  readonly pods?: Readonly<Record<string, readonly PodPin[]>> | undefined;
  /** `Service/ns/name`, `Deployment/ns/name`. */
  readonly created?: Readonly<Record<string, Time>> | undefined;
  readonly kubeletPid?: number | undefined;
}

/** What was observed of one pod, in place of what would be drawn for it. */
export interface PodPin {
  /** The full name; drawn when left out. */
  readonly name?: string | undefined;
  /** Index in `nodes`; chosen by the scheduler when left out. */
  readonly node?: number | undefined;
  /** azure-cni only: kubenet's addresses follow from the order of creation. */
  readonly address?: Addr | undefined;
  /** When it was created; with its deployment when left out, and never before it. */
  readonly created?: Time | undefined;
  /** A pod that is gone, no earlier than its deployment came: it is in no list, but kubenet's round robin has passed the address that it had. */
  readonly deleted?: Time | undefined;
}
