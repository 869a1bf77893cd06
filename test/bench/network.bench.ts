import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { Built } from "../../lib/scenario/types.js";
import { bootModel } from "../../lib/net/model.js";
import { type Bench, collectGarbage, type Figure, median, timed } from "./bench.js";

/** Megabytes in use once garbage is gone. */
const heap = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

const size = (nodeCount: number) =>
  smallCluster({
    plugin: "azure-cni",
    nodeCount,
    podsPerNode: 1,
    maxPods: 100,
    sku: "Standard",
    frontends: 5,
    allocatedOutboundPorts: 64,
  });

interface Row {
  readonly build: number;
  readonly boot: number;
  readonly memory: number;
}

const measure = async (nodes: number): Promise<Row> => {
  const scenario = size(nodes);
  const before = heap();
  let built: Built | undefined;
  const buildTime = await timed(() => (built = build(scenario)));
  const memory = heap() - before;
  const boot = await timed(() => bootModel(built!.network));
  return { build: buildTime, boot, memory };
};

const runs = 3;

export const bench: Bench = {
  title: `building and booting a network of azure-cni nodes with 100 max-pods each, medians of ${runs} runs`,
  async run(): Promise<readonly Figure[]> {
    await measure(500);
    const small: Row[] = [];
    const large: Row[] = [];
    for (let i = 0; i < runs; i++) {
      small.push(await measure(500));
      large.push(await measure(5000));
    }
    const of = (rows: readonly Row[], pick: (row: Row) => number) => median(rows.map(pick));
    return [
      {
        what: "build 5,000 nodes, 500,000 pod addresses",
        value: of(large, row => row.build),
        unit: "ms",
        baseline: { what: "500 nodes", value: of(small, row => row.build) },
      },
      {
        what: "memory of the built network",
        value: of(large, row => row.memory),
        unit: "MB",
        baseline: { what: "500 nodes", value: of(small, row => row.memory) },
      },
      {
        what: "boot it",
        value: of(large, row => row.boot),
        unit: "ms",
        baseline: { what: "500 nodes", value: of(small, row => row.boot) },
      },
    ];
  },
};
