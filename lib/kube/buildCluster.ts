import { known, wholeNumber } from "../checks.js";
import { InputError } from "../errors.js";
import { type Cidr, contains, nth } from "../ip/cidr.js";
import { type Random, seeded, subseed } from "../random.js";
import type { ClusterInput, ClusterPins, PodPin } from "./clusterInput.js";
import { type NodeIpam, azureVnetIpam, hostLocal } from "./ipam.js";
import { type KubeletInput, defaultVmSize, kubeletFlags, nodeLabels, vmSizeOf } from "./kubelet.js";
import type { DeploymentObject, IngressObject, KubeObject, ServiceObject } from "./manifest.js";
import { namePrefix, nameSuffix, templateHash } from "./names.js";
import { type WantedPod, schedule } from "./schedule.js";
import { buildServices } from "./services.js";
import {
  apiService,
  dnsService,
  httpApplicationRouting,
  masqueradeDaemon,
  systemDaemons,
  systemDeployments,
  systemServices,
} from "./system.js";
import type { Cluster, Deployment, Ingress, Node, PendingPod, Pod, Service, Time } from "./cluster.js";
import { nodeCidrPrefix, validate } from "./validate.js";

interface Declared<Kind extends KubeObject> {
  readonly object: Kind;
  readonly created: Time;
}

interface Objects {
  readonly deployments: readonly Declared<DeploymentObject>[];
  readonly services: readonly Declared<ServiceObject>[];
  readonly ingresses: readonly Declared<IngressObject>[];
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

const keyOf = (object: Named): string => `${object.namespace}/${object.name}`;

/** The API server lists objects in the order of their keys in its store. */
const listed = <Item extends Named>(items: readonly Item[]): readonly Item[] => {
  const byKey = new Map(items.map(item => [keyOf(item), item]));
  return [...byKey.keys()].sort().map(key => byKey.get(key)!);
};

/** Every object that was applied, oldest first. Applied again, an object keeps its age. */
const declared = (input: ClusterInput): Objects => {
  const all = new Map<string, Declared<KubeObject>>();
  const apply = (objects: readonly KubeObject[], at: Time): void => {
    for (const object of objects) {
      const key = `${object.kind}/${keyOf(object)}`;
      all.set(key, { object, created: input.pins.created?.[key] ?? all.get(key)?.created ?? at });
    }
  };
  apply([...systemDeployments, ...systemServices], input.created);
  for (const addon of input.addons) {
    if (addon.name !== "http_application_routing")
      throw new InputError({
        where: `${input.where}.addons`,
        value: addon.name,
        problem: "is not a known add-on",
        expected: "http_application_routing",
      });
    apply([...httpApplicationRouting.deployments, ...httpApplicationRouting.services], addon.enabledAt);
  }
  for (const manifest of input.manifests) apply(manifest.objects, manifest.appliedAt);
  const ofKind = <Kind extends KubeObject>(kind: Kind["kind"]): readonly Declared<Kind>[] =>
    [...all.values()]
      .filter((item): item is Declared<Kind> => item.object.kind === kind)
      .sort((a, b) => a.created - b.created);
  return { deployments: ofKind("Deployment"), services: ofKind("Service"), ingresses: ofKind("Ingress") };
};

const scaled = (input: ClusterInput, deployments: Objects["deployments"]): ReadonlyMap<string, number> => {
  const replicas = new Map(deployments.map(({ object }) => [keyOf(object), object.replicas]));
  for (const [name, count] of Object.entries(input.scale)) {
    const key = name.includes("/") ? name : `default/${name}`;
    const where = `${input.where}.scale["${name}"]`;
    if (!replicas.has(key))
      throw new InputError({
        where,
        value: name,
        problem: "is not a deployment of the cluster",
        expected: known([...replicas.keys()]),
      });
    wholeNumber(where, count, { least: 0, most: Number.POSITIVE_INFINITY }, "pods");
    replicas.set(key, count);
  }
  return replicas;
};

/** A pod before it is placed: what it will be, and what the scheduler asks of it. */
interface NewPod extends WantedPod {
  readonly pod: Omit<Pod, "node" | "ip">;
}

/** Draws names that no other pod of the namespace has. */
const namer = (seed: number, pins: NonNullable<ClusterPins["pods"]>) => {
  const taken = new Set<string>();
  for (const [key, pods] of Object.entries(pins))
    for (const { name } of pods) if (name !== undefined) taken.add(`${key.slice(0, key.indexOf("/"))}/${name}`);
  return (namespace: string, prefix: string, label: string): string => {
    const random: Random = seeded(subseed(seed, `name of ${label}`));
    for (;;) {
      const name = prefix + nameSuffix(random);
      if (taken.has(`${namespace}/${name}`)) continue;
      taken.add(`${namespace}/${name}`);
      return name;
    }
  };
};

type Namer = ReturnType<typeof namer>;

const daemonPods = (input: ClusterInput, name: Namer): readonly NewPod[] => {
  const daemons = input.masqueradeBy === "ip-masq-agent" ? [...systemDaemons, masqueradeDaemon] : systemDaemons;
  return input.nodes.flatMap(({ created }, node) =>
    daemons.map(daemon => ({
      owner: `kube-system/${daemon.name}`,
      created,
      node,
      hostNetwork: true,
      daemon: true,
      pod: {
        namespace: "kube-system",
        name: name("kube-system", `${daemon.name}-`, `kube-system/${daemon.name} ${node}`),
        labels: daemon.labels,
        hostNetwork: true,
        image: daemon.image,
        ports: [],
        created,
      },
    })),
  );
};

const deploymentPods = (
  { object, created }: Declared<DeploymentObject>,
  replicas: number,
  pins: readonly PodPin[],
  name: Namer,
): readonly NewPod[] => {
  const owner = keyOf(object);
  const { namespace, podLabels: labels, hostNetwork, image, ports } = object;
  const living = pins.filter(pin => pin.deleted === undefined);
  // A pinned name tells the template's hash too: the pods of one deployment share it.
  const pinned = living.find(pin => pin.name !== undefined)?.name;
  const prefix = pinned === undefined ? namePrefix(`${object.name}-${templateHash(object)}`) : pinned.slice(0, -5);
  // A deployment's pods come with it at the earliest; one pinned to be gone by then still takes an address and frees it.
  const atEarliest = (time: Time): Time => Math.max(time, created);
  const newPod = (pin: PodPin, label: string): NewPod => {
    const at = atEarliest(pin.created ?? created);
    const deleted = pin.deleted === undefined ? undefined : atEarliest(pin.deleted);
    const { node, address } = pin;
    return {
      owner,
      created: at,
      deleted,
      node,
      address,
      hostNetwork,
      daemon: false,
      pod: {
        namespace,
        name: pin.name ?? name(namespace, prefix, label),
        labels,
        hostNetwork,
        image,
        ports,
        created: at,
      },
    };
  };
  const gone = pins
    .filter(pin => replicas > 0 && pin.deleted !== undefined)
    .map((pin, index) => newPod(pin, `${owner} deleted ${index}`));
  return [...gone, ...Array.from({ length: replicas }, (_, index) => newPod(living[index] ?? {}, `${owner} ${index}`))];
};

const nodeIpam = (input: ClusterInput): ((node: number) => NodeIpam) => {
  if (input.plugin === "kubenet") return node => hostLocal(nodePodCidr(input.podCidr!, node));
  const pinned = new Set(Object.values(input.pins.pods ?? {}).flatMap(pods => pods.flatMap(pod => pod.address ?? [])));
  return node =>
    azureVnetIpam(
      input.nodes[node]!.podAddresses ?? [],
      pinned,
      seeded(subseed(input.seed, `pod addresses of node ${node}`)),
    );
};

const nodePodCidr = (podCidr: Cidr, node: number): Cidr => ({
  base: nth(podCidr, node * 2 ** (32 - nodeCidrPrefix)),
  prefix: nodeCidrPrefix,
});

const placePods = (
  input: ClusterInput,
  deployments: Objects["deployments"],
  replicas: ReadonlyMap<string, number>,
): Pick<Cluster, "pods" | "pending"> => {
  const pins = input.pins.pods ?? {};
  const name = namer(input.seed, pins);
  const wanted = [
    ...daemonPods(input, name),
    ...deployments.flatMap(item =>
      deploymentPods(item, replicas.get(keyOf(item.object))!, pins[keyOf(item.object)] ?? [], name),
    ),
  ];
  const pods: Pod[] = [];
  const pending: PendingPod[] = [];
  schedule(wanted, input.nodes, input.maxPods, nodeIpam(input)).forEach((placement, index) => {
    const { pod } = wanted[index]!;
    if (placement.kind === "running") pods.push({ ...pod, node: input.nodes[placement.node]!.name, ip: placement.ip });
    if (placement.kind === "pending")
      pending.push({
        namespace: pod.namespace,
        name: pod.name,
        labels: pod.labels,
        created: pod.created,
        reason: placement.reason,
      });
  });
  return { pods: listed(pods), pending: listed(pending) };
};

const buildNodes = (
  input: ClusterInput,
  { dnsServiceIp, nonMasqueradeCidr }: Pick<KubeletInput, "dnsServiceIp" | "nonMasqueradeCidr">,
): readonly Node[] => {
  const vmSizeName = input.vmSize ?? defaultVmSize;
  const vmSize = vmSizeOf(vmSizeName, `${input.where}.vmSize`);
  const { plugin, maxPods, nodeResourceGroup } = input;
  const kubelet: KubeletInput = {
    plugin,
    maxPods,
    dnsServiceIp,
    nonMasqueradeCidr,
    nodeResourceGroup,
    nodePool: input.nodePool ?? "nodepool1",
    vmSize,
  };
  const flags = kubeletFlags(kubelet);
  const labels = nodeLabels(kubelet);
  const random = seeded(subseed(input.seed, "kubelet pids"));
  return input.nodes.map(({ name, internalIp, created }, index) => {
    const drawnPid = random.int(1000, 9999);
    return {
      name,
      internalIp,
      created,
      role: "agent",
      osImage: "Ubuntu 16.04.5 LTS",
      kernelVersion: "4.15.0-1036-azure",
      containerRuntime: "docker://3.0.1",
      labels: { ...labels, "beta.kubernetes.io/instance-type": vmSizeName, "kubernetes.io/hostname": name },
      ...(input.podCidr === undefined ? undefined : { podCidr: nodePodCidr(input.podCidr, index) }),
      kubeletFlags: flags,
      kubeletPid: (index === 0 ? input.pins.kubeletPid : undefined) ?? drawnPid,
    };
  });
};

const buildIngresses = (
  input: ClusterInput,
  ingresses: Objects["ingresses"],
  services: readonly Service[],
): readonly Ingress[] => {
  const byKey = new Map(services.map(service => [keyOf(service), service]));
  return ingresses.map(({ object: { namespace, name, class: ingressClass, rules }, created }) => ({
    namespace,
    name,
    class: ingressClass,
    created,
    rules: rules.map(rule => {
      const { port } = rule;
      if (typeof port === "number") return { ...rule, port };
      const target = byKey.get(`${namespace}/${rule.service}`);
      const found = target?.ports.find(candidate => candidate.name === port);
      if (found !== undefined) return { ...rule, port: found.port };
      throw new InputError({
        where: `${input.where}: Ingress ${namespace}/${name}`,
        value: port,
        problem:
          target === undefined
            ? `names a port of ${rule.service}, and there is no such service`
            : `is no port of the service ${rule.service}`,
        expected: target?.ports.flatMap(candidate => candidate.name ?? []).join(", ") || "a port number",
      });
    }),
  }));
};

const describe = ({ object, created }: Declared<DeploymentObject>, replicas: number): Deployment => {
  const { namespace, name, labels, selector, image, ports } = object;
  return { namespace, name, labels, selector, replicas, image, ports, created };
};

/**
 * Builds a cluster as its API server would describe it: the system's objects, the add-ons', the manifests';
 * pods placed on nodes and given addresses; services with cluster IPs, node ports and endpoints.
 * The same input gives the same cluster.
 * @throws InputError on anything that AKS or Kubernetes would refuse, naming the field
 */
export const buildCluster = (input: ClusterInput): Cluster => {
  validate(input);
  const { name, plugin, maxPods, serviceCidr, podCidr, vnet } = input;
  const dnsServiceIp = input.dnsServiceIp ?? nth(serviceCidr, 10);
  const objects = declared(input);
  const replicas = scaled(input, objects.deployments);
  const { pods, pending } = placePods(input, objects.deployments, replicas);
  const services = buildServices({
    where: input.where,
    services: objects.services,
    pods,
    serviceCidr,
    fixedIps: { [apiService]: nth(serviceCidr, 1), [dnsService]: dnsServiceIp },
    pinnedIps: input.pins.clusterIps ?? {},
    pinnedNodePorts: input.pins.nodePorts ?? {},
    fixedEndpoints: { [apiService]: [{ portName: "https", protocol: "TCP", ip: input.apiServer, port: 443 }] },
    publicAddress: input.publicAddress,
    seed: input.seed,
  });
  const nodesRange = vnet.find(space => contains(space, input.nodes[0]!.internalIp))!;
  const nonMasqueradeCidr = podCidr === undefined ? nodesRange : (input.nonMasqueradeCidr ?? podCidr);
  return {
    name,
    version: input.version.replace(/^v/, ""),
    plugin,
    maxPods,
    serviceCidr,
    dnsServiceIp,
    ...(podCidr === undefined
      ? { masquerade: { by: input.masqueradeBy!, except: input.masqueradeBy === "azure-vnet" ? [nodesRange] : vnet } }
      : { podCidr, nonMasqueradeCidr }),
    nodes: buildNodes(input, { dnsServiceIp, nonMasqueradeCidr }),
    deployments: listed(objects.deployments.map(item => describe(item, replicas.get(keyOf(item.object))!))),
    pods,
    pending,
    services: listed(services),
    ingresses: listed(buildIngresses(input, objects.ingresses, services)),
  };
};
