import { wholeNumber } from "../checks.js";
import { figures } from "../figures.js";
import { contradiction } from "../azure/ledger.js";
import { type Era, newestEra } from "../azure/era.js";
import { checkAllocatedPorts } from "../azure/snat.js";
import { type Surge, defaultSurge } from "../azure/surge.js";
import type { Subnet, VirtualNetwork } from "../azure/vnet.js";
import { refuse } from "../errors.js";
import { type Addr, addr } from "../ip/addr.js";
import { type Cidr, cidr, contains, formatCidr, overlaps } from "../ip/cidr.js";
import type { AppliedManifest, ClusterPins, PodPin } from "../kube/clusterInput.js";
import { parseManifest } from "../kube/manifest.js";
import type { NetworkPlugin, Time } from "../kube/cluster.js";
import { checkMaxPods } from "../kube/validate.js";
import { formatTime, parseTime } from "./time.js";
import type { ClusterSpec, FrontendSelection, LoadBalancerSpec, PinnedPod } from "./scenario.js";

/** A cluster as its user wrote it, each value read, checked and filled in. */
export interface ClusterPlan {
  /** `clusters[0]`. */
  readonly where: string;
  readonly spec: ClusterSpec;
  readonly plugin: NetworkPlugin;
  readonly subnet: Subnet;
  readonly maxPods: number;
  readonly version: string;
  readonly serviceCidr: Cidr;
  readonly dnsServiceIp: Addr | undefined;
  readonly podCidr: Cidr | undefined;
  readonly nonMasqueradeCidr: Cidr | undefined;
  readonly masqueradeBy: "azure-vnet" | "ip-masq-agent" | undefined;
  readonly balancer: BalancerPlan;
  /** When the API server came to be. */
  readonly created: Time;
  readonly createdPins: Readonly<Record<string, Time>>;
  readonly pins: ClusterPins;
  readonly manifests: readonly AppliedManifest[];
  readonly addons: readonly { readonly name: "http_application_routing"; readonly enabledAt: Time }[];
  readonly scale: Readonly<Record<string, number>>;
}

export interface BalancerPlan {
  readonly sku: "Basic" | "Standard";
  readonly selection: FrontendSelection;
  readonly era: Era;
  readonly surge: Surge;
  /** 0 with Basic. */
  readonly outboundIps: number;
  readonly allocatedOutboundPorts: number;
  readonly idleTimeoutMinutes: number;
  readonly tcpReset: boolean;
}

const defaults = { version: "1.11.5", serviceCidr: "10.0.0.0/16", podCidr: "10.244.0.0/16" } as const;
/** When a cluster came to be that nothing pins: an hour before the scenario starts. */
export const defaultCreated = (startsAt: Time): Time => startsAt - 3600;

const { aks, plugins, loadBalancer } = figures;

/** More than any cluster runs: every node of the largest with every pod it may have. */
const replicasAtMost = aks.nodes.value * aks.maxPods.value.most;

const onlyFor = (where: string, value: unknown, what: string): void => {
  if (value !== undefined) refuse(where, value, `is for ${what} only`, "the field left out");
};

const readCounts = (spec: ClusterSpec, where: string): number => {
  const kubenet = spec.plugin === "kubenet";
  const most = kubenet ? plugins.kubenet.nodes.value : aks.nodes.value;
  wholeNumber(
    `${where}.nodeCount`,
    spec.nodeCount,
    { least: 1, most },
    kubenet ? "nodes with kubenet, a user-defined route each" : "nodes",
  );
  const maxPods = checkMaxPods(spec.maxPods ?? plugins[spec.plugin].defaultMaxPods.value, `${where}.maxPods`);
  if (spec.nodeCount * maxPods < aks.podSlots.value)
    refuse(
      `${where}.maxPods`,
      maxPods,
      `gives the node pool ${spec.nodeCount * maxPods} pod slots`,
      `at least ${aks.podSlots.value} in all, so ${Math.ceil(aks.podSlots.value / spec.nodeCount)} per node`,
    );
  return maxPods;
};

type Ranges = Pick<ClusterPlan, "serviceCidr" | "dnsServiceIp" | "podCidr" | "nonMasqueradeCidr" | "masqueradeBy">;

/** Which ranges go together, and with which plugin, is checked where the cluster is built. */
const readRanges = (spec: ClusterSpec, where: string): Ranges => {
  const range = (field: "serviceCidr" | "podCidr" | "nonMasqueradeCidr", text: string | undefined) =>
    text === undefined ? undefined : cidr(text, `${where}.${field}`);
  const kubenet = spec.plugin === "kubenet";
  return {
    serviceCidr: range("serviceCidr", spec.serviceCidr ?? defaults.serviceCidr)!,
    dnsServiceIp: spec.dnsServiceIp === undefined ? undefined : addr(spec.dnsServiceIp, `${where}.dnsServiceIp`),
    podCidr: range("podCidr", spec.podCidr ?? (kubenet ? defaults.podCidr : undefined)),
    nonMasqueradeCidr: range("nonMasqueradeCidr", spec.nonMasqueradeCidr),
    masqueradeBy:
      spec.masqueradeBy ?? (kubenet ? undefined : (contradiction("masqueradeBy").default as "ip-masq-agent")),
  };
};

const readBalancer = (
  spec: LoadBalancerSpec,
  where: string,
  maxSurge: Surge | undefined,
  scenarioEra: Era,
): BalancerPlan => {
  const { sku, frontendSelection: selection, era = scenarioEra } = spec;
  const surge = maxSurge ?? defaultSurge(era);
  if (sku === "Basic") {
    for (const field of ["outboundIps", "allocatedOutboundPorts", "idleTimeoutMinutes", "tcpReset"] as const)
      onlyFor(`${where}.${field}`, spec[field], "sku Standard");
    return {
      sku,
      selection,
      era,
      surge,
      outboundIps: 0,
      allocatedOutboundPorts: 0,
      idleTimeoutMinutes: loadBalancer.idleTimeout.value,
      tcpReset: false,
    };
  }
  return {
    sku,
    selection,
    era,
    surge,
    outboundIps: wholeNumber(
      `${where}.outboundIps`,
      spec.outboundIps ?? aks.defaultOutboundIps.value,
      aks.outboundIps.value,
      "outbound addresses",
    ),
    allocatedOutboundPorts: checkAllocatedPorts(spec.allocatedOutboundPorts ?? 0, `${where}.allocatedOutboundPorts`),
    idleTimeoutMinutes: wholeNumber(
      `${where}.idleTimeoutMinutes`,
      spec.idleTimeoutMinutes ?? aks.idleTimeout.value,
      aks.idleTimeoutRange.value,
      "minutes",
    ),
    tcpReset: spec.tcpReset ?? era !== "2018",
  };
};

const mapValues = <A, B>(
  values: Readonly<Record<string, A>> | undefined,
  change: (value: A, key: string) => B,
): Readonly<Record<string, B>> =>
  Object.fromEntries(Object.entries(values ?? {}).map(([key, value]) => [key, change(value, key)]));

type PinContext = Pick<ClusterPlan, "plugin" | "subnet"> & { readonly startsAt: Time };

const readPinnedPod = (pod: PinnedPod, where: string, plan: PinContext): PodPin => {
  const address = pod.address === undefined ? undefined : addr(pod.address, `${where}.address`);
  if (address !== undefined && plan.plugin === "azure-cni" && !contains(plan.subnet.cidr, address))
    refuse(
      `${where}.address`,
      pod.address,
      `is outside the subnet ${plan.subnet.name}`,
      `an address of ${formatCidr(plan.subnet.cidr)} that its node's card holds`,
    );
  const time = (field: "created" | "deleted"): Time | undefined => {
    const text = pod[field];
    return text === undefined ? undefined : Math.min(parseTime(text, `${where}.${field}`), plan.startsAt);
  };
  return { name: pod.name, node: pod.node, address, created: time("created"), deleted: time("deleted") };
};

const readPins = (
  spec: ClusterSpec,
  where: string,
  plan: PinContext,
  created: Readonly<Record<string, Time>>,
): ClusterPins => {
  const { clusterIps, nodePorts, pods, kubeletPid } = spec.pins ?? {};
  return {
    clusterIps: mapValues(clusterIps, (text, key) => addr(text, `${where}.clusterIps["${key}"]`)),
    nodePorts,
    pods: mapValues(pods, (list, key) =>
      list.map((pod, i) => readPinnedPod(pod, `${where}.pods["${key}"][${i}]`, plan)),
    ),
    created,
    kubeletPid,
  };
};

/** Something that was done to a cluster: not before it was there, not after the scenario's start. */
const readDone = (text: string | undefined, where: string, created: Time, startsAt: Time): Time => {
  if (text === undefined) return startsAt;
  const time = parseTime(text, where);
  if (time < created)
    refuse(
      where,
      text,
      "is before the cluster was created",
      `${formatTime(created)} or later; pins.created["Service/default/kubernetes"] moves that`,
    );
  if (time > startsAt) refuse(where, text, "is after the scenario's start", `${formatTime(startsAt)} or earlier`);
  return time;
};

/**
 * Reads one cluster of a scenario.
 * @throws InputError naming the field, its value and what would be right
 */
export const planCluster = (
  spec: ClusterSpec,
  where: string,
  { vnet, startsAt, era = newestEra }: { readonly vnet: VirtualNetwork; readonly startsAt: Time; readonly era?: Era },
): ClusterPlan => {
  const { plugin, pins = {} } = spec;
  const subnet =
    vnet.subnets.find(({ name }) => name === spec.subnet) ??
    refuse(
      `${where}.subnet`,
      spec.subnet,
      `is no subnet of ${vnet.name}`,
      vnet.subnets.map(({ name }) => name).join(" or ") || "a subnet",
    );
  const maxPods = readCounts(spec, where);
  const createdPins = mapValues(pins.created, (text, key) => parseTime(text, `${where}.pins.created["${key}"]`));
  const created = createdPins["Service/default/kubernetes"] ?? defaultCreated(startsAt);
  return {
    where,
    spec,
    plugin,
    subnet,
    maxPods,
    version: spec.version ?? defaults.version,
    ...readRanges(spec, where),
    balancer: readBalancer(spec.loadBalancer, `${where}.loadBalancer`, spec.maxSurge, era),
    created,
    createdPins,
    pins: readPins(spec, `${where}.pins`, { plugin, subnet, startsAt }, createdPins),
    manifests: spec.manifests.map((manifest, i) => ({
      objects: parseManifest(manifest.yaml, manifest.file),
      appliedAt: readDone(manifest.appliedAt, `${where}.manifests[${i}].appliedAt`, created, startsAt),
    })),
    scale: mapValues(spec.scale, (count, name) =>
      wholeNumber(`${where}.scale["${name}"]`, count, { least: 0, most: replicasAtMost }, "pods"),
    ),
    addons: [...new Set(spec.addons)].map(name => ({
      name,
      enabledAt: readDone(pins.created?.[`Addon/${name}`], `${where}.pins.created["Addon/${name}"]`, created, startsAt),
    })),
  };
};

/** What clusters may not share. */
export const checkTogether = (plans: readonly ClusterPlan[]): void => {
  plans.forEach((plan, j) => {
    for (const other of plans.slice(0, j)) {
      if (plan.spec.name === other.spec.name)
        refuse(`${plan.where}.name`, plan.spec.name, `is the name of ${other.where} too`, "a name of its own");
      if (plan.podCidr === undefined || other.podCidr === undefined || plan.subnet !== other.subnet) continue;
      if (overlaps(plan.podCidr, other.podCidr))
        refuse(
          `${plan.where}.podCidr`,
          formatCidr(plan.podCidr),
          `overlaps ${other.where}.podCidr, ${formatCidr(other.podCidr)}, whose routes are in the same table`,
          "ranges that share no address",
        );
    }
  });
};
