import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootLinux } from "../../lib/linux/boot.js";
import { planLinux } from "../../lib/linux/namespacePlan.js";
import { bootModel } from "../../lib/net/model.js";
import { printSave } from "../../lib/netfilter/print.js";
import type { Udp } from "../../lib/packet/packet.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { type Bench, collectGarbage, type Figure, median, timed } from "./bench.js";

const flows = 30_000;

/** One packet of each of many UDP flows from a pod to a site, through the node's MASQUERADE and a load balancer with ports for all. */
const throughput = async (): Promise<{ readonly model: number; readonly kernel: number }> => {
  const { network } = build(
    smallCluster({ nodeCount: 1, podsPerNode: 1, sku: "Standard", allocatedOutboundPorts: 32_000 }),
  );
  const pod = network.hosts.find(({ role, id }) => role === "pod" && id.includes("/default/"))!;
  const site = network.names.find(({ name }) => name === "site-1.example")!.address;
  const src = pod.interfaces[0]!.addresses[0]!.address;
  const packets = Array.from({ length: flows }, (_, i): Udp => ({
    proto: "udp",
    src,
    dst: site,
    sport: 2048 + i,
    dport: 9,
    ttl: 64,
    payload: "flow",
  }));

  const model = bootModel(network);
  for (const packet of packets.slice(0, 500)) model.trace(pod.id, packet);
  const fresh = bootModel(network);
  collectGarbage();
  const modelMilliseconds = await timed(() => packets.forEach(packet => fresh.trace(pod.id, packet)));

  const lab = await bootLinux(network);
  const scratch = mkdtempSync(join(tmpdir(), "egress-lab-"));
  try {
    const siteHost = network.hosts.find(
      ({ role, listeners }) => role === "site" && listeners.some(({ port }) => port === 80),
    )!.id;
    const file = join(scratch, "flows.pcap");
    writeFileSync(file, lab.frames(pod.id, "eth0", packets));
    await lab.ping(pod.id, "10.224.0.4"); // neighbours know each other
    const kernelMilliseconds = await timed(async () => {
      const { code, stderr } = await lab.run(pod.id, ["tcpreplay", "--topspeed", "--quiet", "-i", "eth0", file]);
      if (code !== 0) throw new Error(`tcpreplay: ${stderr}`);
    });
    // Nobody listens on port 9, so the site counts each datagram as one without a port: the second figure.
    const { stdout } = await lab.run(siteHost, ["cat", "/proc/net/snmp"]);
    const arrived = Number(/^Udp: \d+ (\d+)/m.exec(stdout)?.[1] ?? 0);
    if (arrived < flows) throw new Error(`only ${arrived} of ${flows} packets arrived`);
    return { model: flows / (modelMilliseconds / 1000), kernel: flows / (kernelMilliseconds / 1000) };
  } finally {
    await lab.close();
    rmSync(scratch, { recursive: true });
  }
};

const rounds = 5;

/** Seconds until the article's two clusters stand, with the program's own start left out on both sides. */
const bootTimes = async (): Promise<{ readonly ours: number; readonly mininet: number | undefined }> => {
  const { network } = build(articleScenario);
  const plan = planLinux(network);
  const pairs = plan.links.map(line => /name (\S+) .*netns (\S+) type veth peer name (\S+) .*netns (\S+)$/.exec(line)!);
  const commands = Object.fromEntries(
    plan.namespaces.map((part, index) => [
      part.namespace,
      [
        ...part.sysctls.map(([name, value]) => `sysctl -qw ${name.replaceAll("/", ".")}=${value}`),
        ...[...part.ip, ...(part.bridges?.ip ?? [])].map(line => `ip ${line}`),
        ...[
          part.rules,
          index < network.hosts.length && network.hosts[index]!.rules.tables.length > 0
            ? printSave(network.hosts[index]!.rules)
            : "",
        ]
          .filter(rules => rules !== "")
          .map(rules => `iptables-restore <<'END'\n${rules}END`),
      ],
    ]),
  );
  const input = JSON.stringify({
    namespaces: plan.namespaces.map(({ namespace }) => namespace),
    links: pairs.map(([, first, at, second, there]) => [at, first, there, second]),
    commands,
  });
  const script = fileURLToPath(new URL("peers/mininet_boot.py", import.meta.url));
  const mininet = (): number | undefined => {
    // In namespaces of its own: Mininet works in the machine's.
    const { status, stdout, stderr } = spawnSync("unshare", ["--net", "--mount", "/usr/bin/python3", script], {
      input,
      encoding: "utf8",
    });
    if (status === 0) return Number(stdout.trim().split("\n").at(-1));
    console.error(
      `skipped: Mininet cannot be run (${stderr.trim().split("\n").at(-1)}); to compare with it: apt-get install mininet`,
    );
    return undefined;
  };
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let lab: Awaited<ReturnType<typeof bootLinux>> | undefined;
    ours.push((await timed(async () => (lab = await bootLinux(network)))) / 1000);
    await lab!.close();
    const seconds = mininet();
    if (seconds === undefined) return { ours: median(ours), mininet: undefined };
    theirs.push(seconds);
  }
  return { ours: median(ours), mininet: median(theirs) };
};

/** Seconds until a large network stands, and its first and last pod reach each other. */
const largeBoot = async (): Promise<number> => {
  const { network } = build(smallCluster({ nodeCount: 50, podsPerNode: 10 }));
  let lab: Awaited<ReturnType<typeof bootLinux>> | undefined;
  const seconds = (await timed(async () => (lab = await bootLinux(network)))) / 1000;
  try {
    const pods = network.hosts.filter(({ role }) => role === "pod");
    const last = formatAddr(pods.at(-1)!.interfaces[0]!.addresses[0]!.address);
    const { received } = await lab!.ping(pods[0]!.id, last);
    if (received !== 1) throw new Error(`${pods[0]!.id} does not reach ${last}`);
    return seconds;
  } finally {
    await lab!.close();
  }
};

export const bench: Bench = {
  title:
    "both engines: a packet of a new flow each from pod to site (node MASQUERADE, load balancer), and the start of the article's two clusters",
  async run(): Promise<readonly Figure[]> {
    const { model, kernel } = await throughput();
    const { ours, mininet } = await bootTimes();
    return [
      {
        what: `packets through the rules, ${flows.toLocaleString("en")} new UDP flows`,
        value: model,
        unit: "packets/s",
        baseline: { what: "Linux, tcpreplay", value: kernel },
      },
      {
        what: "start of the article's clusters on Linux",
        value: ours,
        unit: "s",
        ...(mininet !== undefined && { baseline: { what: "Mininet", value: mininet } }),
        target: { of: "value", atMost: 2 },
      },
      {
        what: "start of 50 nodes of 10 pods on Linux",
        value: await largeBoot(),
        unit: "s",
        target: { of: "value", atMost: 60 },
      },
    ];
  },
};
