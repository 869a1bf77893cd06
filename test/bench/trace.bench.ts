import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { ModelLab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import { type Bench, collectGarbage, type Figure, median, timed } from "./bench.js";

const site = "203.0.113.10";
const rounds = 5;
const perRound = 4000;

interface Warm {
  readonly lab: ModelLab;
  /** The same number of pods whatever the size, spread over all nodes, each of which has sent before. */
  readonly senders: readonly string[];
}

const cluster = (nodeCount: number, podsPerNode: number, senders: number): Warm => {
  const { network } = build(
    smallCluster({
      plugin: "azure-cni",
      nodeCount,
      podsPerNode,
      sku: "Standard",
      frontends: Math.ceil((nodeCount * 64) / 64000),
      allocatedOutboundPorts: 64,
    }),
  );
  const pods = network.hosts.filter(({ role, id }) => role === "pod" && id.includes("/app-")).map(({ id }) => id);
  const lab = bootModel(network);
  const spread = Array.from({ length: senders }, (_, i) => pods[Math.floor((i * pods.length) / senders)]!);
  return { lab, senders: spread };
};

/** One packet each way: a datagram of a new flow from a pod through its node and the load balancer to a site, and the answer. */
const trace = ({ lab, senders }: Warm, count: number, from = 0): void => {
  for (let i = from; i < from + count; i++) lab.traceConnect(senders[i % senders.length]!, site, 80, { proto: "udp" });
};

/** Microseconds per trace. */
const cost = async (warm: Warm, count: number, from = 0): Promise<number> =>
  ((await timed(() => trace(warm, count, from))) * 1000) / count;

const sizes = async (): Promise<readonly Figure[]> => {
  const counts = [10, 100, 1000, 5000];
  const clusters = counts.map(nodes => cluster(nodes, 4, 10));
  for (const each of clusters) trace(each, perRound);
  collectGarbage();
  const costs: number[][] = counts.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, each] of clusters.entries()) costs[i]!.push(await cost(each, perRound));
  const [smallest] = costs;
  return counts.map((nodes, i) => ({
    what: `a trace, ${nodes.toLocaleString("en")} nodes`,
    value: median(costs[i]!),
    unit: "µs",
    ...(i > 0 && { baseline: { what: "10 nodes", value: median(smallest!) } }),
  }));
};

const filling = async (): Promise<readonly Figure[]> => {
  const warm = cluster(1000, 110, 20_000);
  trace(warm, warm.senders.length);
  collectGarbage();
  const first = await cost(warm, 20_000);
  for (let done = 20_000; done < 180_000; done += 20_000) trace(warm, 20_000, done);
  const last = await cost(warm, 20_000, 180_000);
  return [
    { what: "traces on 1,000 nodes x 110 pods", value: 1e6 / first, unit: "traces/s" },
    {
      what: "the same after 200,000 flows",
      value: 1e6 / last,
      unit: "traces/s",
      baseline: { what: "at first", value: 1e6 / first },
    },
  ];
};

export const bench: Bench = {
  title: `a new UDP flow, pod to Internet and back, every hop and rule recorded; medians of ${rounds} rounds in turn`,
  run: async () => [...(await sizes()), ...(await filling())],
};
