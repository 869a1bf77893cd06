import { formatAddr } from "../ip/addr.js";
import { formatCidr } from "../ip/cidr.js";
import type { Cluster, ContainerPort, Deployment, Ingress, Node, PendingPod, Pod, Service } from "../kube/cluster.js";
import type { Data } from "./document.js";
import { timestamp } from "./duration.js";
import { podsOf, runs } from "../kube/lookUp.js";
import { formatIngressAddress, formatVersion } from "./kubectlText.js";

/** A Kubernetes object as the API server of v1.11 gives it out, less what only the server knows (uid, resourceVersion). */
export interface ApiObject {
  readonly [key: string]: Data | undefined;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly [key: string]: Data | undefined };
}

const metadata = (item: {
  readonly name: string;
  readonly created: number;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}) => ({
  name: item.name,
  namespace: item.namespace,
  labels: item.labels !== undefined && Object.keys(item.labels).length > 0 ? item.labels : undefined,
  creationTimestamp: timestamp(item.created),
});

const containers = (name: string, image: string, ports: readonly ContainerPort[]): Data => [
  {
    name,
    image,
    ports:
      ports.length === 0
        ? undefined
        : ports.map(port => ({ name: port.name, containerPort: port.port, protocol: port.protocol })),
  },
];

const ready = (since: number): Data => [{ type: "Ready", status: "True", lastTransitionTime: timestamp(since) }];

/** A node as an object: addresses, podCIDR, versions. */
export const nodeObject = (cluster: Cluster, node: Node): ApiObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: metadata(node),
  spec: { podCIDR: node.podCidr === undefined ? undefined : formatCidr(node.podCidr) },
  status: {
    addresses: [
      { type: "InternalIP", address: formatAddr(node.internalIp) },
      { type: "Hostname", address: node.name },
    ],
    capacity: { pods: String(cluster.maxPods) },
    conditions: ready(node.created),
    nodeInfo: {
      containerRuntimeVersion: node.containerRuntime,
      kernelVersion: node.kernelVersion,
      kubeletVersion: formatVersion(cluster.version),
      kubeProxyVersion: formatVersion(cluster.version),
      operatingSystem: "linux",
      osImage: node.osImage,
    },
  },
});

/** A pod as an object. Its container bears the name of the deployment that selects it, or its own. */
export const podObject = (cluster: Cluster, pod: Pod | PendingPod): ApiObject =>
  runs(pod) ? runningPod(cluster, pod) : pendingPod(cluster, pod);

const ownerOf = (cluster: Cluster, pod: Pod | PendingPod): Deployment | undefined =>
  cluster.deployments.find(deployment => podsOf(cluster, deployment).includes(pod));

const runningPod = (cluster: Cluster, pod: Pod): ApiObject => {
  const host = cluster.nodes.find(node => node.name === pod.node);
  const container = ownerOf(cluster, pod)?.name ?? pod.name;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(pod),
    spec: {
      containers: containers(container, pod.image, pod.ports),
      hostNetwork: pod.hostNetwork ? true : undefined,
      nodeName: pod.node,
      restartPolicy: "Always",
    },
    status: {
      conditions: ready(pod.created),
      containerStatuses: [
        {
          name: container,
          image: pod.image,
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: timestamp(pod.created) } },
        },
      ],
      hostIP: host === undefined ? undefined : formatAddr(host.internalIp),
      phase: "Running",
      podIP: formatAddr(pod.ip),
      startTime: timestamp(pod.created),
    },
  };
};

const pendingPod = (cluster: Cluster, pod: PendingPod): ApiObject => {
  const owner = ownerOf(cluster, pod);
  const { reason } = pod;
  const scheduled =
    reason.kind === "no-address"
      ? { type: "PodScheduled", status: "True" }
      : {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable",
          message: `0/${reason.nodes} nodes are available: ${reason.nodes} Insufficient pods.`,
        };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(pod),
    spec: {
      containers: owner === undefined ? [] : containers(owner.name, owner.image, owner.ports),
      nodeName: reason.kind === "no-address" ? reason.node : undefined,
      restartPolicy: "Always",
    },
    status: { conditions: [{ ...scheduled, lastTransitionTime: timestamp(pod.created) }], phase: "Pending" },
  };
};

/** A service as an object. */
export const serviceObject = (service: Service): ApiObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata(service),
  spec: {
    clusterIP: formatAddr(service.clusterIp),
    externalTrafficPolicy: service.type === "ClusterIP" ? undefined : "Cluster",
    ports: service.ports.map(port => ({
      name: port.name,
      nodePort: port.nodePort,
      port: port.port,
      protocol: port.protocol,
      targetPort: port.targetPort,
    })),
    selector: Object.keys(service.selector).length === 0 ? undefined : service.selector,
    sessionAffinity: "None",
    type: service.type,
  },
  status: {
    loadBalancer: service.externalIp === undefined ? {} : { ingress: [{ ip: formatAddr(service.externalIp) }] },
  },
});

/** A deployment as an object of extensions/v1beta1, the version that kubectl 1.11 asks for. */
export const deploymentObject = (cluster: Cluster, deployment: Deployment): ApiObject => {
  const pods = podsOf(cluster, deployment);
  const running = pods.filter(runs).length;
  return {
    apiVersion: "extensions/v1beta1",
    kind: "Deployment",
    metadata: metadata(deployment),
    spec: {
      replicas: deployment.replicas,
      selector: { matchLabels: deployment.selector },
      template: {
        metadata: { labels: deployment.selector },
        spec: { containers: containers(deployment.name, deployment.image, deployment.ports) },
      },
    },
    status: { availableReplicas: running, readyReplicas: running, replicas: pods.length, updatedReplicas: pods.length },
  };
};

/** An ingress as an object of extensions/v1beta1. */
export const ingressObject = (cluster: Cluster, ingress: Ingress): ApiObject => {
  const hosts = [...new Set(ingress.rules.map(rule => rule.host))];
  const paths = (host: string) =>
    ingress.rules
      .filter(rule => rule.host === host)
      .map(rule => ({ path: rule.path, backend: { serviceName: rule.service, servicePort: rule.port } }));
  const address = formatIngressAddress(cluster, ingress);
  return {
    apiVersion: "extensions/v1beta1",
    kind: "Ingress",
    metadata: { ...metadata(ingress), annotations: { "kubernetes.io/ingress.class": ingress.class } },
    spec: {
      rules: hosts.map(host => ({
        host: host === "" || host === "*" ? undefined : host,
        http: { paths: paths(host) },
      })),
    },
    status: { loadBalancer: address === "" ? {} : { ingress: [{ ip: address }] } },
  };
};

/** Several objects as the one that `kubectl get -o json` prints. */
export const listOf = (items: readonly ApiObject[]): ApiObject => ({
  apiVersion: "v1",
  kind: "List",
  metadata: { resourceVersion: "", selfLink: "" },
  items,
});
