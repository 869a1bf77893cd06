import { eras } from "../azure/era.js";
import { type Surge, checkSurge } from "../azure/surge.js";
import { type Check, boolean, list, number, object, oneOf, optional, record, text } from "../shape.js";
import type { ClusterSpec, LoadBalancerSpec, Manifest, PinnedPod, Pins, Scenario, VmSpec } from "./scenario.js";

const hostName = text(
  "a name: a-z, A-Z, 0-9 and -, at most 63 characters",
  /^[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/,
);
const azureName = text("a name: a-z, A-Z, 0-9, -, _ and ., at most 80 characters", /^[A-Za-z0-9](?:[-\w.]{0,78}\w)?$/);
const dnsName = text(
  "a host name: example.com",
  /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
);

const address = text("an address: 10.13.76.4");
const range = text("a range: 10.13.0.0/16");
const time = text("a time: 2019-02-12T22:09:37Z");

const key = "namespace/name";
const namespaced = /^[^/]+\/[^/]+$/;

const vm: Check<VmSpec> = object<VmSpec>("a machine", {
  name: hostName,
  subnet: text("a subnet's name"),
  address: optional(address),
  publicAddress: optional(address),
  user: text("an account: a-z, 0-9, - and _, at most 32 characters", /^[a-z_][-a-z0-9_]{0,31}$/),
});

const loadBalancer: Check<LoadBalancerSpec> = object<LoadBalancerSpec>("a load balancer", {
  sku: oneOf("load balancer SKU", "Basic", "Standard"),
  frontendSelection: oneOf("frontend selection", "random", "first"),
  outboundIps: optional(number),
  allocatedOutboundPorts: optional(number),
  idleTimeoutMinutes: optional(number),
  tcpReset: optional(boolean),
  era: optional(oneOf("era", ...eras)),
});

const manifest: Check<Manifest> = object<Manifest>("a manifest", {
  file: text("a file name"),
  yaml: text("YAML", /^/),
  appliedAt: optional(time),
});

const pinnedPod: Check<PinnedPod> = object<PinnedPod>("a pinned pod", {
  name: optional(text("a pod's name", /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/)),
  node: optional(number),
  address: optional(address),
  created: optional(time),
  deleted: optional(time),
});

const pins: Check<Pins> = object<Pins>("pins", {
  nodePoolId: optional(text("eight digits", /^\d{8}$/)),
  nodeAddresses: optional(list(address)),
  publicAddresses: optional(record(address, key, namespaced)),
  clusterIps: optional(record(address, key, namespaced)),
  nodePorts: optional(record(record(number, "a port", /^\d+$/), key, namespaced)),
  pods: optional(record(list(pinnedPod), key, namespaced)),
  created: optional(
    record(
      time,
      "Node/NAME, Service/NAMESPACE/NAME, Deployment/NAMESPACE/NAME or Addon/NAME",
      /^(?:(?:Node|Addon)\/[^/]+|(?:Service|Deployment)\/[^/]+\/[^/]+)$/,
    ),
  ),
  kubeletPid: optional(number),
});

const surge: Check<Surge> = (value, where) => checkSurge(value as Surge, where);

const cluster: Check<ClusterSpec> = object<ClusterSpec>("a cluster", {
  name: text("a name: a-z, A-Z, 0-9, - and _, at most 63 characters", /^[A-Za-z0-9](?:[-\w]{0,61}[A-Za-z0-9])?$/),
  plugin: oneOf("network plugin", "azure-cni", "kubenet"),
  subnet: text("a subnet's name"),
  nodeCount: number,
  maxSurge: optional(surge),
  maxPods: optional(number),
  version: optional(text("a version: 1.11.5", /^\d+\.\d+\.\d+$/)),
  serviceCidr: optional(range),
  dnsServiceIp: optional(address),
  podCidr: optional(range),
  nonMasqueradeCidr: optional(range),
  masqueradeBy: optional(oneOf("masquerading agent", "azure-vnet", "ip-masq-agent")),
  loadBalancer,
  addons: list(oneOf("add-on", "http_application_routing")),
  manifests: list(manifest),
  scale: optional(record(number, "a deployment's name")),
  pins: optional(pins),
});

const scenario: Check<Scenario> = object<Scenario>("a scenario", {
  name: text("a name"),
  seed: number,
  resourceGroup: azureName,
  location: text("a location: westeurope", /^[a-z0-9]+$/),
  vnet: object<Scenario["vnet"]>("a virtual network", {
    name: azureName,
    addressSpace: list(range),
    subnets: list(object<Scenario["vnet"]["subnets"][number]>("a subnet", { name: azureName, prefix: range })),
  }),
  vms: list(vm),
  clusters: list(cluster),
  sites: list(object<Scenario["sites"][number]>("a site", { name: dnsName, address })),
  era: optional(oneOf("era", ...eras)),
  startsAt: time,
});

/**
 * Checks the shape of a scenario, which may be JSON of any origin: every field known, none missing, each of its kind.
 * What the values mean together is checked when it is built.
 * @throws InputError naming the field's path, its value and what would be right
 */
export const readScenario = (value: unknown): Scenario => scenario(value, "scenario");
