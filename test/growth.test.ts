import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../lib/errors.js";
import { growsEvenly } from "./work.js";
import { type Addr, addr } from "../lib/ip/addr.js";
import { cidr } from "../lib/ip/cidr.js";
import { buildCluster } from "../lib/kube/buildCluster.js";
import { kubeProxyRules } from "../lib/kube/proxy.js";
import type { Cluster, Service } from "../lib/kube/cluster.js";
import { compile } from "../lib/netfilter/compile.js";
import { parseSave } from "../lib/netfilter/parseSave.js";
import { printSave } from "../lib/netfilter/print.js";
import { startNetfilter } from "../lib/netfilter/start.js";
import type { Ruleset } from "../lib/netfilter/ruleset.js";
import { bootModel } from "../lib/net/model.js";
import { seeded } from "../lib/random.js";
import { build } from "../lib/scenario/build.js";
import { smallCluster } from "../lib/scenario/small.js";
import { azureCni, kubenet, whereami } from "./kube/clusters.js";

/** Here work is counted, not timed: see `work`. */
const growth = suite("growth");

const podCidr = cidr("192.168.0.0/16");
const service = (index: number): Service => ({
  namespace: "default",
  name: `app-${index}`,
  type: "ClusterIP",
  clusterIp: (addr("10.0.0.1") + index) as Addr,
  ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
  selector: {},
  labels: {},
  created: 0,
  endpoints: [0, 1, 2].map(pod => ({
    protocol: "TCP",
    ip: (podCidr.base + 3 * index + pod) as Addr,
    port: 80,
  })),
});
const plain = buildCluster(kubenet(1));
const withServices = (count: number): Cluster => ({
  ...plain,
  podCidr,
  services: Array.from({ length: count }, (_, index) => service(index)),
});

/** Makes what is measured before it is measured. */
const before = <T>(sizes: readonly number[], make: (size: number) => T): ((size: number) => T) => {
  const made = new Map(sizes.map(size => [size, make(size)]));
  return size => made.get(size)!;
};

growth("kube-proxy's rules are written in time linear in the services", () => {
  const clusters = before([400, 800], withServices);
  growsEvenly(size => assert.ok(kubeProxyRules(clusters(size)).tables[0]!.chains.length > size), 800);
});

growth("rules are printed, read and compiled in time linear in them", () => {
  const rules = before([400, 800], size => kubeProxyRules(withServices(size)));
  const texts = before([400, 800], size => printSave(rules(size)));
  growsEvenly(size => assert.is(printSave(rules(size)), texts(size)), 800);
  growsEvenly(
    size => assert.is(parseSave(texts(size)).tables[0]!.chains.length, rules(size).tables[0]!.chains.length),
    800,
  );
  growsEvenly(size => assert.is(compile(rules(size)).tables.length, 2), 800);
});

growth("chains that jump to each other are read in time linear in the jumps", () => {
  const text = before([500, 1000], size => {
    const names = Array.from({ length: size }, (_, index) => `C${index}`);
    const jumps = names.flatMap((name, index) =>
      names.slice(index + 1, index + 20).map(next => `-A ${name} -j ${next}`),
    );
    return ["*filter", ...names.map(name => `:${name} - [0:0]`), "-A INPUT -j C0", ...jumps, "COMMIT", ""].join("\n");
  });
  growsEvenly(size => parseSave(text(size)), 1000);
});

growth("a line is read in time linear in it, whatever is repeated", () => {
  const repeated = [
    "x",
    "\\",
    '"',
    '"a\\',
    '"a" ',
    "! ",
    "1,",
    " -m tcp",
    " -s 1.2.3.4",
    " -m comment --comment a",
    " -p tcp -m tcp --dport 1",
    " -m multiport --ports 1",
    " -m mark --mark 1",
    " -m conntrack --ctstate NEW,NEW,NEW",
  ];
  for (const start of ["-A INPUT", "-A INPUT -p tcp", "-A INPUT -p tcp -m multiport --ports 1", ":A -", "["])
    for (const piece of repeated)
      growsEvenly(size => {
        try {
          parseSave(`*filter\n${start}${piece.repeat(Math.ceil(size / piece.length))}\nCOMMIT\n`);
        } catch (error) {
          assert.instance(error, InputError);
        }
      }, 20_000);
});

const isLocal = (): boolean => false;
const host = (now: () => number) => ({ isLocal, sourceFor: () => addr("203.0.113.1"), now, random: seeded(1) });

growth("a packet's way through kube-proxy's rules is the same with ten times the services", () => {
  const way = (rules: Ruleset, packets: number, services: number): void => {
    const netfilter = startNetfilter(
      rules,
      host(() => 0),
    );
    for (let i = 0; i < packets; i++) {
      const to = service((i * 7) % services).clusterIp;
      const skb = {
        packet: { proto: "udp" as const, src: podCidr.base, dst: to, sport: 1024 + i, dport: 53, ttl: 64, payload: "" },
        mark: 0,
        in: "cbr0",
      };
      assert.is(netfilter.run("PREROUTING", skb).kind, "accept");
    }
  };
  const rules = before([80, 800], size => kubeProxyRules(withServices(size)));
  for (const size of [80, 800]) way(rules(size), 1, size); // compiles
  growsEvenly(size => way(rules(size === 1000 ? 800 : 80), size, size === 1000 ? 800 : 80), 1000);
});

growth("a host that has seen a packet holds counters for the rules that it met, not for all", () => {
  const services = 800;
  const rules = kubeProxyRules(withServices(services));
  const hosts = 200;
  const first = { proto: "udp" as const, src: podCidr.base, dst: addr("198.51.100.7"), sport: 1, dport: 53, ttl: 64 };
  const hit = (count: number) =>
    Array.from({ length: count }, () => {
      const netfilter = startNetfilter(
        rules,
        host(() => 0),
      );
      netfilter.run("PREROUTING", { packet: { ...first, payload: "" }, mark: 0, in: "cbr0" });
      return netfilter;
    });
  hit(1); // compiles
  const before = process.memoryUsage().arrayBuffers;
  const running = hit(hosts);
  const each = (process.memoryUsage().arrayBuffers - before) / hosts;
  assert.ok(each < 4096, `${each} bytes a host with ${services} services`);
  assert.is(running.length, hosts);
});

growth("connections come and go in time linear in the packets", () => {
  const rules = parseSave("*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n");
  growsEvenly(size => {
    let clock = 0;
    const netfilter = startNetfilter(
      rules,
      host(() => clock),
    );
    for (let i = 0; i < size; i++) {
      clock += 3; // the first are forgotten after 10,000 packets
      const src = (addr("10.1.0.2") + (i % 5000)) as Addr;
      const packet = {
        proto: "udp" as const,
        src,
        dst: addr("198.51.100.7"),
        sport: 1024 + i,
        dport: 53,
        ttl: 64,
        payload: "",
      };
      const skb = { packet, mark: 0, in: "cbr0", out: "eth0" };
      netfilter.run("PREROUTING", skb);
      netfilter.run("POSTROUTING", skb);
    }
    assert.is(netfilter.conntrack().length, 10_000);
  }, 40_000);
});

growth("clusters are built in time linear in nodes, reserved addresses and pods", () => {
  growsEvenly(size => assert.is(buildCluster(azureCni(size, { maxPods: 100 })).nodes.length, size), 400);
  const wide = (pods: number) =>
    kubenet(200, {
      podCidr: cidr("192.0.0.0/8"),
      vnet: [cidr("10.13.0.0/16")],
      manifests: [{ objects: whereami, appliedAt: 1_547_500_100 }],
      scale: { whereami: pods },
    });
  growsEvenly(size => assert.ok(buildCluster(wide(size)).pods.length > size), 10_000);
});

growth("networks are built and booted in time linear in nodes and pods", () => {
  const size = (nodeCount: number, podsPerNode: number) =>
    smallCluster({ plugin: "azure-cni", nodeCount, podsPerNode, sku: "Standard", allocatedOutboundPorts: 64 });
  growsEvenly(nodes => bootModel(build(size(nodes, 5)).network), 200);
  growsEvenly(pods => bootModel(build(size(50, pods)).network), 40);
});

growth.run();
