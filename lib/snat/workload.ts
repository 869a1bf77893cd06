import {
  listOf,
  seconds as lengthOfTime,
  secondsAbove0,
  someText,
  wholeNumber,
  withFields,
  within,
} from "../checks.js";
import { refuse } from "../errors.js";
import { figures } from "../figures.js";
import { addr } from "../ip/addr.js";
import { portNumber } from "../net/options.js";
import { oneOf } from "../shape.js";
import { type Duration, checkDuration } from "./hold.js";

/** The protocols that are counted: each has ports of its own. */
export type Protocol = "tcp" | "udp";

/** One destination on the Internet. */
export interface Destination {
  /** A dotted IPv4 address. */
  readonly address: string;
  /** 1-65535. */
  readonly port: number;
  readonly protocol: Protocol;
}

/** Several destinations of one kind, each with an address of its own. Streams that give the same name mean the same ones. */
export interface Spread {
  readonly name: string;
  /** How many, 1-100,000. */
  readonly count: number;
  readonly port: number;
  readonly protocol: Protocol;
  /** The exponent s of Zipf's law: destination i is chosen in proportion to 1 / i^s. 0, the default: all alike. */
  readonly zipf?: number;
}

/** From `from` seconds on, a stream's rate is multiplied by `factor`. */
export interface RateStep {
  readonly from: number;
  readonly factor: number;
}

/** Connections of one kind that a pod opens, at random moments (a Poisson process). */
export interface Stream {
  readonly name: string;
  /** New connections per second and pod, 0 or more. */
  readonly rate: number;
  readonly to: Destination | Spread;
  /** Seconds from a connection's start to its last packet. */
  readonly duration: Duration;
  /** How TCP ends: FIN, RST, or `idle`, without a word: the port is held until the idle timeout. UDP always ends by `idle`. Default fin. */
  readonly ends?: "fin" | "rst" | "idle";
  /** `steady`: packets all along (default). `once`: packets at the start only, then silence until the end. */
  readonly traffic?: "steady" | "once";
  /** Seconds between TCP keep-alive probes. Below the idle timeout they keep a silent connection's port; without them it is forgotten. */
  readonly keepAlive?: number;
  /** How the rate changes, in order of `from`; before the first step the factor is 1. */
  readonly profile?: readonly RateStep[];
}

/** A pod and what it connects to. */
export interface PodLoad {
  readonly name: string;
  readonly streams: readonly Stream[];
}

/** A node and its pods. */
export interface NodeLoad {
  readonly name: string;
  readonly pods: readonly PodLoad[];
}

/** Which pods run where and what they connect to. */
export interface Workload {
  readonly nodes: readonly NodeLoad[];
}

/** As many pods on every node, all alike. Nodes are named `node-0`, pods `node-0-pod-0`. */
export const evenWorkload = (of: {
  readonly nodes: number;
  readonly podsPerNode: number;
  readonly streams: readonly Stream[];
}): Workload => {
  const { nodes, podsPerNode, streams } = withFields("evenWorkload", of, "nodes, podsPerNode and streams");
  wholeNumber("nodes", nodes, { least: 1, most: figures.aks.nodes.value }, "nodes");
  wholeNumber("podsPerNode", podsPerNode, { least: 1, most: figures.aks.maxPods.value.most }, "pods per node");
  for (const [place, stream] of listOf("streams", streams, "streams").entries())
    checkStream(stream, `streams[${place}]`);
  return {
    nodes: Array.from({ length: nodes }, (_, n) => ({
      name: `node-${n}`,
      pods: Array.from({ length: podsPerNode }, (_, p) => ({ name: `node-${n}-pod-${p}`, streams })),
    })),
  };
};

/**
 * The pods of a cluster where its scheduler put them, each with the streams that `streamsOf` gives it.
 * @param cluster nodes and pods, such as a built scenario's
 */
export const clusterWorkload = <Pod extends { readonly name: string; readonly node: string }>(
  cluster: { readonly nodes: readonly { readonly name: string }[]; readonly pods: readonly Pod[] },
  streamsOf: (pod: Pod) => readonly Stream[],
): Workload => ({
  nodes: cluster.nodes.map(({ name }) => ({
    name,
    pods: cluster.pods.filter(pod => pod.node === name).map(pod => ({ name: pod.name, streams: streamsOf(pod) })),
  })),
});

/** A burst: from `at` on the rate is `factor` times as high, for `seconds`. */
export const burst = (of: {
  readonly at: number;
  readonly seconds: number;
  readonly factor: number;
}): readonly RateStep[] => {
  const { at, seconds, factor } = withFields("burst", of, "at, seconds and factor");
  lengthOfTime("at", at);
  secondsAbove0("seconds", seconds);
  amount("factor", factor, "a factor, 0 or more");
  return [
    { from: at, factor },
    { from: at + seconds, factor: 1 },
  ];
};

/** A slow rise from factor `from` to factor `to` within `seconds`, in `steps` equal steps (default 60). */
export const ramp = (of: {
  readonly seconds: number;
  readonly from: number;
  readonly to: number;
  readonly steps?: number;
}): readonly RateStep[] => {
  const { seconds, from, to, steps = 60 } = withFields("ramp", of, "seconds, from and to");
  secondsAbove0("seconds", seconds);
  amount("from", from, "a factor, 0 or more");
  amount("to", to, "a factor, 0 or more");
  wholeNumber("steps", steps, { least: 2, most: 100_000 }, "steps");
  return Array.from({ length: steps }, (_, i) => ({
    from: (seconds * i) / steps,
    factor: from + ((to - from) * i) / (steps - 1),
  }));
};

/** A daily curve, a cosine between `low` (12 hours from the peak) and 1 (at `peakHour`), constant within each quarter of an hour. */
export const daily = (of: {
  readonly low: number;
  readonly peakHour: number;
  readonly days?: number;
}): readonly RateStep[] => {
  const { low, peakHour, days = 1 } = withFields("daily", of, "low and peakHour");
  within("low", low, low >= 0 && low <= 1, "a factor from 0 to 1");
  within("peakHour", peakHour, peakHour >= 0 && peakHour <= 24, "an hour of the day, 0 to 24");
  wholeNumber("days", days, { least: 1, most: 1157 }, "days (a simulation ends after 100,000,000 s)");
  const quarters = 96;
  return Array.from({ length: quarters * days }, (_, i) => {
    const angle = (2 * Math.PI * (i + 0.5 - 4 * peakHour)) / quarters;
    return { from: i * 900, factor: low + ((1 - low) * (1 + Math.cos(angle))) / 2 };
  });
};

const isSpread = (to: Destination | Spread): to is Spread => "count" in to;

/** The name of a destination in results: `203.0.113.7:443/tcp`, `shop 3:443/tcp`. @param index from 0, of a spread */
export const destinationName = (to: Destination | Spread, index: number): string =>
  `${addressName(to, index)}:${to.port}/${to.protocol}`;

/** The same without port and protocol. */
export const addressName = (to: Destination | Spread, index: number): string =>
  isSpread(to) ? `${to.name} ${index + 1}` : to.address;

/** The share of a stream's connections that go to each of its destinations, in order. */
export const destinationShares = (to: Destination | Spread): readonly number[] => {
  if (!isSpread(to)) return [1];
  const weights = Array.from({ length: to.count }, (_, i) => (i + 1) ** -(to.zipf ?? 0));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map(weight => weight / sum);
};

const amount = (where: string, value: number, expected: string): void => {
  if (typeof value !== "number" || !(value >= 0 && value < Infinity))
    refuse(where, value, value < 0 ? "is negative" : "is not a number", expected);
};

const checkDestination = (to: Destination | Spread, where: string): void => {
  withFields(where, to, "an address or a name and a count, with port and protocol");
  oneOf("protocol with ports to translate", "tcp", "udp")(to.protocol, `${where}.protocol`);
  portNumber(`${where}.port`, to.port);
  if (!isSpread(to)) return void addr(to.address, `${where}.address`);
  wholeNumber(`${where}.count`, to.count, { least: 1, most: 100_000 }, "destinations");
  someText(`${where}.name`, to.name, "a name");
  const { zipf = 0 } = to;
  within(`${where}.zipf`, zipf, zipf >= 0 && zipf <= 10, "an exponent from 0 to 10");
};

const checkProfile = (profile: readonly RateStep[], where: string): void =>
  listOf(where, profile, "steps of from and factor").forEach((step, i) => {
    const { from, factor } = withFields(`${where}[${i}]`, step, "from and factor");
    amount(`${where}[${i}].from`, from, "seconds, 0 or more");
    amount(`${where}[${i}].factor`, factor, "a factor, 0 or more");
    if (i > 0 && from <= profile[i - 1]!.from)
      refuse(`${where}[${i}].from`, from, "is not after the step before", `more than ${profile[i - 1]!.from}`);
  });

/** Refuses a stream that has no sense. @throws InputError naming the field under `where` */
export const checkStream = (stream: Stream, where = "stream"): void => {
  const { to, ends, keepAlive, traffic, profile } = withFields(
    where,
    stream,
    "a stream with name, rate, to and duration",
  );
  someText(`${where}.name`, stream.name, "a name");
  amount(`${where}.rate`, stream.rate, "connections per second, 0 or more");
  checkDestination(to, `${where}.to`);
  checkDuration(stream.duration, `${where}.duration`);
  if (ends !== undefined) oneOf("way to end", "fin", "rst", "idle")(ends, `${where}.ends`);
  if (to.protocol === "udp" && ends !== undefined && ends !== "idle")
    refuse(`${where}.ends`, ends, "needs TCP", "idle, or left out, for UDP");
  if (traffic !== undefined) oneOf("kind of traffic", "steady", "once")(traffic, `${where}.traffic`);
  if (keepAlive !== undefined) secondsAbove0(`${where}.keepAlive`, keepAlive);
  if (keepAlive !== undefined && to.protocol === "udp")
    refuse(`${where}.keepAlive`, keepAlive, "needs TCP", "nothing for UDP");
  checkProfile(profile ?? [], `${where}.profile`);
};

/**
 * Refuses a workload that has no sense: no node, no stream, nothing ever sent, a negative rate, a name used twice.
 * @throws InputError naming the field, such as `workload.nodes[0].pods[2].streams[0].rate`
 */
export const checkWorkload = (workload: Workload): void => {
  const checked = new Set<readonly Stream[]>();
  const names = new Set<string>();
  let rate = 0;
  const sizes = new Map<string, { readonly count: number; readonly where: string }>();
  const { nodes } = withFields("workload", workload, "a workload with nodes");
  listOf("workload.nodes", nodes, "nodes with a name and pods").forEach((node, n) => {
    const where = `workload.nodes[${n}]`;
    withFields(where, node, "a node with a name and pods");
    someText(`${where}.name`, node.name, "a name");
    if (names.has(node.name)) refuse(`${where}.name`, node.name, "is used twice", "a name of its own for each node");
    names.add(node.name);
    listOf(`${where}.pods`, node.pods, "pods with a name and streams").forEach((pod, p) => {
      withFields(`${where}.pods[${p}]`, pod, "a pod with a name and streams");
      someText(`${where}.pods[${p}].name`, pod.name, "a name");
      if (checked.has(pod.streams)) return;
      checked.add(pod.streams);
      listOf(`${where}.pods[${p}].streams`, pod.streams, "streams").forEach((stream, s) => {
        const place = `${where}.pods[${p}].streams[${s}]`;
        checkStream(stream, place);
        rate += stream.rate;
        if (!isSpread(stream.to)) return;
        const known = sizes.get(stream.to.name);
        if (known !== undefined && known.count !== stream.to.count)
          refuse(
            `${place}.to.count`,
            stream.to.count,
            `differs from ${known.where}, which has the same name`,
            `${known.count}, or another name`,
          );
        sizes.set(stream.to.name, { count: stream.to.count, where: place });
      });
    });
  });
  if (nodes.length === 0) refuse("workload.nodes", [], "is empty", "at least one node");
  if (rate === 0) refuse("workload", "no connection", "is empty", "a stream with a rate above 0 on some pod");
};
