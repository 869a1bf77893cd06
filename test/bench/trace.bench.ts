import type { Trace } from "../../lib/net/trace.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { ModelLab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import { type Bench, collectGarbage, type Figure, median, timed } from "./bench.js";

const sites = 100;
const rounds = 5;
const perRound = 4000;

/** A TCP connection's SYN and SYN+ACK, or a datagram and its answer. */
interface Kind {
  readonly proto: "tcp" | "udp";
  readonly port: number;
}
const tcp: Kind = { proto: "tcp", port: 80 };
const udp: Kind = { proto: "udp", port: 53 };

interface Warm {
  readonly lab: ModelLab;
  readonly nodes: number;
  /** The same number of pods whatever the size, spread over all nodes, each of which has sent before. */
  readonly senders: readonly string[];
  /** Flows sent so far: each goes to another site than the one before, so that ports do not run out. */
  flows: number;
}

const cluster = (nodeCount: number, podsPerNode: number, senders: number): Warm => {
  const { network } = build(
    smallCluster({
      plugin: "azure-cni",
      nodeCount,
      podsPerNode,
      sku: "Standard",
      frontends: Math.ceil(((nodeCount + 1) * 1024) / 64000),
      allocatedOutboundPorts: 1024,
      maxSurge: 1,
      sites,
    }),
  );
  const pods = network.hosts.filter(({ role, id }) => role === "pod" && id.includes("/app-")).map(({ id }) => id);
  const lab = bootModel(network);
  const spread = Array.from({ length: senders }, (_, i) => pods[Math.floor((i * pods.length) / senders)]!);
  return { lab, nodes: nodeCount, senders: spread, flows: 0 };
};

/** Whether what came back reached the sender, and was what the listener says. */
const isAnswered = ({ packet, replies: [reply] }: Trace): boolean =>
  reply?.disposition.kind === "delivered" &&
  (packet.proto === "udp"
    ? reply.packet.proto === "udp"
    : reply.packet.proto === "tcp" && reply.packet.flags.join() === "SYN,ACK");

/** A new flow from a pod through its node and the load balancer to a site, and the answer: every hop and rule written down. */
const trace = (warm: Warm, { proto, port }: Kind, count: number): void => {
  const { lab, senders } = warm;
  let answered = 0;
  for (let i = 0; i < count; i++, warm.flows++) {
    const site = `site-${(Math.floor(warm.flows / senders.length) % sites) + 1}.example`;
    if (isAnswered(lab.traceConnect(senders[warm.flows % senders.length]!, site, port, { proto }))) answered++;
  }
  if (answered < count)
    throw new Error(`${warm.nodes} nodes: only ${answered} of ${count} ${proto} flows were answered`);
};

/** Microseconds per trace. */
const cost = async (warm: Warm, kind: Kind, count: number): Promise<number> =>
  ((await timed(() => trace(warm, kind, count))) * 1000) / count;

const sizes = async (kind: Kind): Promise<readonly Figure[]> => {
  const counts = [10, 100, 1000, 5000];
  const clusters = counts.map(nodes => cluster(nodes, 4, 10));
  for (const each of clusters) trace(each, kind, perRound);
  collectGarbage();
  const costs: number[][] = counts.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, each] of clusters.entries()) costs[i]!.push(await cost(each, kind, perRound));
  const [smallest] = costs;
  return counts.map((nodes, i) => ({
    what: `an answered ${kind.proto.toUpperCase()} flow, ${nodes.toLocaleString("en")} nodes`,
    value: median(costs[i]!),
    unit: "µs",
    ...(i > 0 && { baseline: { what: "10 nodes", value: median(smallest!) } }),
  }));
};

const filling = async (): Promise<readonly Figure[]> => {
  const warm = cluster(1000, 110, 20_000);
  trace(warm, tcp, warm.senders.length);
  collectGarbage();
  const first = await cost(warm, tcp, 20_000);
  while (warm.flows < 200_000) trace(warm, tcp, 20_000);
  const last = await cost(warm, tcp, 20_000);
  return [
    { what: "answered TCP flows, 1,000 nodes x 110 pods", value: 1e6 / first, unit: "traces/s" },
    {
      what: "the same after 200,000 flows",
      value: 1e6 / last,
      unit: "traces/s",
      baseline: { what: "at first", value: 1e6 / first },
    },
  ];
};

export const bench: Bench = {
  title: `a new flow, pod to Internet and back, all of them answered, every hop and rule recorded; medians of ${rounds} rounds in turn`,
  run: async () => [...(await sizes(tcp)), ...(await sizes(udp)), ...(await filling())],
};
