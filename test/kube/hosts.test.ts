import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr, formatCidr } from "../../lib/ip/cidr.js";
import { buildCluster } from "../../lib/kube/buildCluster.js";
import { clusterHosts } from "../../lib/kube/hosts.js";
import { parseManifest } from "../../lib/kube/manifest.js";
import type { Host, Interface } from "../../lib/net/network.js";
import { articleKubenet, azureCni, kubenet, messageOf, start, whereami } from "./clusters.js";

const test = suite("clusterHosts");

const show = (link: Interface) =>
  `${link.kind} ${link.name}${link.master === undefined ? "" : ` in ${link.master}`} ${link.addresses.map(({ address, prefix }) => `${formatAddr(address)}/${prefix}`).join(" ")}`.trim();
const routes = (host: Host) =>
  host.routes.map(({ to, via, dev }) => `${formatCidr(to)} via ${via === undefined ? "" : formatAddr(via)} dev ${dev}`);
const own = (host: Host) => host.interfaces.filter(({ kind }) => kind !== "veth").map(show);

test("of kubenet route between a bridge of their own and the card", () => {
  const hosts = clusterHosts(buildCluster(articleKubenet()), cidr("10.13.77.0/24"));
  const node = hosts.find(({ id }) => id === "aks-nodepool1-35377101-0")!;
  assert.equal(own(node), ["nic eth0 10.13.77.5/24", "bridge docker0 172.17.0.1/16", "bridge cbr0 192.168.0.1/24"]);
  assert.equal(routes(node), ["0.0.0.0/0 via 10.13.77.1 dev eth0"]);
  assert.ok(node.forwarding && node.bridgeNfCallIptables && node.routeLocalnet);
  const pod = hosts.find(({ id }) => id === "kubenetcluster/default/whereami-564765b89-z7p82")!;
  assert.equal(pod.interfaces.map(show), ["veth eth0 192.168.0.9/24"]);
  assert.equal(routes(pod), ["0.0.0.0/0 via 192.168.0.1 dev eth0"]);
  assert.equal(pod.listeners, [
    {
      proto: "tcp",
      port: 80,
      answer: {
        kind: "text",
        text: "pod: default/whereami-564765b89-z7p82\nnode: aks-nodepool1-35377101-0\naddress: 192.168.0.9\n",
      },
    },
  ]);
  assert.not.ok(pod.forwarding);
});

test("of azure-cni sit on the subnet, behind a bridge that took the card in", () => {
  const input = azureCni(1, {
    manifests: [{ objects: whereami, appliedAt: start + 900 }],
    pins: { pods: { "default/whereami": [{ name: "whereami-564765b89-vdkjd", address: addr("10.13.76.13") }] } },
  });
  const hosts = clusterHosts(buildCluster(input), cidr("10.13.76.0/24"));
  const node = hosts[0]!;
  assert.equal(own(node), ["nic eth0 in azure0", "bridge docker0 172.17.0.1/16", "bridge azure0 10.13.76.4/24"]);
  assert.equal(routes(node), ["0.0.0.0/0 via 10.13.76.1 dev azure0"]);
  const pod = hosts.find(({ id }) => id === "azurecluster/default/whereami-564765b89-vdkjd")!;
  assert.equal(pod.interfaces.map(show), ["veth eth0 10.13.76.13/24"]);
  assert.equal(routes(pod), ["0.0.0.0/0 via 10.13.76.1 dev eth0"]);
});

test("are joined by pairs of interfaces with short names, each once on its host", () => {
  for (const [input, bridge] of [
    [kubenet(3, { manifests: [{ objects: whereami, appliedAt: start + 900 }], scale: { whereami: 300 } }), "cbr0"],
    [azureCni(3), "azure0"],
  ] as const) {
    const hosts = clusterHosts(buildCluster(input), cidr("10.13.64.0/18"));
    const byId = new Map(hosts.map(host => [host.id, host]));
    assert.is(byId.size, hosts.length);
    for (const host of hosts) {
      const names = host.interfaces.map(({ name }) => name);
      assert.is(new Set(names).size, names.length);
      for (const link of host.interfaces) {
        assert.ok(link.name.length <= 15, link.name);
        if (link.kind !== "veth") continue;
        const other = byId.get(link.peer.host)!.interfaces.find(({ name }) => name === link.peer.interface)!;
        assert.ok(other.kind === "veth" && other.peer.host === host.id && other.peer.interface === link.name);
        assert.is(link.master, host.role === "node" ? bridge : undefined);
      }
    }
  }
});

test("share one ruleset among nodes, and the empty one among pods", () => {
  const hosts = clusterHosts(buildCluster(kubenet(3)), cidr("10.13.64.0/18"));
  assert.is(new Set(hosts.filter(({ role }) => role === "node").map(({ rules }) => rules)).size, 1);
  assert.is(new Set(hosts.filter(({ role }) => role === "pod").map(({ rules }) => rules)).size, 1);
});

test("leave pods of the host network to their node", () => {
  const hosts = clusterHosts(buildCluster(kubenet(2)), cidr("10.13.64.0/18"));
  assert.is(hosts.filter(({ role }) => role === "pod").length, 6);
  assert.not.ok(hosts.some(({ id }) => id.includes("kube-proxy")));
});

test("answer on each port once, by its protocol, and pods on the host network on their node's", () => {
  const yaml = (hostNetwork: boolean) =>
    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {metadata: {labels: {app: a}}, spec: {hostNetwork: ${hostNetwork}, containers: [{image: x, ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP}]}, {image: y, ports: [{containerPort: 53}, {containerPort: 80}]}]}}}}`;
  const hosts = (hostNetwork: boolean) =>
    clusterHosts(
      buildCluster(
        kubenet(1, { manifests: [{ objects: parseManifest(yaml(hostNetwork), "a.yaml"), appliedAt: start + 900 }] }),
      ),
      cidr("10.13.64.0/18"),
    );
  const ports = (host: Host) => host.listeners.map(({ proto, port }) => `${port}/${proto}`);
  const named = (list: readonly Host[]) => list.filter(({ hostname }) => hostname.startsWith("a-"));
  assert.equal(named(hosts(false)).map(ports), [["53/tcp", "53/udp", "80/tcp"]]);
  assert.equal(ports(hosts(false)[0]!), []);
  assert.equal(named(hosts(true)), []);
  assert.equal(ports(hosts(true)[0]!), ["53/tcp", "53/udp", "80/tcp"]);
});

test("have what the era's programs set: hairpin on every port of the node's bridge, names of veths, nothing on pods", () => {
  for (const [input, prefix, digits] of [
    [kubenet(1), "veth", 8],
    [azureCni(1), "azv", 7],
  ] as const) {
    const [node, ...pods] = clusterHosts(buildCluster(input), cidr("10.13.64.0/18"));
    const veths = node!.interfaces.filter(({ kind }) => kind === "veth");
    assert.is(veths.length, pods.length);
    for (const veth of veths) {
      assert.ok(veth.kind === "veth" && veth.hairpin);
      assert.match(veth.name, new RegExp(`^${prefix}[0-9a-f]{${digits}}$`));
    }
    const card = node!.interfaces.find(({ kind }) => kind === "nic")!;
    assert.is("hairpin" in card ? card.hairpin : undefined, input.plugin === "azure-cni" ? true : undefined);
    for (const pod of pods) {
      assert.ok(!pod.forwarding && !pod.bridgeNfCallIptables && !pod.routeLocalnet, pod.id);
      assert.equal(
        pod.rules.tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules)),
        [],
      );
    }
  }
});

test("refuse a node outside of its subnet", () => {
  assert.is(
    messageOf(() => clusterHosts(buildCluster(azureCni()), cidr("10.13.77.0/24"))),
    'node aks-nodepool1-26711606-0: "10.13.76.4" is outside its subnet; expected an address of 10.13.77.0/24',
  );
});

test.run();
