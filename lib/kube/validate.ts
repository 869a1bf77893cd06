import { wholeNumber } from "../checks.js";
import { InputError } from "../errors.js";
import { figures } from "../figures.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { type Cidr, cidr, contains, formatCidr, lastOf, nth, overlaps } from "../ip/cidr.js";
import type { ClusterInput } from "./clusterInput.js";
import { defaultVmSize, vmSizeOf } from "./kubelet.js";

/** What docker gives its own bridge; AKS leaves it as it is. */
export const dockerCidr = cidr("172.17.0.0/16");

/** The nodes' share of the pod CIDR (kube-controller-manager's default --node-cidr-mask-size). */
export const nodeCidrPrefix = figures.plugins.kubenet.podPrefix.value;

/** For how many nodes a pod CIDR has a share. */
const nodeShares = (podCidr: Cidr): number =>
  podCidr.prefix > nodeCidrPrefix ? 0 : 2 ** (nodeCidrPrefix - podCidr.prefix);

const serviceCidrPrefix = { least: 12, most: 28 } as const;

/** Addresses that no service gets: the range itself, the API's .1, broadcast. */
const reservedForServices = (serviceCidr: Cidr): readonly Addr[] => [
  serviceCidr.base,
  nth(serviceCidr, 1),
  lastOf(serviceCidr),
];

type Refuse = (field: string, value: unknown, problem: string, expected: string) => never;

const checkPlugin = (input: ClusterInput, refuse: Refuse): void => {
  const { plugin, podCidr, nonMasqueradeCidr, masqueradeBy } = input;
  switch (plugin) {
    case "kubenet":
      if (podCidr === undefined)
        refuse(
          "podCidr",
          null,
          "is missing",
          "a range for pods, as kubenet takes their addresses from it: 10.244.0.0/16",
        );
      if (masqueradeBy !== undefined)
        refuse(
          "masqueradeBy",
          masqueradeBy,
          "does not go with kubenet, which masquerades itself",
          "nothing; nonMasqueradeCidr says where it does not",
        );
      return;
    case "azure-cni":
      if (podCidr !== undefined)
        refuse(
          "podCidr",
          formatCidr(podCidr),
          "does not go with azure-cni, whose pods have addresses of the virtual network",
          "nothing",
        );
      if (nonMasqueradeCidr !== undefined)
        refuse(
          "nonMasqueradeCidr",
          formatCidr(nonMasqueradeCidr),
          "does not go with azure-cni",
          "nothing; masqueradeBy names who masquerades",
        );
      if (masqueradeBy !== "azure-vnet" && masqueradeBy !== "ip-masq-agent")
        refuse(
          "masqueradeBy",
          masqueradeBy ?? null,
          masqueradeBy === undefined ? "is missing" : "is not known",
          "azure-vnet or ip-masq-agent",
        );
      return;
    default:
      refuse("plugin", plugin, "is not a known network plugin", "azure-cni or kubenet");
  }
};

const checkRanges = (input: ClusterInput, refuse: Refuse): void => {
  const { serviceCidr, podCidr, vnet, dnsServiceIp } = input;
  const ranges: readonly (readonly [field: string, own: Cidr, others: readonly (readonly [string, Cidr])[]])[] = [
    [
      "serviceCidr",
      serviceCidr,
      [...vnet.map(space => ["the virtual network", space] as const), ["docker's bridge", dockerCidr]],
    ],
    ...(podCidr === undefined
      ? []
      : [
          [
            "podCidr",
            podCidr,
            [
              ["the service CIDR", serviceCidr],
              ...vnet.map(space => ["the virtual network", space] as const),
              ["docker's bridge", dockerCidr],
            ],
          ] as const,
        ]),
  ];
  for (const [field, own, others] of ranges)
    for (const [name, other] of others)
      if (overlaps(own, other))
        refuse(field, formatCidr(own), `overlaps ${name}, ${formatCidr(other)}`, "a range that nothing else uses");
  wholeNumber(`${input.where}.serviceCidr's prefix length`, serviceCidr.prefix, serviceCidrPrefix, "bits");
  if (dnsServiceIp === undefined) return;
  if (!contains(serviceCidr, dnsServiceIp))
    refuse(
      "dnsServiceIp",
      formatAddr(dnsServiceIp),
      "is outside the service CIDR",
      `an address of ${formatCidr(serviceCidr)}`,
    );
  if (reservedForServices(serviceCidr).includes(dnsServiceIp))
    refuse(
      "dnsServiceIp",
      formatAddr(dnsServiceIp),
      "is reserved (the range itself, the API's .1, broadcast)",
      `another address of ${formatCidr(serviceCidr)}`,
    );
};

const checkNodes = (input: ClusterInput, refuse: Refuse): void => {
  const { nodes, podCidr, vnet } = input;
  if (nodes.length === 0) refuse("nodes", 0, "is no cluster", "at least one node");
  const names = new Set<string>();
  const addresses = new Set<number>();
  nodes.forEach((node, index) => {
    if (names.has(node.name)) refuse(`nodes[${index}].name`, node.name, "is taken", "a name of its own for each node");
    if (addresses.has(node.internalIp))
      refuse(
        `nodes[${index}].internalIp`,
        formatAddr(node.internalIp),
        "is taken",
        "an address of its own for each node",
      );
    if (!vnet.some(space => contains(space, node.internalIp)))
      refuse(
        `nodes[${index}].internalIp`,
        formatAddr(node.internalIp),
        "is outside the virtual network",
        `an address of ${vnet.map(formatCidr).join(", ")}`,
      );
    names.add(node.name);
    addresses.add(node.internalIp);
  });
  if (podCidr === undefined) return;
  const room = nodeShares(podCidr);
  if (nodes.length > room)
    refuse(
      "podCidr",
      formatCidr(podCidr),
      `holds ${room} blocks of /${nodeCidrPrefix}, one a node, and there are ${nodes.length} nodes`,
      `a /${nodeCidrPrefix - Math.ceil(Math.log2(nodes.length))} or larger`,
    );
};

const checkPins = (input: ClusterInput, refuse: Refuse): void => {
  const { plugin, podCidr, vnet, pins } = input;
  const names = new Set<string>();
  const addresses = new Map<number, string>();
  for (const [key, pods] of Object.entries(pins.pods ?? {}))
    pods.forEach((pod, index) => {
      const field = `pins.pods["${key}"][${index}]`;
      const namespace = key.slice(0, key.indexOf("/"));
      if (pod.name !== undefined) {
        if (!/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(pod.name))
          refuse(`${field}.name`, pod.name, "is no pod name", "a-z, 0-9, - and .");
        if (names.has(`${namespace}/${pod.name}`))
          refuse(`${field}.name`, pod.name, "is taken", "a name of its own for each pod");
        names.add(`${namespace}/${pod.name}`);
      }
      if (pod.node !== undefined)
        wholeNumber(
          `${input.where}.${field}.node`,
          pod.node,
          { least: 0, most: Number.POSITIVE_INFINITY },
          "as an index of a node",
        );
      if (pod.deleted !== undefined && pod.created !== undefined && pod.deleted < pod.created)
        refuse(`${field}.deleted`, pod.deleted, "is before it was created", "a later time");
      if (pod.address === undefined) return;
      const text = formatAddr(pod.address);
      if (plugin === "kubenet")
        refuse(
          `${field}.address`,
          text,
          podCidr !== undefined && !contains(podCidr, pod.address) ? "is outside the pod CIDR" : "cannot be pinned",
          `nothing: kubenet gives the addresses of ${podCidr === undefined ? "the pod CIDR" : formatCidr(podCidr)} out in order of creation`,
        );
      if (!vnet.some(space => contains(space, pod.address!)))
        refuse(
          `${field}.address`,
          text,
          "is outside the virtual network",
          `an address of ${vnet.map(formatCidr).join(", ")}`,
        );
      if (addresses.has(pod.address))
        refuse(
          `${field}.address`,
          text,
          `is pinned to ${addresses.get(pod.address)} too`,
          "an address of its own for each pod",
        );
      addresses.set(pod.address, `pins.pods["${key}"]`);
    });
};

/** A number of pods per node that AKS takes. @throws InputError naming `where` */
export const checkMaxPods = (maxPods: number, where: string): number =>
  wholeNumber(where, maxPods, figures.aks.maxPods.value, "pods per node");

/** Refuses what AKS or Kubernetes would refuse. @throws InputError */
export const validate = (input: ClusterInput): void => {
  const refuse: Refuse = (field, value, problem, expected) => {
    throw new InputError({ where: `${input.where}.${field}`, value, problem, expected });
  };
  checkMaxPods(input.maxPods, `${input.where}.maxPods`);
  if (!/^v?1\.11\.\d+$/.test(input.version))
    refuse("version", input.version, "is not modelled", "1.11.x, whose kube-proxy rules are known");
  vmSizeOf(input.vmSize ?? defaultVmSize, `${input.where}.vmSize`);
  checkPlugin(input, refuse);
  checkRanges(input, refuse);
  checkNodes(input, refuse);
  checkPins(input, refuse);
};
