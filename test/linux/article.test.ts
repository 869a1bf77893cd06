import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootLinux, type LinuxLab } from "../../lib/linux/boot.js";
import type { ConnectResult, Lab, PingResult } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Network } from "../../lib/net/network.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { canRunLinux } from "./need.js";

const article = suite("the article on the kernel");
const exhaustion = suite("ports run out on the kernel");
const size = suite("large clusters on the kernel");

const addressOf = (network: Network, id: string) =>
  formatAddr(network.hosts.find(host => host.id === id)!.interfaces[0]!.addresses[0]!.address);
const pingText = ({ received, replies }: PingResult) =>
  `${received} ${replies.map(({ from, ttl, kind, bytes }) => `${from} ${ttl} ${kind} ${bytes}`).join(", ")}`;
const answer = (result: ConnectResult) =>
  result.kind === "connected" ? `${result.seenAs.address} ${result.body}` : result.kind;

if (canRunLinux()) {
  const network = build(articleScenario).network;
  const pods = network.hosts.filter(({ role, id }) => role === "pod" && id.includes("/whereami")).map(({ id }) => id);
  const cniPod = pods.find(id => id.startsWith("azurecluster/"))!;
  const kubenetPods = pods.filter(id => id.startsWith("kubenetcluster/default/whereami-5"));
  let linux: LinuxLab;
  const model: Lab = bootModel(network);

  article.before(async () => {
    linux = await bootLinux(network);
  });
  article.after(() => linux.close());

  article("TTL tells the forwarding nodes: 64 from Azure CNI, 63 from kubenet, 62 between kubenet nodes", async () => {
    const ttl = async (from: string, to: string) => (await linux.ping(from, to)).replies.map(reply => reply.ttl);
    assert.equal(await ttl(cniPod, "10.13.1.4"), [64]);
    for (const pod of kubenetPods) assert.equal(await ttl(pod, "10.13.1.4"), [63]);
    assert.equal(await ttl(kubenetPods[0]!, addressOf(network, kubenetPods[1]!)), [62]);
  });

  article("every pod's ping to the machine, the site and every other pod ends as in the model", async () => {
    for (const pod of pods)
      for (const to of [
        "10.13.1.4",
        "ifconfig.co",
        ...pods.filter(other => other !== pod).map(other => addressOf(network, other)),
      ])
        assert.is(pingText(await linux.ping(pod, to)), pingText(await model.ping(pod, to)), `${pod} to ${to}`);
  });

  article("the machine sees who the model says it sees", async () => {
    const seen = async (lab: Lab) => {
      const capture = await lab.capture("testvm", "eth0");
      for (const pod of pods) await lab.ping(pod, "10.13.1.4");
      return (await capture.stop()).map(
        ({ direction, packet }) =>
          `${direction} ${formatAddr(packet.src)} > ${formatAddr(packet.dst)} ttl ${packet.ttl}`,
      );
    };
    assert.equal(await seen(linux), await seen(model));
  });

  article("the site sees the load balancer's address, as in the model; curl says so too", async () => {
    for (const pod of pods)
      assert.is(
        answer(await linux.connect(pod, "ifconfig.co", 80)),
        answer(await model.connect(pod, "ifconfig.co", 80)),
      );
    const site = formatAddr(network.names.find(({ name }) => name === "ifconfig.co")!.address);
    const { stdout } = await linux.run(cniPod, ["curl", "-s", "--max-time", "3", site]);
    assert.is(stdout, "104.45.15.171\n");
  });

  article("nodes hold the rules that the model prints, with the article's three in POSTROUTING", async () => {
    const node = network.hosts.find(({ id }) => id === "aks-nodepool1-35377101-0")!;
    const counted = await linux.counters(node.id);
    for (const table of node.rules.tables) {
      const found = counted.tables.find(({ name }) => name === table.name)!;
      for (const chain of table.chains)
        assert.equal(
          found.chains
            .find(({ name }) => name === chain.name)!
            .rules.map(({ matches, target }) => ({ matches, target })),
          chain.rules.map(({ matches, target }) => ({ matches, target })),
          chain.name,
        );
    }
  });

  /** Opens so many connections from a node's pods at once and leaves them open. */
  const openMany = async (lab: LinuxLab, node: string, to: readonly string[], each: number) => {
    const from = lab.network.hosts.flatMap(({ id, role, interfaces }) =>
      role === "pod" && interfaces.some(entry => entry.kind === "veth" && entry.peer.host === node) ? [id] : [],
    );
    const results = await Promise.all(
      to.flatMap(site =>
        Array.from({ length: each }, (_, i) => lab.connect(from[i % from.length]!, site, 80, { close: "open" })),
      ),
    );
    const ports = to.map(site =>
      results.flatMap(result => (result.kind === "connected" && result.to === site ? [result.seenAs.port] : [])),
    );
    return {
      succeeded: ports.map(({ length }) => length),
      failed: results.filter(({ kind }) => kind !== "connected").length,
      ports,
    };
  };
  const siteAddresses = (of: Network) =>
    of.hosts
      .filter(({ role, listeners }) => role === "site" && listeners.some(({ port }) => port === 80))
      .map(({ id }) => addressOf(of, id));
  const exhaust = async (nodeCount: number, sites: number, each: number) => {
    const { network: small } = build(smallCluster({ nodeCount, podsPerNode: 2, sites }));
    const lab = await bootLinux(small, { connectTimeout: 8 });
    try {
      const node = small.hosts.find(({ role }) => role === "node")!.id;
      return {
        ...(await openMany(
          lab,
          node,
          siteAddresses(small).filter((_, i) => i < sites),
          each,
        )),
        allotted: bootModel(small).portUse()[0]!.allotted,
      };
    } finally {
      await lab.close();
    }
  };
  const distinctWithin = (ports: readonly number[], count: number) => {
    assert.is(new Set(ports).size, count);
    assert.ok(Math.max(...ports) - Math.min(...ports) < count, "ports are of one allocation");
  };

  exhaustion(
    "of 1,100 connections to one destination 1,024 succeed, each on a port of its own, and 76 fail",
    async () => {
      const { succeeded, failed, ports, allotted } = await exhaust(2, 1, 1100);
      assert.equal({ succeeded, failed, allotted }, { succeeded: [1024], failed: 76, allotted: 1024 });
      distinctWithin(ports[0]!, 1024);
    },
  );

  exhaustion("two destinations share the ports: 700 to each and none fails", async () => {
    const { succeeded, failed } = await exhaust(2, 2, 700);
    assert.equal({ succeeded, failed }, { succeeded: [700, 700], failed: 0 });
  });

  exhaustion("past 50 nodes half the ports are left: 512 of 600", async () => {
    const { succeeded, failed, ports, allotted } = await exhaust(51, 1, 600);
    assert.equal({ succeeded, failed, allotted }, { succeeded: [512], failed: 88, allotted: 512 });
    distinctWithin(ports[0]!, 512);
  });

  size("50 nodes with 10 pods each start, and tell how far they are", async () => {
    const { network: large } = build(smallCluster({ nodeCount: 50, podsPerNode: 10 }));
    const progress: number[] = [];
    const lab = await bootLinux(large, { onProgress: (done, total) => void progress.push(done / total) });
    try {
      assert.is(progress.at(-1), 1);
      const [first, last] = [
        large.hosts.find(({ role }) => role === "pod")!,
        large.hosts.findLast(({ role }) => role === "pod")!,
      ];
      assert.is((await lab.ping(first.id, addressOf(large, last.id))).received, 1);
    } finally {
      await lab.close();
    }
  });
} else article("nothing can be tested here", () => undefined);

article.run();
exhaustion.run();
size.run();
