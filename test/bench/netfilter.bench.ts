import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidr, cidrOf } from "../../lib/ip/cidr.js";
import { buildCluster } from "../../lib/kube/buildCluster.js";
import { kubeProxyRules } from "../../lib/kube/proxy.js";
import type { Cluster, Service } from "../../lib/kube/cluster.js";
import { compile } from "../../lib/netfilter/compile.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { printSave } from "../../lib/netfilter/print.js";
import { startNetfilter } from "../../lib/netfilter/start.js";
import type { Ruleset } from "../../lib/netfilter/ruleset.js";
import { bootModel } from "../../lib/net/model.js";
import { routingTable } from "../../lib/net/routing.js";
import { seeded } from "../../lib/random.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { kubenet } from "../kube/clusters.js";
import { type Bench, collectGarbage, type Figure, median } from "./bench.js";
import { mapRoutes } from "./peers/mapRoutes.js";

const rounds = 5;
const endpoints = 10;
const podCidr = cidr("192.168.0.0/14");
const firstService = addr("10.0.0.2");

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`the work was not done: ${what}`);
};

const service = (index: number): Service => ({
  namespace: "default",
  name: `app-${index}`,
  type: "ClusterIP",
  clusterIp: (firstService + index) as Addr,
  ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
  selector: {},
  labels: {},
  created: 0,
  endpoints: Array.from({ length: endpoints }, (_, pod) => ({
    protocol: "TCP" as const,
    ip: (podCidr.base + index * endpoints + pod) as Addr,
    port: 80,
  })),
});

const clusterOf = (services: number): Cluster => ({
  ...buildCluster(kubenet(1)),
  podCidr,
  services: Array.from({ length: services }, (_, index) => service(index)),
});

const ruleCount = ({ tables }: Ruleset): number =>
  tables.reduce((sum, { chains }) => chains.reduce((all, { rules }) => all + rules.length, sum), 0);

/** Seconds of processor time in user mode, those of the collector's and the compiler's threads included. */
const userSeconds = (action: () => void): number => {
  collectGarbage();
  const before = process.cpuUsage();
  action();
  return process.cpuUsage(before).user / 1e6;
};

/** What the shell counts for `iptables-restore --test`, in a network namespace of its own; undefined where it cannot be run. */
const restoreSeconds = (file: string): number | undefined => {
  const command = 'TIMEFORMAT="user %U"; time iptables-restore --test < "$1"';
  const { status, stderr } = spawnSync("unshare", ["--net", "bash", "-c", command, "bash", file], {
    encoding: "utf8",
  });
  const seconds = /^user ([\d.]+)$/m.exec(stderr)?.[1];
  if (status === 0 && seconds !== undefined) return Number(seconds);
  console.error(`skipped: iptables-restore --test cannot be run as this user (${stderr.trim().split("\n").at(-1)})`);
  return undefined;
};

const whole = (): readonly Figure[] => {
  const services = 5000;
  const cluster = clusterOf(services);
  const rules = kubeProxyRules(cluster);
  const count = ruleCount(rules);
  const expected = services * (2 + endpoints + 2 * endpoints) + 16;
  must(count === expected, `${count} rules, not ${expected}`);
  const text = printSave(rules);
  const scratch = mkdtempSync(join(tmpdir(), "egress-lab-"));
  const file = join(scratch, "rules");
  writeFileSync(file, text);
  const work: Readonly<Record<string, () => void>> = {
    generate: () => must(ruleCount(kubeProxyRules(cluster)) === count, "generate"),
    print: () => must(printSave(rules) === text, "print"),
    parse: () => must(ruleCount(parseSave(text)) === count, "parse"),
    compile: () => must(compile({ ...rules }).tables.length === 2, "compile"), // a new value: nothing is known of it yet
  };
  must(printSave(parseSave(text)) === text, "what is printed is read back as it was");
  const times: Record<string, number[]> = {};
  const peer: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, action] of Object.entries(work)) (times[name] ??= []).push(userSeconds(action));
    const seconds = restoreSeconds(file);
    if (seconds !== undefined) peer.push(seconds);
  }
  rmSync(scratch, { recursive: true });
  return Object.keys(work).map(name => ({
    what: `${name} ${count.toLocaleString("en")} rules, user time`,
    value: median(times[name]!),
    unit: "s",
    ...(peer.length > 0 && {
      baseline: { what: "iptables-restore --test", value: median(peer) },
      target: { of: "ratio", atMost: 1 } as const,
    }),
  }));
};

const flows = 20_000;

/** Microseconds of user time that a new flow to a Service takes through the hooks of its node, every rule that it meets written down. */
const flowCost = (rules: Ruleset, services: number): number => {
  const netfilter = startNetfilter(rules, {
    isLocal: () => false,
    sourceFor: () => addr("10.240.0.4"),
    now: () => 0,
    random: seeded(1),
  });
  let met = 0;
  const microseconds =
    (userSeconds(() => {
      for (let i = 0; i < flows; i++) {
        const dst = toService(i, services);
        const packet = { ...syn, src: (podCidr.base + 0x3ff00) as Addr, sport: 1024 + (i % 60_000), dst };
        const skb = { packet, mark: 0, in: "cbr0", out: undefined as string | undefined };
        const steps: { readonly kind: string }[] = [];
        netfilter.run("PREROUTING", skb, steps);
        skb.out = "cbr0";
        netfilter.run("FORWARD", skb, steps);
        netfilter.run("POSTROUTING", skb, steps);
        for (const { kind } of steps) if (kind === "rule") met++;
      }
    }) *
      1e6) /
    flows;
  must(met >= 4 * flows, `${met} rules met`); // to the services, to one of them, to an endpoint, translated
  must(netfilter.conntrack().length === flows, "every flow is a connection");
  return microseconds;
};

const toService = (flow: number, services: number): Addr => (firstService + ((flow * 7919) % services)) as Addr;

const syn = {
  proto: "tcp" as const,
  dport: 80,
  ttl: 64,
  flags: ["SYN"] as const,
  seq: 1,
  ack: 0,
  payload: "",
};

const newFlows = (): readonly Figure[] => {
  const sizes = [250, 5000];
  const rules = sizes.map(size => kubeProxyRules(clusterOf(size)));
  const costs: number[][] = sizes.map(() => []);
  for (const [i, size] of sizes.entries()) flowCost(rules[i]!, size);
  for (let round = 0; round < rounds; round++)
    for (const [i, size] of sizes.entries()) costs[i]!.push(flowCost(rules[i]!, size));
  return [
    {
      what: "a new flow to one of 5,000 Services, every rule met recorded, user time",
      value: median(costs[1]!),
      unit: "µs",
      baseline: { what: "of 250", value: median(costs[0]!) },
      target: { of: "ratio", atMost: 2 },
    },
  ];
};

/** Once collecting finds nothing more: what only weak references held goes with a later collection. */
const memory = (): number => {
  let least = Infinity;
  for (let unchanged = 0; unchanged < 3;) {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const used = (heapUsed + arrayBuffers) / 1e6;
    unchanged = used < least - 0.01 ? 0 : unchanged + 1;
    least = Math.min(least, used);
  }
  return least;
};

/** Megabytes that the hosts of a booted network take once a pod of each node has sent a packet. */
const firstPackets = (nodeCount: number, podsPerNode: number): Figure => {
  const { network } = build(
    smallCluster({
      plugin: "azure-cni",
      nodeCount,
      podsPerNode,
      maxPods: podsPerNode + 20,
      sku: "Standard",
      allocatedOutboundPorts: 8,
    }),
  );
  const senders = new Map<string, string>();
  for (const { id, role, interfaces } of network.hosts) {
    const [first] = interfaces;
    if (role === "pod" && id.includes("/app-") && first?.kind === "veth") senders.set(first.peer.host, id);
  }
  must(senders.size === nodeCount, `${senders.size} nodes with a pod that sends`);
  const lab = bootModel(network);
  lab.traceConnect([...senders.values()][0]!, "203.0.113.10", 80, { proto: "udp" }); // compiles the rules
  const before = memory();
  for (const pod of senders.values()) {
    const { hops, replies } = lab.traceConnect(pod, "203.0.113.10", 80, { proto: "udp" });
    must(hops.length > 2 && replies.length > 0, `a packet of ${pod} went out and was answered`);
  }
  const value = memory() - before;
  must(value > 0, `${value} MB more than before`);
  const { rules } = network.hosts.find(({ id }) => id === [...senders.keys()][0])!;
  const counters = ruleCount(rules) + rules.tables.reduce((sum, { chains }) => sum + chains.length, 0);
  return {
    what: `memory for the first packets of ${nodeCount.toLocaleString("en")} nodes of ${podsPerNode} pods`,
    value,
    unit: "MB",
    baseline: {
      what: `room for all ${counters.toLocaleString("en")} counters`,
      value: (nodeCount * counters * 16) / 1e6,
    },
  };
};

const lookups = 10_000;
const repeats = 50;

const routes = (): Figure => {
  const random = seeded(1);
  const table = Array.from({ length: 10_000 }, (_, name) => {
    const prefix = random.int(8, 32);
    return { to: cidrOf(random.int(0, 0xffffffff) as Addr, prefix), name };
  });
  const asked = Array.from({ length: lookups }, (_, i): Addr => {
    const { to } = table[random.int(0, table.length - 1)]!;
    return i % 2 === 0
      ? (((to.base + random.int(0, 2 ** (32 - to.prefix) - 1)) >>> 0) as Addr)
      : (random.int(0, 0xffffffff) as Addr);
  });
  const byMaps = mapRoutes(table);
  const trie = routingTable(table);
  let found = 0;
  for (const address of asked) {
    const route = trie.lookup(address);
    must(route === byMaps(address), `the same route for ${address}`);
    if (route !== undefined) found++;
  }
  must(found > lookups / 2, `${found} of ${lookups} have a route`);
  const nanoseconds = (lookup: (address: Addr) => { readonly name: number } | undefined): number => {
    let sum = 0;
    const seconds = userSeconds(() => {
      for (let i = 0; i < repeats; i++) for (const address of asked) if (lookup(address) !== undefined) sum++;
    });
    must(sum === found * repeats, "the same routes were found");
    return (seconds * 1e9) / (lookups * repeats);
  };
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(nanoseconds(address => trie.lookup(address)));
    theirs.push(nanoseconds(byMaps));
  }
  return {
    what: "look-ups in a second of user time, 10,000 routes",
    value: 1e9 / median(ours),
    unit: "look-ups/s",
    baseline: { what: "a map per prefix length", value: 1e9 / median(theirs) },
    target: { of: "ratio", atLeast: 15 },
  };
};

export const bench: Bench = {
  title: `kube-proxy's rules, packets through them, and routes; medians of ${rounds} rounds in turn, memory once`,
  run: async () => [...whole(), routes(), ...newFlows(), firstPackets(300, 100), firstPackets(1000, 110)],
};
