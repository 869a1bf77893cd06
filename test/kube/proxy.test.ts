import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr } from "../../lib/ip/cidr.js";
import { buildCluster } from "../../lib/kube/buildCluster.js";
import { parseManifest } from "../../lib/kube/manifest.js";
import { nodeRules } from "../../lib/kube/nodeRules.js";
import { chainHash, kubeProxyRules } from "../../lib/kube/proxy.js";
import type { Cluster, Service } from "../../lib/kube/cluster.js";
import { printSave } from "../../lib/netfilter/print.js";
import { startNetfilter } from "../../lib/netfilter/start.js";
import type { Skb } from "../../lib/netfilter/netfilter.js";
import { seeded } from "../../lib/random.js";
import { articleKubenet, azureCni, kubenet, start } from "./clusters.js";

const hash = suite("chainHash");

const published: readonly (readonly [port: string, proto: "tcp" | "udp", endpoint: string, hash: string])[] = [
  ["default/kubernetes:https", "tcp", "", "NPX46M4PTMTKRN6Y"],
  ["kube-system/kube-dns:dns", "udp", "", "TCOU7JCQXEZGVUNU"],
  ["kube-system/kube-dns:dns-tcp", "tcp", "", "ERIFXISQEP7F7OF4"],
  ["kube-system/heapster:", "tcp", "", "BJM46V3U5RZHCFRZ"],
  ["kube-system/metrics-server:", "tcp", "", "LC5QY66VUV2HJ6WZ"],
  ["default/nginx:", "tcp", "", "4N57TFCL4MD7ZTDA"],
  ["default/kubernetes:https", "tcp", "35.188.99.132:443", "CXUJ2M5ZPG4H3H7X"],
  ["default/kubernetes:https", "tcp", "192.168.50.101:6443", "4LVENGRQPIZXECUW"],
];

hash("is the one that real clusters show", () => {
  for (const [port, proto, endpoint, expected] of published)
    assert.is(chainHash(port, proto, endpoint), expected, port + endpoint);
});

hash.run();

const service = (name: string, change: Partial<Service>): Service => ({
  namespace: "default",
  name,
  type: "ClusterIP",
  clusterIp: addr("10.96.0.1"),
  ports: [],
  selector: {},
  labels: {},
  created: start,
  endpoints: [],
  ...change,
});

const withServices = (...services: readonly Service[]): Cluster => ({
  ...buildCluster(kubenet(1)),
  podCidr: cidr("10.32.0.0/12"),
  nonMasqueradeCidr: cidr("10.32.0.0/12"),
  services,
});
const lines = (cluster: Cluster, start_: string) =>
  printSave(kubeProxyRules(cluster))
    .split("\n")
    .filter(line => line.startsWith(`-A ${start_}`));

const rules = suite("kubeProxyRules");

/** As iptables-save showed on a machine with kubeadm v1.11 and docker on 2018-11-30; chain counters and docker's FORWARD policy aside. */
const seen = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-MARK-DROP - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SEP-4LVENGRQPIZXECUW - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -m mark --mark 0x4000/0x4000 -j MASQUERADE
-A KUBE-SEP-4LVENGRQPIZXECUW -s 192.168.50.101/32 -m comment --comment "default/kubernetes:https" -j KUBE-MARK-MASQ
-A KUBE-SEP-4LVENGRQPIZXECUW -p tcp -m comment --comment "default/kubernetes:https" -m tcp -j DNAT --to-destination 192.168.50.101:6443
-A KUBE-SERVICES ! -s 10.32.0.0/12 -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-MARK-MASQ
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-NPX46M4PTMTKRN6Y -m comment --comment "default/kubernetes:https" -j KUBE-SEP-4LVENGRQPIZXECUW
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -j KUBE-FIREWALL
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -s 10.32.0.0/12 -m comment --comment "kubernetes forwarding conntrack pod source rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-FORWARD -d 10.32.0.0/12 -m comment --comment "kubernetes forwarding conntrack pod destination rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns has no endpoints" -m udp --dport 53 -j REJECT --reject-with icmp-port-unreachable
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "kube-system/kube-dns:dns-tcp has no endpoints" -m tcp --dport 53 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;

rules("with docker's are those of a real machine of the era", () => {
  const cluster = withServices(
    service("kubernetes", {
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }],
      endpoints: [{ portName: "https", protocol: "TCP", ip: addr("192.168.50.101"), port: 6443 }],
    }),
    service("kube-dns", {
      namespace: "kube-system",
      clusterIp: addr("10.96.0.10"),
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      ],
    }),
  );
  const withoutPlugin = nodeRules({ ...cluster, nonMasqueradeCidr: cidr("0.0.0.0/0") });
  assert.snapshot(printSave(withoutPlugin), seen);
});

rules("lead from the load balancer's address and the node port to the service's chain", () => {
  const cluster = withServices(
    service("nginx", {
      type: "LoadBalancer",
      clusterIp: addr("10.98.154.163"),
      externalIp: addr("12.12.12.12"),
      ports: [{ port: 80, protocol: "TCP", targetPort: 80, nodePort: 30938 }],
      endpoints: [{ protocol: "TCP", ip: addr("10.32.0.6"), port: 80 }],
    }),
  );
  assert.equal(lines(cluster, "KUBE-SERVICES").slice(0, 3), [
    '-A KUBE-SERVICES ! -s 10.32.0.0/12 -d 10.98.154.163/32 -p tcp -m comment --comment "default/nginx: cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
    '-A KUBE-SERVICES -d 10.98.154.163/32 -p tcp -m comment --comment "default/nginx: cluster IP" -m tcp --dport 80 -j KUBE-SVC-4N57TFCL4MD7ZTDA',
    '-A KUBE-SERVICES -d 12.12.12.12/32 -p tcp -m comment --comment "default/nginx: loadbalancer IP" -m tcp --dport 80 -j KUBE-FW-4N57TFCL4MD7ZTDA',
  ]);
  assert.equal(lines(cluster, "KUBE-FW-"), [
    '-A KUBE-FW-4N57TFCL4MD7ZTDA -m comment --comment "default/nginx: loadbalancer IP" -j KUBE-MARK-MASQ',
    '-A KUBE-FW-4N57TFCL4MD7ZTDA -m comment --comment "default/nginx: loadbalancer IP" -j KUBE-SVC-4N57TFCL4MD7ZTDA',
    '-A KUBE-FW-4N57TFCL4MD7ZTDA -m comment --comment "default/nginx: loadbalancer IP" -j KUBE-MARK-DROP',
  ]);
  assert.equal(lines(cluster, "KUBE-NODEPORTS"), [
    '-A KUBE-NODEPORTS -p tcp -m comment --comment "default/nginx:" -m tcp --dport 30938 -j KUBE-MARK-MASQ',
    '-A KUBE-NODEPORTS -p tcp -m comment --comment "default/nginx:" -m tcp --dport 30938 -j KUBE-SVC-4N57TFCL4MD7ZTDA',
  ]);
});

rules("reject what has no endpoints, at the cluster IP and at the node port", () => {
  const cluster = withServices(
    service("nginx", {
      type: "NodePort",
      ports: [{ name: "web", port: 80, protocol: "TCP", targetPort: 80, nodePort: 30938 }],
    }),
  );
  assert.equal(
    lines(cluster, "KUBE-SERVICES")[1],
    '-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/nginx:web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
  );
  assert.equal(lines(cluster, "KUBE-EXTERNAL-SERVICES"), [
    '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/nginx:web has no endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30938 -j REJECT --reject-with icmp-port-unreachable',
  ]);
});

rules("give each endpoint its chance as iptables prints what kube-proxy wrote", () => {
  const chances = (count: number) => {
    const endpoints = Array.from({ length: count }, (_, index) => ({
      protocol: "TCP" as const,
      ip: addr(`10.32.0.${index + 2}`),
      port: 80,
    }));
    return lines(
      withServices(service("nginx", { ports: [{ port: 80, protocol: "TCP", targetPort: 80 }], endpoints })),
      "KUBE-SVC-",
    ).map(line => / --probability (\S+) /.exec(line)?.[1]);
  };
  assert.equal(chances(1), [undefined]);
  assert.equal(chances(4), ["0.25000000000", "0.33332999982", "0.50000000000", undefined]);
  assert.equal(chances(7).slice(0, 3), ["0.14286000002", "0.16667000018", "0.20000000019"]);
});

rules("of azure-cni have no cluster CIDR", () => {
  assert.not.match(printSave(kubeProxyRules(buildCluster(azureCni()))), /! -s |conntrack pod source/);
});

rules.run();

const packets = suite("packets through the rules");

const manifest = parseManifest(
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{image: x, ports: [{containerPort: 8080}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer, selector: {app: a}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: empty}, spec: {type: NodePort, selector: {app: none}, ports: [{port: 80, nodePort: 30081}]}}`,
  "a.yaml",
);
const ips = { clusterIps: { "default/a": addr("10.0.0.20"), "default/empty": addr("10.0.0.21") } };

/** Node 0 forwards a packet: where does it go, and from which source? */
const rows: readonly {
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly expected: string;
  readonly as: string;
}[] = [
  {
    name: "a pod to a cluster IP",
    source: "192.168.0.3",
    destination: "10.0.0.20",
    port: 80,
    expected: "192.168.0.8:8080",
    as: "192.168.0.3",
  },
  {
    name: "a pod to itself through its service",
    source: "192.168.0.8",
    destination: "10.0.0.20",
    port: 80,
    expected: "192.168.0.8:8080",
    as: "192.168.0.1",
  },
  {
    name: "a machine outside to a cluster IP",
    source: "10.13.1.4",
    destination: "10.0.0.20",
    port: 80,
    expected: "192.168.0.8:8080",
    as: "192.168.0.1",
  },
  {
    name: "a client to the load balancer's address",
    source: "198.51.100.7",
    destination: "203.0.113.80",
    port: 80,
    expected: "192.168.0.8:8080",
    as: "192.168.0.1",
  },
  {
    name: "a machine outside to a node port",
    source: "10.13.1.4",
    destination: "10.13.77.4",
    port: 30080,
    expected: "192.168.0.8:8080",
    as: "192.168.0.1",
  },
  {
    name: "a pod to another port of the load balancer's address",
    source: "192.168.0.3",
    destination: "203.0.113.80",
    port: 81,
    expected: "203.0.113.80:81",
    as: "10.13.77.4",
  },
  {
    name: "a pod to the API",
    source: "192.168.0.3",
    destination: "10.0.0.1",
    port: 443,
    expected: "203.0.113.1:443",
    as: "10.13.77.4",
  },
  {
    name: "a pod to a pod elsewhere",
    source: "192.168.0.3",
    destination: "192.168.1.2",
    port: 80,
    expected: "192.168.1.2:80",
    as: "192.168.0.3",
  },
  {
    name: "a pod to a machine of the network",
    source: "192.168.0.3",
    destination: "10.13.1.4",
    port: 80,
    expected: "10.13.1.4:80",
    as: "10.13.77.4",
  },
];

packets("take kube-proxy's and kubenet's translations", () => {
  const cluster = buildCluster(
    kubenet(1, {
      manifests: [{ objects: manifest, appliedAt: start + 900 }],
      pins: ips,
      nodes: [{ name: "n", internalIp: addr("10.13.77.4"), created: start + 240 }],
    }),
  );
  const own = ["10.13.77.4", "192.168.0.1", "172.17.0.1", "127.0.0.1"].map(text => addr(text));
  const address = (name: string) => addr(name === "cbr0" ? "192.168.0.1" : "10.13.77.4");
  for (const { name, source, destination, port, expected, as } of rows) {
    const netfilter = startNetfilter(nodeRules(cluster), {
      isLocal: value => own.includes(value),
      sourceFor: address,
      now: () => 0,
      random: seeded(1),
    });
    const skb: Skb = {
      packet: {
        proto: "tcp",
        src: addr(source),
        dst: addr(destination),
        ttl: 64,
        sport: 40000,
        dport: port,
        flags: ["SYN"],
        seq: 1,
        ack: 0,
        payload: "",
      },
      mark: 0,
      in: source.startsWith("192.168.0.") ? "cbr0" : "eth0",
    };
    assert.is(netfilter.run("PREROUTING", skb).kind, "accept", name);
    skb.out = formatAddr(skb.packet.dst).startsWith("192.168.0.") ? "cbr0" : "eth0";
    assert.is(netfilter.run("FORWARD", skb).kind, "accept", name);
    assert.is(netfilter.run("POSTROUTING", skb).kind, "accept", name);
    const { packet } = skb;
    assert.is(packet.proto === "tcp" ? `${formatAddr(packet.dst)}:${packet.dport}` : "", expected, name);
    assert.is(formatAddr(packet.src), as, name);
  }
});

packets.run();

const shared = suite("the article's rules");

shared("stand in POSTROUTING in the order that the article lists", () => {
  const text = printSave(nodeRules(buildCluster(articleKubenet())));
  assert.equal(
    text.split("\n").filter(line => line.startsWith("-A POSTROUTING")),
    [
      '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
      "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
      '-A POSTROUTING ! -d 192.168.0.0/16 -m comment --comment "kubenet: SNAT for outbound traffic from cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE',
    ],
  );
});

shared.run();
