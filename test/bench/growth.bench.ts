import { nodeRules } from "../../lib/kube/nodeRules.js";
import { bootModel } from "../../lib/net/model.js";
import type { ModelLab } from "../../lib/net/lab.js";
import { compile } from "../../lib/netfilter/compile.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { printSave } from "../../lib/netfilter/print.js";
import type { Ruleset } from "../../lib/netfilter/ruleset.js";
import { build } from "../../lib/scenario/build.js";
import { type FlowTable, flowTable } from "../../lib/scenario/flowTable.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { snatUse } from "../../lib/scenario/snatUse.js";
import type { Built, Scenario } from "../../lib/scenario/scenario.js";
import { type Bench, collectGarbage, type Figure } from "./bench.js";

const sizes = [100, 200, 500, 1000, 2000, 5000];
const podsPerNode = 30;
const rounds = 2;
/** n log n from 100 to 5,000 nodes grows as fast as n to the power of 1.17. */
const mostExponent = 1.17;

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`the work was not done: ${what}`);
};

const scenario = (nodeCount: number): Scenario =>
  smallCluster({
    plugin: "azure-cni",
    nodeCount,
    podsPerNode,
    sku: "Standard",
    frontends: Math.ceil(((nodeCount + 1) * 64) / 64_000),
    allocatedOutboundPorts: 64,
    maxSurge: 1,
  });

/** What one size has, each made by the step before. */
interface Made {
  built?: Built;
  lab?: ModelLab;
  table?: FlowTable;
  rules?: Ruleset;
  text?: string;
}

interface Step {
  readonly what: string;
  run(made: Made, nodes: number): void;
}

const steps: readonly Step[] = [
  {
    what: "build",
    run(made, nodes) {
      made.built = build(scenario(nodes));
      const pods = made.built.network.hosts.filter(({ role, id }) => role === "pod" && id.includes("/app-"));
      must(pods.length === nodes * podsPerNode, `${pods.length} pods on ${nodes} nodes`);
    },
  },
  {
    what: "boot",
    run: made => void (made.lab = bootModel(made.built!.network)),
  },
  {
    what: "flow table by kinds",
    run(made, nodes) {
      made.table = flowTable(made.built!);
      must(made.table.length === nodes * (podsPerNode + 1) * 5, `${made.table.length} rows`);
      let delivered = 0;
      for (const { outcome } of made.table) if (outcome === "delivered") delivered++;
      must(delivered === made.table.length, `${delivered} of ${made.table.length} delivered`);
    },
  },
  {
    what: "SNAT use, a connection a pod",
    run(made, nodes) {
      const rows = snatUse(made.lab!, made.built!, { connectionsPerPod: 1 });
      must(rows.length === nodes * podsPerNode && rows.every(({ failed }) => failed === 0), `${rows.length} rows`);
    },
  },
  {
    what: "generate a node's rules",
    run(made, nodes) {
      made.rules = nodeRules(made.built!.clusters[0]!.cluster);
      const chains = made.rules.tables.reduce((sum, table) => sum + table.chains.length, 0);
      must(chains > nodes * podsPerNode, `${chains} chains`);
    },
  },
  { what: "print them", run: made => void (made.text = printSave(made.rules!)) },
  {
    what: "parse them",
    run(made) {
      made.rules = parseSave(made.text!);
      must(made.rules.tables.length > 0, "no tables");
    },
  },
  { what: "compile them", run: made => void must(compile(made.rules!).tables.length > 0, "no tables") },
];

/** Seconds of processor time of this thread and its helpers. */
const used = (action: () => void): number => {
  collectGarbage();
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

/** The slope of a line through points, both axes logarithmic: the power of n that the time grows with. */
const exponent = (points: readonly (readonly [n: number, seconds: number])[]): number => {
  const logs = points.map(([n, seconds]) => [Math.log(n), Math.log(seconds)] as const);
  const mean = (place: 0 | 1) => logs.reduce((sum, log) => sum + log[place], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  return logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
};

const growth = (): readonly Figure[] => {
  const times = steps.map(() => new Map<number, number[]>(sizes.map(size => [size, []])));
  for (const warm of [100, 500]) for (const made of [{} as Made]) for (const step of steps) step.run(made, warm);
  for (let round = 0; round < rounds; round++)
    for (const size of sizes) {
      const made: Made = {};
      for (const [i, step] of steps.entries()) times[i]!.get(size)!.push(used(() => step.run(made, size)));
    }
  return steps.flatMap(({ what }, i): Figure[] => {
    const quickest = sizes.map(size => [size, Math.min(...times[i]!.get(size)!)] as const);
    return [
      {
        what: `${what}, power of n`,
        value: exponent(quickest),
        unit: "",
        target: { of: "value", atMost: mostExponent },
      },
      { what: `${what}, 5,000 nodes x ${podsPerNode} pods`, value: quickest.at(-1)![1], unit: "s" },
    ];
  });
};

/** 1,000 nodes x 110 pods x 64 sites. */
const millions = (): readonly Figure[] => {
  const built = build(
    smallCluster({
      plugin: "azure-cni",
      nodeCount: 1000,
      podsPerNode: 110,
      sku: "Standard",
      frontends: 17,
      allocatedOutboundPorts: 1024,
      maxSurge: 1,
      sites: 64,
    }),
  );
  let table: FlowTable | undefined;
  const seconds = used(() => (table = flowTable(built, { kinds: ["Internet"], everyHost: true })));
  const { length } = table!;
  must(length === 1000 * 111 * 64, `${length} rows`);
  must(table!.row(length - 1).outcome === "delivered", "the last row arrives nowhere");
  return [
    { what: "7.1 million rows, one", value: (seconds * 1e6) / length, unit: "µs", target: { of: "value", atMost: 1 } },
    {
      what: "memory of the process at most",
      value: (process.resourceUsage().maxRSS * 1024) / 2 ** 30,
      unit: "GiB",
      target: { of: "value", atMost: 1.5 },
    },
  ];
};

export const bench: Bench = {
  title: `how processor time grows from 100 to 5,000 nodes of ${podsPerNode} pods; the quicker of ${rounds} rounds`,
  run: () => Promise.resolve([...millions(), ...growth()]),
};
