import { InputError } from "../errors.js";
import type { Addr } from "../ip/addr.js";
import { formatAddr } from "../ip/addr.js";
import { type Cidr, formatCidr } from "../ip/cidr.js";
import type { NetworkPlugin } from "./cluster.js";

/** What a VM size offers, as far as a kubelet asks. */
export interface VmSize {
  /** Virtual CPUs. */
  readonly cores: number;
  readonly memoryGiB: number;
  /** Sizes with an s in their name take premium disks. */
  readonly storage: "Premium_LRS" | "Standard_LRS";
}

/** VM sizes that nodes may have (azure-docs, virtual-machines/sizes-general, 2018-12). */
const vmSizes: Readonly<Record<string, VmSize>> = {
  Standard_B2ms: { cores: 2, memoryGiB: 8, storage: "Premium_LRS" },
  Standard_DS1_v2: { cores: 1, memoryGiB: 3.5, storage: "Premium_LRS" },
  Standard_DS2_v2: { cores: 2, memoryGiB: 7, storage: "Premium_LRS" },
  Standard_DS3_v2: { cores: 4, memoryGiB: 14, storage: "Premium_LRS" },
  Standard_D2_v3: { cores: 2, memoryGiB: 8, storage: "Standard_LRS" },
  Standard_D2s_v3: { cores: 2, memoryGiB: 8, storage: "Premium_LRS" },
  Standard_D4s_v3: { cores: 4, memoryGiB: 16, storage: "Premium_LRS" },
  Standard_D8s_v3: { cores: 8, memoryGiB: 32, storage: "Premium_LRS" },
  Standard_D16s_v3: { cores: 16, memoryGiB: 64, storage: "Premium_LRS" },
};

/** The size that two cores and 8 GiB of the article's reservation point to. */
export const defaultVmSize = "Standard_D2s_v3";

/** @throws InputError for a size that is not in the table */
export const vmSizeOf = (name: string, where: string): VmSize => {
  const size = Object.hasOwn(vmSizes, name) ? vmSizes[name] : undefined;
  if (size === undefined)
    throw new InputError({
      where,
      value: name,
      problem: "is not a known VM size",
      expected: Object.keys(vmSizes).join(", "),
    });
  return size;
};

/** Each step of a regressive scale: so much of the next `width` units. */
type Scale = readonly { readonly width: number; readonly share: number }[];

/** 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the others. */
const cpuScale: Scale = [
  { width: 1, share: 0.06 },
  { width: 1, share: 0.01 },
  { width: 2, share: 0.005 },
  { width: Infinity, share: 0.0025 },
];
/** 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % of the next 112, 2 % of the rest. */
const memoryScale: Scale = [
  { width: 4, share: 0.25 },
  { width: 4, share: 0.2 },
  { width: 8, share: 0.1 },
  { width: 112, share: 0.06 },
  { width: Infinity, share: 0.02 },
];

const reserve = (amount: number, scale: Scale): number => {
  let left = amount;
  let sum = 0;
  for (const { width, share } of scale) {
    const part = Math.min(left, width);
    sum += part * share;
    left -= part;
  }
  return sum;
};

/**
 * What a node keeps for the kubelet and the container runtime: the regressive scales of Google Kubernetes Engine's
 * published node reservation, which give the article's `cpu=69m,memory=1843Mi` for 2 cores and 8 GiB.
 * That AKS took its figures from there is inferred. Fractions are cut off, not rounded: 0.06 + 0.01 is
 * just under 0.07 in binary, hence the observed 69m.
 */
export const kubeReserved = (size: { readonly cores: number; readonly memoryGiB: number }): string =>
  `cpu=${Math.trunc(reserve(size.cores, cpuScale) * 1000)}m,memory=${Math.trunc(reserve(size.memoryGiB, memoryScale) * 1024)}Mi`;

/** What decides the flags that a node's kubelet runs with. */
export interface KubeletInput {
  readonly plugin: NetworkPlugin;
  readonly maxPods: number;
  readonly dnsServiceIp: Addr;
  /** kubenet: destinations that keep a pod's address. azure-cni: the virtual network, which the kubelet does not act on. */
  readonly nonMasqueradeCidr: Cidr;
  /** MC_group_cluster_location. */
  readonly nodeResourceGroup: string;
  readonly nodePool: string;
  readonly vmSize: VmSize;
}

/** The labels that a kubelet gives its node, in the order of `--node-labels`. */
export const nodeLabels = (
  input: Pick<KubeletInput, "nodePool" | "vmSize" | "nodeResourceGroup">,
): Readonly<Record<string, string>> => ({
  "node-role.kubernetes.io/agent": "",
  "kubernetes.io/role": "agent",
  agentpool: input.nodePool,
  storageprofile: "managed",
  storagetier: input.vmSize.storage,
  "kubernetes.azure.com/cluster": input.nodeResourceGroup,
});

/**
 * The kubelet's command line on an AKS node of the v1.11 era, flag by flag, in the order that systemctl shows.
 * What does not depend on the cluster is as seen on such a node (the article). For azure-cni it is assumed that the flags are
 * the same but for `--network-plugin=cni`, max-pods, and the virtual network as `--non-masquerade-cidr`, which only kubenet reads.
 */
export const kubeletFlags = (input: KubeletInput): readonly string[] => [
  "--enable-server",
  `--node-labels=${Object.entries(nodeLabels(input))
    .map(([key, value]) => `${key}=${value}`)
    .join(",")}`,
  "--v=2",
  "--volume-plugin-dir=/etc/kubernetes/volumeplugins",
  "--address=0.0.0.0",
  "--allow-privileged=true",
  "--anonymous-auth=false",
  "--authorization-mode=Webhook",
  "--azure-container-registry-config=/etc/kubernetes/azure.json",
  "--cadvisor-port=0",
  "--cgroups-per-qos=true",
  "--client-ca-file=/etc/kubernetes/certs/ca.crt",
  "--cloud-config=/etc/kubernetes/azure.json",
  "--cloud-provider=azure",
  `--cluster-dns=${formatAddr(input.dnsServiceIp)}`,
  "--cluster-domain=cluster.local",
  "--enforce-node-allocatable=pods",
  "--event-qps=0",
  "--eviction-hard=memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%",
  "--feature-gates=PodPriority=true",
  "--image-gc-high-threshold=85",
  "--image-gc-low-threshold=80",
  "--image-pull-progress-deadline=30m",
  "--keep-terminated-pod-volumes=false",
  `--kube-reserved=${kubeReserved(input.vmSize)}`,
  "--kubeconfig=/var/lib/kubelet/kubeconfig",
  `--max-pods=${input.maxPods}`,
  `--network-plugin=${input.plugin === "kubenet" ? "kubenet" : "cni"}`,
  "--node-status-update-frequency=10s",
  `--non-masquerade-cidr=${formatCidr(input.nonMasqueradeCidr)}`,
  "--pod-infra-container-image=k8s.gcr.io/pause-amd64:3.1",
  "--pod-manifest-path=/etc/kubernetes/manifests",
  "--pod-max-pids=100",
];
