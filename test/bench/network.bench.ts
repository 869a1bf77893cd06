import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { Built } from "../../lib/scenario/scenario.js";
import { bootModel } from "../../lib/net/model.js";
import { type Bench, collectGarbage, type Figure, median, timed } from "./bench.js";

/** Megabytes in use once garbage is gone. */
const heap = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

/** Nodes that reserve 100 pod addresses each, of which so many pods run. */
const size = (nodeCount: number, podsPerNode: number) =>
  smallCluster({
    plugin: "azure-cni",
    nodeCount,
    podsPerNode,
    maxPods: 100,
    sku: "Standard",
    frontends: 6,
    allocatedOutboundPorts: 64,
  });

/** The bench measures what its name says: so many nodes and pods, each a host, each with an address on a NIC. */
const check = ({ network }: Built, nodes: number, podsPerNode: number): void => {
  const pods = network.hosts.filter(({ role, id }) => role === "pod" && id.includes("/app-")).length;
  const addresses = network.fabric.nics.reduce((sum, nic) => sum + nic.addresses.length, 0);
  if (pods !== nodes * podsPerNode || addresses < nodes * 101)
    throw new Error(`${nodes} nodes x ${podsPerNode} pods: built ${pods} pods and ${addresses} addresses`);
};

interface Row {
  readonly build: number;
  readonly boot: number;
  readonly memory: number;
}

const measure = async (nodes: number, podsPerNode: number): Promise<Row> => {
  const scenario = size(nodes, podsPerNode);
  const before = heap();
  let built: Built | undefined;
  const buildTime = await timed(() => (built = build(scenario)));
  check(built!, nodes, podsPerNode);
  const memory = heap() - before;
  const boot = await timed(() => bootModel(built!.network));
  return { build: buildTime, boot, memory };
};

const runs = 3;

const growth = async (podsPerNode: number, what: string): Promise<readonly Figure[]> => {
  const small: Row[] = [];
  const large: Row[] = [];
  await measure(500, podsPerNode);
  for (let i = 0; i < runs; i++) {
    small.push(await measure(500, podsPerNode));
    large.push(await measure(5000, podsPerNode));
  }
  const figure = (name: string, unit: string, pick: (row: Row) => number): Figure => ({
    what: name,
    value: median(large.map(pick)),
    unit,
    baseline: { what: "500 nodes", value: median(small.map(pick)) },
  });
  return [
    figure(`build 5,000 nodes, ${what}`, "ms", row => row.build),
    figure("memory of the built network", "MB", row => row.memory),
    figure("boot it", "ms", row => row.boot),
  ];
};

export const bench: Bench = {
  title: `building and booting a network of azure-cni nodes with 100 max-pods each, medians of ${runs} runs`,
  run: async () => [
    ...(await growth(1, "500,000 addresses reserved, a pod on each")),
    ...(await growth(30, "150,000 running pods")),
  ],
};
