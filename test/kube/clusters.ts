import { InputError } from "../../lib/errors.js";
import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidr, nth } from "../../lib/ip/cidr.js";
import type { ClusterInput } from "../../lib/kube/clusterInput.js";
import { parseManifest } from "../../lib/kube/manifest.js";

const app = (name: string, service: "LoadBalancer" | "ClusterIP") => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
      - name: web
        image: example/whereami
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  type: ${service}
  selector: {app: ${name}}
  ports:
  - port: 80
`;

const wide = cidr("10.0.0.0/8");

export const start = 1_547_500_000;
export const whereami = parseManifest(app("whereami", "LoadBalancer"), "whereami.yaml");
export const whereamiIngress = parseManifest(
  `${app("whereami-ingress", "ClusterIP")}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: whereami-ingress
  annotations: {kubernetes.io/ingress.class: addon-http-application-routing}
spec:
  rules:
  - host: whereami.example.aksapp.io
    http:
      paths:
      - {path: /, backend: {serviceName: whereami-ingress, servicePort: 80}}
`,
  "whereami-ingress.yaml",
);

const publicAddresses: Readonly<Record<string, string>> = {
  "default/whereami": "137.117.164.147",
  "kube-system/addon-http-application-routing-nginx-ingress": "104.214.236.151",
};
const common = {
  where: "clusters[0]",
  version: "1.11.5",
  serviceCidr: cidr("10.0.0.0/16"),
  dnsServiceIp: addr("10.0.0.10"),
  vnet: [cidr("10.13.0.0/16")],
  addons: [],
  manifests: [],
  scale: {},
  pins: {},
  publicAddress: (key: string): Addr => addr(publicAddresses[key] ?? "203.0.113.80"),
  apiServer: addr("203.0.113.1"),
  seed: 1,
  created: start,
} as const;

/** A kubenet cluster with nothing in it but the system. */
export const kubenet = (nodes = 2, change: Partial<ClusterInput> = {}): ClusterInput => ({
  ...common,
  name: "kubenetcluster",
  plugin: "kubenet",
  maxPods: 110,
  podCidr: cidr("192.168.0.0/16"),
  nodeResourceGroup: "MC_akstest_kubenetcluster_westeurope",
  nodes: Array.from({ length: nodes }, (_, index) => ({
    name: `aks-nodepool1-35377101-${index}`,
    internalIp: nth(cidr("10.13.64.0/18"), 3332 + index),
    created: start + 240,
  })),
  ...change,
});

/** An azure-cni cluster with nothing in it but the system. */
export const azureCni = (nodes = 1, change: Partial<ClusterInput> = {}): ClusterInput => {
  const maxPods = change.maxPods ?? 30;
  return {
    ...common,
    name: "azurecluster",
    plugin: "azure-cni",
    masqueradeBy: "azure-vnet",
    maxPods,
    nodeResourceGroup: "MC_akstest_azurecluster_westeurope",
    vnet: [wide],
    serviceCidr: cidr("172.30.0.0/16"),
    dnsServiceIp: addr("172.30.0.10"),
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `aks-nodepool1-26711606-${index}`,
      internalIp: nth(wide, 0x0d4c04 + index * (maxPods + 1)),
      podAddresses: Array.from({ length: maxPods }, (_unused, pod) =>
        nth(wide, 0x0d4c05 + index * (maxPods + 1) + pod),
      ),
      created: start + 240,
    })),
    ...change,
  };
};

/** The article's kubenet cluster: which pod landed where is pinned, its address is not. */
export const articleKubenet = (change: Partial<ClusterInput> = {}): ClusterInput =>
  kubenet(2, {
    nodes: [
      { name: "aks-nodepool1-35377101-0", internalIp: addr("10.13.77.5"), created: start + 240 },
      { name: "aks-nodepool1-35377101-1", internalIp: addr("10.13.77.4"), created: start + 250 },
    ],
    manifests: [
      { objects: whereami, appliedAt: start + 3120 },
      { objects: whereamiIngress, appliedAt: start + 3300 },
    ],
    addons: [{ name: "http_application_routing", enabledAt: start + 3180 }],
    pins: {
      pods: {
        "kube-system/heapster": [
          { node: 0, deleted: start + 480 },
          { node: 0, created: start + 480, deleted: start + 3240 },
          { node: 1, created: start + 3240 },
        ],
        "kube-system/addon-http-application-routing-default-http-backend": [{ node: 1 }],
        "kube-system/addon-http-application-routing-external-dns": [{ node: 1 }],
        "kube-system/addon-http-application-routing-nginx-ingress-controller": [{ node: 1 }],
        "default/whereami": [
          { name: "whereami-564765b89-z7p82", node: 0 },
          { name: "whereami-564765b89-d8rdb", node: 1 },
        ],
        "default/whereami-ingress": [
          { name: "whereami-ingress-7f97d7c96f-2lqxf", node: 0 },
          { name: "whereami-ingress-7f97d7c96f-66vvv", node: 1 },
        ],
      },
    },
    ...change,
  });

/** The message of the InputError that an action throws. */
export const messageOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error("expected an InputError");
};
