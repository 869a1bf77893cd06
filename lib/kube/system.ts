import type { DeploymentObject, ServiceObject } from "./manifest.js";
import type { ContainerPort, ServicePort } from "./cluster.js";

/**
 * The objects that AKS itself puts into a cluster of the v1.11 era, as listings of such clusters show them (azure-docs, the article).
 * Images are named without tags: nothing here depends on them.
 */

const tcp = (port: number, name?: string): ContainerPort => ({
  ...(name === undefined ? undefined : { name }),
  port,
  protocol: "TCP",
});
const udp = (port: number, name: string): ContainerPort => ({ name, port, protocol: "UDP" });

const deployment = (
  name: string,
  image: string,
  replicas: number,
  labels: Readonly<Record<string, string>>,
  ports: readonly ContainerPort[],
): DeploymentObject => ({
  kind: "Deployment",
  namespace: "kube-system",
  name,
  labels,
  replicas,
  selector: labels,
  podLabels: labels,
  image,
  ports,
  hostNetwork: false,
});

const service = (
  name: string,
  type: ServiceObject["type"],
  selector: Readonly<Record<string, string>>,
  ports: readonly ServicePort[],
): ServiceObject => ({
  kind: "Service",
  namespace: "kube-system",
  name,
  labels: selector,
  type,
  selector,
  ports,
});

/** kube-dns asks the cluster for this address instead of drawing one. */
export const dnsService = "kube-system/kube-dns";
/** Its address is the first of the service CIDR, and its endpoint is the API server. */
export const apiService = "default/kubernetes";

const app = (name: string) => ({ "k8s-app": name });

/** Six pods with addresses of their own, and what runs before them. */
export const systemDeployments: readonly DeploymentObject[] = [
  deployment("heapster", "k8s.gcr.io/heapster-amd64", 1, app("heapster"), [tcp(8082)]),
  deployment("kube-dns-v20", "k8s.gcr.io/k8s-dns-kube-dns-amd64", 2, app("kube-dns"), [
    udp(53, "dns"),
    tcp(53, "dns-tcp"),
  ]),
  deployment("kubernetes-dashboard", "k8s.gcr.io/kubernetes-dashboard-amd64", 1, app("kubernetes-dashboard"), [
    tcp(9090),
  ]),
  deployment("metrics-server", "k8s.gcr.io/metrics-server-amd64", 1, app("metrics-server"), [tcp(443)]),
  deployment("tunnelfront", "docker.io/deis/hcp-tunnel-front", 1, { component: "tunnel" }, []),
];

export const systemServices: readonly ServiceObject[] = [
  {
    kind: "Service",
    namespace: "default",
    name: "kubernetes",
    labels: { component: "apiserver", provider: "kubernetes" },
    type: "ClusterIP",
    selector: {},
    ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 443 }],
  },
  service("heapster", "ClusterIP", app("heapster"), [{ port: 80, protocol: "TCP", targetPort: 8082 }]),
  service("kube-dns", "ClusterIP", app("kube-dns"), [
    { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
    { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
  ]),
  service("kubernetes-dashboard", "ClusterIP", app("kubernetes-dashboard"), [
    { port: 80, protocol: "TCP", targetPort: 9090 },
  ]),
  service("metrics-server", "ClusterIP", app("metrics-server"), [{ port: 443, protocol: "TCP", targetPort: 443 }]),
];

/** One pod of each on every node, on the host network. */
export const systemDaemons: readonly {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
}[] = [
  { name: "kube-proxy", image: "k8s.gcr.io/hyperkube-amd64", labels: { component: "kube-proxy", tier: "node" } },
  { name: "kube-svc-redirect", image: "docker.io/deis/kube-svc-redirect", labels: { component: "kube-svc-redirect" } },
];

/** The same, where ip-masq-agent writes the masquerade rules. */
export const masqueradeDaemon: (typeof systemDaemons)[number] = {
  name: "azure-ip-masq-agent",
  image: "k8s.gcr.io/ip-masq-agent-amd64",
  labels: app("azure-ip-masq-agent"),
};

const routing = "addon-http-application-routing";
const routingApp = (name: string) => ({ app: `${routing}-${name}` });

/**
 * The add-on http_application_routing: an nginx ingress controller behind a public load balancer, its default backend, and external-dns.
 * nginx answers as itself; the way from it to an ingress's service is layer 7 and is not modelled.
 */
export const httpApplicationRouting: {
  readonly deployments: readonly DeploymentObject[];
  readonly services: readonly ServiceObject[];
} = {
  deployments: [
    deployment(`${routing}-default-http-backend`, "k8s.gcr.io/defaultbackend", 1, routingApp("default-http-backend"), [
      tcp(8080),
    ]),
    deployment(
      `${routing}-external-dns`,
      "registry.opensource.zalan.do/teapot/external-dns",
      1,
      routingApp("external-dns"),
      [],
    ),
    deployment(
      `${routing}-nginx-ingress-controller`,
      "quay.io/kubernetes-ingress-controller/nginx-ingress-controller",
      1,
      routingApp("ingress-nginx"),
      [tcp(80, "http"), tcp(443, "https")],
    ),
  ],
  services: [
    service(`${routing}-default-http-backend`, "ClusterIP", routingApp("default-http-backend"), [
      { port: 80, protocol: "TCP", targetPort: 8080 },
    ]),
    service(`${routing}-nginx-ingress`, "LoadBalancer", routingApp("ingress-nginx"), [
      { name: "http", port: 80, protocol: "TCP", targetPort: "http" },
      { name: "https", port: 443, protocol: "TCP", targetPort: "https" },
    ]),
  ],
};
