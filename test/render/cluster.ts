import { addr } from "../../lib/ip/addr.js";
import { cidr } from "../../lib/ip/cidr.js";
import type { Cluster } from "../../lib/kube/cluster.js";

/** 22:00:00 on the day that the small cluster was made. */
export const now = Date.UTC(2018, 11, 5, 22) / 1000;

const minutes = (count: number): number => now - count * 60;
const labels = { app: "web" };
const ports = [{ port: 80, protocol: "TCP" as const }];

/** A small cluster of typed values, made by hand: what the printers are given in their tests. */
export const cluster: Cluster = {
  name: "small",
  version: "1.11.5",
  plugin: "kubenet",
  maxPods: 110,
  serviceCidr: cidr("10.0.0.0/16"),
  dnsServiceIp: addr("10.0.0.10"),
  podCidr: cidr("192.168.0.0/16"),
  nonMasqueradeCidr: cidr("192.168.0.0/16"),
  nodes: [
    {
      name: "node-0",
      internalIp: addr("10.1.0.4"),
      created: minutes(52),
      role: "agent",
      osImage: "Ubuntu 16.04.5 LTS",
      kernelVersion: "4.15.0-1036-azure",
      containerRuntime: "docker://3.0.1",
      labels: { agentpool: "pool" },
      podCidr: cidr("192.168.0.0/24"),
      kubeletFlags: ["--max-pods=110", "--network-plugin=kubenet"],
      kubeletPid: 3668,
    },
  ],
  deployments: [
    {
      namespace: "default",
      name: "web",
      labels,
      selector: labels,
      replicas: 1,
      image: "web:1",
      ports,
      created: minutes(4),
    },
  ],
  pods: [
    {
      namespace: "default",
      name: "web-abc",
      labels,
      node: "node-0",
      ip: addr("192.168.0.9"),
      hostNetwork: false,
      image: "web:1",
      ports,
      created: minutes(4),
    },
  ],
  pending: [],
  services: [
    {
      namespace: "default",
      name: "web",
      type: "LoadBalancer",
      clusterIp: addr("10.0.58.118"),
      externalIp: addr("137.117.164.147"),
      ports: [{ port: 80, protocol: "TCP", targetPort: 80, nodePort: 30694 }],
      selector: labels,
      labels: {},
      created: minutes(4),
      endpoints: [{ protocol: "TCP", ip: addr("192.168.0.9"), port: 80 }],
    },
    {
      namespace: "kube-system",
      name: "kube-dns",
      type: "ClusterIP",
      clusterIp: addr("10.0.0.10"),
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      ],
      selector: { "k8s-app": "kube-dns" },
      labels: {},
      created: minutes(56),
      endpoints: [],
    },
    {
      namespace: "kube-system",
      name: "routing-nginx-ingress",
      type: "LoadBalancer",
      clusterIp: addr("10.0.128.165"),
      ports: [{ port: 80, protocol: "TCP", targetPort: 80, nodePort: 30058 }],
      selector: { app: "ingress" },
      labels: {},
      created: minutes(3),
      endpoints: [],
    },
  ],
  ingresses: [
    {
      namespace: "default",
      name: "web",
      class: "routing",
      rules: [{ host: "web.example", path: "/", service: "web", port: 80 }],
      created: minutes(1),
    },
  ],
};
