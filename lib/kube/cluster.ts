import type { Addr } from "../ip/addr.js";
import type { Cidr } from "../ip/cidr.js";

/** How pods get addresses: from the virtual network (`azure-cni`), or from a range of the node's own, which leaves as the node (`kubenet`). */
export type NetworkPlugin = "azure-cni" | "kubenet";

/** A cluster as its API server would describe it: objects with their addresses settled. Plain data. */
export interface Cluster {
  /** Also the kubectl context. */
  readonly name: string;
  readonly version: string;
  readonly plugin: NetworkPlugin;
  readonly maxPods: number;
  readonly serviceCidr: Cidr;
  readonly dnsServiceIp: Addr;
  /** kubenet only: each node takes a /24 of it. */
  readonly podCidr?: Cidr;
  /** kubenet only: destinations that keep the pod's address; 0.0.0.0/0 disables masquerading. */
  readonly nonMasqueradeCidr?: Cidr;
  /** azure-cni only: who turns a pod's address into the node's, and for which destinations it does not. */
  readonly masquerade?: { readonly by: "azure-vnet" | "ip-masq-agent"; readonly except: readonly Cidr[] };
  readonly nodes: readonly Node[];
  readonly deployments: readonly Deployment[];
  /** Pods that run: each has a node and an address. */
  readonly pods: readonly Pod[];
  /** Pods that do not run, and why. */
  readonly pending: readonly PendingPod[];
  readonly services: readonly Service[];
  readonly ingresses: readonly Ingress[];
}

/** Seconds since the epoch. */
export type Time = number;

/** A node of a cluster, with the address that it has in its subnet. */
export interface Node {
  readonly name: string;
  readonly internalIp: Addr;
  readonly created: Time;
  readonly role: string;
  readonly osImage: string;
  readonly kernelVersion: string;
  readonly containerRuntime: string;
  readonly labels: Readonly<Record<string, string>>;
  /** kubenet only. */
  readonly podCidr?: Cidr;
  /** The kubelet's command line, in the order that systemctl prints it: `--max-pods=110`. */
  readonly kubeletFlags: readonly string[];
  readonly kubeletPid: number;
}

/** A container port that something listens on. */
export interface ContainerPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

/** A Deployment as the API server has it: how many pods of which image. */
export interface Deployment {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly image: string;
  readonly ports: readonly ContainerPort[];
  readonly created: Time;
}

/** A pod that runs, with its node and its address. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string;
  /** The node's own address for a pod on the host network. */
  readonly ip: Addr;
  readonly hostNetwork: boolean;
  readonly image: string;
  readonly ports: readonly ContainerPort[];
  readonly created: Time;
}

/** A pod that exists but does not run. */
export interface PendingPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly created: Time;
  readonly reason:
    /** No node takes another pod: each already has max-pods. kubectl shows Pending. */
    | { readonly kind: "unschedulable"; readonly nodes: number; readonly maxPods: number }
    /** Its node has no address left for it. kubectl shows ContainerCreating. */
    | { readonly kind: "no-address"; readonly node: string; readonly capacity: number };
}

/** A port of a Service, and the port of its pods that it stands for. */
export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  /** A number, or the name of a container port. */
  readonly targetPort: number | string;
  readonly nodePort?: number;
}

/** A Service: an address that kube-proxy translates to one of its pods (DNAT). */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer";
  readonly clusterIp: Addr;
  /** LoadBalancer only: its public address. */
  readonly externalIp?: Addr;
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly created: Time;
  /** Where it leads now, one row per ready pod and port, ordered by address. */
  readonly endpoints: readonly Endpoint[];
}

/** An address and port at which a Service's traffic arrives: one ready pod. */
export interface Endpoint {
  /** The service port's name; absent when it has none. */
  readonly portName?: string;
  readonly protocol: "TCP" | "UDP";
  readonly ip: Addr;
  readonly port: number;
}

/** An Ingress: which Service answers for which host name and path. */
export interface Ingress {
  readonly namespace: string;
  readonly name: string;
  readonly class: string;
  readonly rules: readonly {
    readonly host: string;
    readonly path: string;
    readonly service: string;
    readonly port: number;
  }[];
  readonly created: Time;
}
