import { formatAddr } from "../ip/addr.js";
import type {
  Cluster,
  Deployment,
  Ingress,
  Node,
  PendingPod,
  Pod,
  Service,
  ServicePort,
  Time,
} from "../kube/cluster.js";
import { ingressAddress, podsOf, runs } from "../kube/lookUp.js";
import { age } from "./duration.js";
import { type Column, printTable } from "./table.js";

/** How `kubectl get` is asked to print a table. */
export interface TableOptions {
  /** `-o wide`. */
  readonly wide?: boolean;
  /** `--all-namespaces`: a first column with the namespace. */
  readonly allNamespaces?: boolean;
  /** Seconds since the epoch; ages are counted to it. */
  readonly now: Time;
}

const none = "<none>";

/** `app=web,tier=front`, keys in order; `<none>` for no labels. */
const formatLabels = (labels: Readonly<Record<string, string>>): string =>
  Object.keys(labels)
    .sort()
    .map(key => `${key}=${labels[key]}`)
    .join(",") || none;

const ageColumn = (now: Time): Column<{ readonly created: Time }> => ({
  name: "AGE",
  value: item => age(item.created, now),
});

const namespaceColumn = (options: TableOptions): readonly Column<{ readonly namespace: string }>[] =>
  options.allNamespaces === true ? [{ name: "NAMESPACE", value: item => item.namespace }] : [];

/** A Kubernetes version with its leading v, as nodes report it. */
export const formatVersion = (version: string): string => `v${version.replace(/^v/, "")}`;

/** `kubectl get node` for some nodes of a cluster. Nodes of the model are always Ready. */
export const printNodes = (cluster: Cluster, nodes: readonly Node[], options: TableOptions): string =>
  printTable<Node>(
    [
      { name: "NAME", value: node => node.name },
      { name: "STATUS", value: () => "Ready" },
      { name: "ROLES", value: node => node.role || none },
      ageColumn(options.now),
      { name: "VERSION", value: () => formatVersion(cluster.version) },
      { name: "INTERNAL-IP", wide: true, value: node => formatAddr(node.internalIp) },
      { name: "EXTERNAL-IP", wide: true, value: () => none },
      { name: "OS-IMAGE", wide: true, value: node => node.osImage },
      { name: "KERNEL-VERSION", wide: true, value: node => node.kernelVersion },
      { name: "CONTAINER-RUNTIME", wide: true, value: node => node.containerRuntime },
    ],
    nodes,
    options,
  );

/** The node that a pod was given, if any. */
const nodeOf = (pod: Pod | PendingPod): string =>
  runs(pod) ? pod.node : pod.reason.kind === "no-address" ? pod.reason.node : none;

const podStatus = (pod: Pod | PendingPod): string =>
  runs(pod) ? "Running" : pod.reason.kind === "no-address" ? "ContainerCreating" : "Pending";

/** `kubectl get pod`. Pods that have a node and an address run from their first second, with one container each. */
export const printPods = (pods: readonly (Pod | PendingPod)[], options: TableOptions): string =>
  printTable<Pod | PendingPod>(
    [
      ...namespaceColumn(options),
      { name: "NAME", value: pod => pod.name },
      { name: "READY", value: pod => (runs(pod) ? "1/1" : "0/1") },
      { name: "STATUS", value: podStatus },
      { name: "RESTARTS", value: () => "0" },
      ageColumn(options.now),
      { name: "IP", wide: true, value: pod => (runs(pod) ? formatAddr(pod.ip) : none) },
      { name: "NODE", wide: true, value: nodeOf },
      { name: "NOMINATED NODE", wide: true, value: () => none },
    ],
    pods,
    options,
  );

const externalIp = (service: Service): string => {
  if (service.type !== "LoadBalancer") return none;
  return service.externalIp === undefined ? "<pending>" : formatAddr(service.externalIp);
};

const formatPort = (port: ServicePort): string =>
  `${port.port}${port.nodePort === undefined ? "" : `:${port.nodePort}`}/${port.protocol}`;

/** `kubectl get svc`. */
export const printServices = (services: readonly Service[], options: TableOptions): string =>
  printTable<Service>(
    [
      ...namespaceColumn(options),
      { name: "NAME", value: service => service.name },
      { name: "TYPE", value: service => service.type },
      { name: "CLUSTER-IP", value: service => formatAddr(service.clusterIp) },
      { name: "EXTERNAL-IP", value: externalIp },
      { name: "PORT(S)", value: service => service.ports.map(formatPort).join(",") || none },
      ageColumn(options.now),
      { name: "SELECTOR", wide: true, value: service => formatLabels(service.selector) },
    ],
    services,
    options,
  );

/** `kubectl get deployment`. The only container bears the deployment's name. */
export const printDeployments = (
  cluster: Cluster,
  deployments: readonly Deployment[],
  options: TableOptions,
): string => {
  const current = (deployment: Deployment): string => String(podsOf(cluster, deployment).length);
  return printTable<Deployment>(
    [
      ...namespaceColumn(options),
      { name: "NAME", value: deployment => deployment.name },
      { name: "DESIRED", value: deployment => String(deployment.replicas) },
      { name: "CURRENT", value: current },
      { name: "UP-TO-DATE", value: current },
      { name: "AVAILABLE", value: deployment => String(podsOf(cluster, deployment).filter(runs).length) },
      ageColumn(options.now),
      { name: "CONTAINERS", wide: true, value: deployment => deployment.name },
      { name: "IMAGES", wide: true, value: deployment => deployment.image },
      { name: "SELECTOR", wide: true, value: deployment => formatLabels(deployment.selector) },
    ],
    deployments,
    options,
  );
};

/** The address as kubectl shows it: nothing as long as there is none. */
export const formatIngressAddress = (cluster: Cluster, ingress: Ingress): string => {
  const address = ingressAddress(cluster, ingress);
  return address === undefined ? "" : formatAddr(address);
};

/** `kubectl get ingress`. */
export const printIngresses = (cluster: Cluster, ingresses: readonly Ingress[], options: TableOptions): string =>
  printTable<Ingress>(
    [
      ...namespaceColumn(options),
      { name: "NAME", value: ingress => ingress.name },
      { name: "HOSTS", value: ingress => [...new Set(ingress.rules.map(rule => rule.host || "*"))].join(",") },
      { name: "ADDRESS", value: ingress => formatIngressAddress(cluster, ingress) },
      { name: "PORTS", value: () => "80" },
      ageColumn(options.now),
    ],
    ingresses,
    options,
  );
