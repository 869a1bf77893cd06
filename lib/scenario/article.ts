import { InputError } from "../errors.js";
import { scenarioAt } from "./edit.js";
import { whereami, whereamiIngress } from "./manifests.js";
import type { ClusterSpec, PinnedPod, Pins, Scenario } from "./scenario.js";

/**
 * The article shows times of day (UTC, in its captures) and ages, but no date: the day is ours.
 * Creation times are chosen so that each age that the article shows follows from them at the moment when it was shown.
 */
const day = (time: string): string => `2019-02-12T${time}Z`;

const addon = "http_application_routing";
const routing = "kube-system/addon-http-application-routing";

/** The pods that AKS runs in kube-system from the start. */
const systemDeployments = ["heapster", "kube-dns-v20", "kubernetes-dashboard", "metrics-server", "tunnelfront"].map(
  name => `kube-system/${name}`,
);
const systemServices = ["heapster", "kube-dns", "kubernetes-dashboard", "metrics-server"];

const azurePins = {
  nodePoolId: "26711606",
  publicAddresses: {
    "default/whereami": "104.45.15.171",
    [`${routing}-nginx-ingress`]: "104.46.56.131",
  },
  clusterIps: {
    "default/whereami": "10.0.134.154",
    "default/whereami-ingress": "10.0.82.109",
    [`${routing}-default-http-backend`]: "10.0.209.122",
    [`${routing}-nginx-ingress`]: "10.0.120.136",
    "kube-system/heapster": "10.0.157.125",
    "kube-system/kubernetes-dashboard": "10.0.42.100",
    "kube-system/metrics-server": "10.0.28.34",
  },
  nodePorts: {
    "default/whereami": { 80: 32188 },
    [`${routing}-nginx-ingress`]: { 80: 31474, 443: 30562 },
  },
  pods: {
    "default/whereami": [
      { name: "whereami-564765b89-vdkjd", node: 0, address: "10.13.76.13" },
      { name: "whereami-564765b89-xcvjm", node: 0, address: "10.13.76.28" },
    ],
    "default/whereami-ingress": [
      { name: "whereami-ingress-7f97d7c96f-6ws82", node: 0 },
      { name: "whereami-ingress-7f97d7c96f-qcf6p", node: 0 },
    ],
  },
  created: {
    "Service/default/kubernetes": day("21:47:40"),
    ...Object.fromEntries(systemServices.map(name => [`Service/kube-system/${name}`, day("21:48:20")])),
    "Node/aks-nodepool1-26711606-0": day("21:52:00"),
    [`Addon/${addon}`]: day("22:27:20"),
  },
} satisfies Pins;

/** kubenet gives addresses in a row, so the addresses shown tell how many pods had one before; which pods these were is inferred. */
const firstNode: PinnedPod = { node: 0 };

const kubenetPins = {
  nodePoolId: "35377101",
  nodeAddresses: ["10.13.77.5", "10.13.77.4"],
  publicAddresses: {
    "default/whereami": "137.117.164.147",
    [`${routing}-nginx-ingress`]: "104.214.236.151",
  },
  clusterIps: {
    "default/whereami": "10.0.58.118",
    "default/whereami-ingress": "10.0.186.51",
    [`${routing}-default-http-backend`]: "10.0.254.32",
    [`${routing}-nginx-ingress`]: "10.0.128.165",
    "kube-system/heapster": "10.0.165.163",
    "kube-system/kubernetes-dashboard": "10.0.80.140",
    "kube-system/metrics-server": "10.0.45.29",
  },
  nodePorts: {
    "default/whereami": { 80: 30694 },
    [`${routing}-nginx-ingress`]: { 80: 30058, 443: 30733 },
  },
  pods: {
    ...Object.fromEntries(systemDeployments.map(key => [key, [firstNode]])),
    "kube-system/kube-dns-v20": [firstNode, firstNode],
    // Seven addresses were gone on node 0 before .9 was given: the system's six pods, and heapster again,
    // which its autoscaler replaces soon after the start.
    "kube-system/heapster": [
      { node: 0, deleted: day("21:58:00") },
      { node: 0, created: day("21:58:00") },
    ],
    "default/whereami": [
      { name: "whereami-564765b89-d8rdb", node: 1 },
      { name: "whereami-564765b89-z7p82", node: 0 },
    ],
    // Four addresses of node 1 went between .2 and .7: the add-on's three pods, and one of them again.
    // When that one went is not known, only that it was gone.
    [`${routing}-default-http-backend`]: [{ node: 1 }],
    [`${routing}-external-dns`]: [{ node: 1 }],
    [`${routing}-nginx-ingress-controller`]: [{ node: 1, deleted: day("23:10:00") }, { node: 1 }],
    "default/whereami-ingress": [
      { name: "whereami-ingress-7f97d7c96f-2lqxf", node: 0 },
      { name: "whereami-ingress-7f97d7c96f-66vvv", node: 1 },
    ],
  },
  created: {
    "Service/default/kubernetes": day("21:52:00"),
    "Node/aks-nodepool1-35377101-0": day("21:56:00"),
    "Node/aks-nodepool1-35377101-1": day("21:56:00"),
    [`Addon/${addon}`]: day("22:45:00"),
  },
  kubeletPid: 3668,
} satisfies Pins;

/**
 * What the article shows of Azure's and Kubernetes' draws, by cluster: pinned, not derived.
 * Everything else in {@link articleScenario} follows from rules.
 */
export const articlePins = { azurecluster: azurePins, kubenetcluster: kubenetPins } as const;

const azurecluster: ClusterSpec = {
  name: "azurecluster",
  plugin: "azure-cni",
  subnet: "azurecni",
  nodeCount: 1,
  maxPods: 30,
  version: "1.11.5",
  masqueradeBy: "azure-vnet",
  loadBalancer: { sku: "Basic", frontendSelection: "first" },
  addons: [addon],
  manifests: [
    { ...whereami, appliedAt: day("21:59:15") },
    { ...whereamiIngress, appliedAt: day("22:28:17") },
  ],
  pins: azurePins,
};

const kubenetcluster: ClusterSpec = {
  name: "kubenetcluster",
  plugin: "kubenet",
  subnet: "kubenet",
  nodeCount: 2,
  maxPods: 110,
  version: "1.11.5",
  podCidr: "192.168.0.0/16",
  loadBalancer: { sku: "Basic", frontendSelection: "first" },
  addons: [addon],
  manifests: [
    { ...whereami, appliedAt: day("22:44:00") },
    { ...whereamiIngress, appliedAt: day("22:47:00") },
  ],
  pins: kubenetPins,
};

/** One point of the article at which it runs commands. */
export interface Moment {
  /** RFC 3339. */
  readonly at: string;
  /** The cluster that kubectl talks to. */
  readonly cluster: "azurecluster" | "kubenetcluster";
  /** What is run there. */
  readonly runs: string;
}

/**
 * The article's moments in order. Ages fix some of them to within seconds: on the Azure CNI cluster whereami is 11m old at
 * `azureStatus`, 29m at `azureServices` and 31m at `azurePods`. The captures fix the pings.
 */
export const articleMoments = {
  azureStatus: { at: day("22:10:30"), cluster: "azurecluster", runs: "get node, pod and svc" },
  azurePing: { at: day("22:11:26"), cluster: "azurecluster", runs: "ping from a pod to the VM, captured at the VM" },
  azureCurl: { at: day("22:14:00"), cluster: "azurecluster", runs: "curl from a pod to ifconfig.co" },
  azureSku: { at: day("22:16:00"), cluster: "azurecluster", runs: "az network lb list" },
  azureServices: {
    at: day("22:28:50"),
    cluster: "azurecluster",
    runs: "get svc in all namespaces, with the add-on and the ingress",
  },
  azurePods: { at: day("22:30:30"), cluster: "azurecluster", runs: "get pods" },
  azureIngressCurl: {
    at: day("22:31:00"),
    cluster: "azurecluster",
    runs: "curl from a pod behind the ingress to ifconfig.co",
  },
  kubenetStatus: { at: day("22:48:30"), cluster: "kubenetcluster", runs: "get node, pod and svc in all namespaces" },
  kubenetPing: {
    at: day("22:49:39"),
    cluster: "kubenetcluster",
    runs: "ping from a pod to the VM, captured at the VM",
  },
  kubenetPodToPod: {
    at: day("23:00:24"),
    cluster: "kubenetcluster",
    runs: "ping from pod to pod, captured at the other pod",
  },
  kubenetRules: { at: day("23:03:00"), cluster: "kubenetcluster", runs: "iptables on a node" },
  kubenetKubelet: { at: day("23:05:00"), cluster: "kubenetcluster", runs: "systemctl status kubelet on a node" },
  kubenetCurl: { at: day("23:10:00"), cluster: "kubenetcluster", runs: "curl from each pod to ifconfig.co" },
} as const satisfies Readonly<Record<string, Moment>>;

/**
 * The article's two clusters and its VM in one virtual network, as at the end of the article.
 * Earlier states: {@link articleAt}.
 *
 * Not in the article and chosen here: the network's, subnets' and first cluster's names, the VM's public address
 * (it has one, as its owner logs in) and the address of ifconfig.co, both from documentation ranges; nothing derived depends on them.
 */
export const articleScenario: Scenario = {
  name: "article",
  seed: 2019,
  resourceGroup: "akstest",
  location: "westeurope",
  vnet: {
    name: "aksVnet",
    addressSpace: ["10.13.0.0/16"],
    subnets: [
      { name: "azurecni", prefix: "10.13.76.0/24" },
      { name: "kubenet", prefix: "10.13.77.0/24" },
      { name: "vms", prefix: "10.13.1.0/24" },
    ],
  },
  vms: [{ name: "testvm", subnet: "vms", publicAddress: "198.51.100.4", user: "jose" }],
  clusters: [azurecluster, kubenetcluster],
  era: "2018",
  sites: [{ name: "ifconfig.co", address: "203.0.113.10" }],
  startsAt: articleMoments.kubenetCurl.at,
};

/**
 * The article's scenario as it was at one of its moments: only what had been applied and enabled by then.
 * @throws InputError for a moment that the article does not have
 */
export const articleAt = (moment: keyof typeof articleMoments): Scenario => {
  if (!Object.hasOwn(articleMoments, moment))
    throw new InputError({
      where: "articleAt",
      value: moment,
      problem: "is no moment of the article",
      expected: Object.keys(articleMoments).join(", "),
    });
  return scenarioAt(articleScenario, articleMoments[moment].at);
};
