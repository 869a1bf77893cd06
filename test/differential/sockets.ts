import fc from "fast-check";
import { InputError } from "../../lib/errors.js";
import { type Addr, formatAddr } from "../../lib/ip/addr.js";
import { bootLinux } from "../../lib/linux/boot.js";
import type { Lab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import { told } from "../net/stack.js";
import {
  answering,
  caseParameters,
  type Conversation,
  nowhere,
  serviceAddresses,
  type SocketCase,
  socketCase,
} from "./generate.js";

/** What real programs are told in random networks, by the kernel and by the model. */

/** Ways in which chance may have it on the model before what the kernel said counts as impossible. */
const mostChances = 200;

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length]!;

interface Asked {
  readonly host: string;
  readonly to: Addr;
  readonly proto: Conversation["proto"];
  readonly sport: number;
  readonly dport: number;
  readonly ttl: number;
}

/** Who asks whom, three times in four at a port that is answered; a port of a host only once, as a connection that lingers keeps it. */
const asksOf = ({ network, endpoints, conversations }: SocketCase): readonly Asked[] => {
  const routers = network.hosts.filter(({ role }) => role === "node");
  const used = new Set<string>();
  return conversations.flatMap(spec => {
    const { client, to, proto, ttl } = spec;
    const own: readonly number[] = proto === "icmp" ? [] : answering[proto];
    const sport = own.includes(spec.sport) ? spec.sport + 20 : spec.sport;
    const dport = own.length === 0 || to.index % 4 === 3 ? spec.dport : pick(own, spec.dport + to.index);
    const host = client.kind === "endpoint" ? pick(endpoints, client.index).host : pick(routers, client.index).id;
    const address = (): Addr => {
      if (to.kind === "service") return pick(serviceAddresses, to.index);
      if (to.kind === "nowhere" || to.kind === "special") return pick(nowhere, to.index);
      const place = to.kind === "router" ? pick(routers, to.index).id : pick(endpoints, to.index).host;
      return pick(
        network.hosts.find(({ id }) => id === place)!.interfaces.flatMap(({ addresses }) => addresses),
        to.index,
      ).address;
    };
    const key = `${host} ${proto} ${sport}`;
    if (proto !== "icmp" && used.has(key)) return [];
    used.add(key);
    return { host, to: address(), proto, sport, dport, ttl };
  });
};

const say = async (lab: Lab, { host, to, proto, sport, dport, ttl }: Asked): Promise<string> => {
  const destination = formatAddr(to);
  try {
    if (proto === "icmp") {
      const { replies } = await lab.ping(host, destination, { ttl });
      return replies.length === 0
        ? "no reply"
        : replies.map(({ from, kind, code = 0, ttl: left }) => `${kind} ${code} from ${from} ttl ${left}`).join(", ");
    }
    const result = await lab.connect(host, destination, dport, { proto, sourcePort: sport });
    if (result.kind !== "connected") return told(result);
    const { address, port } = result.seenAs;
    return `${told(result)} as ${address} ${port === sport ? "by its port" : "by another port"}`;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return "refused";
  }
};

/** What each asker is told, one after the other. */
const tellings = async (lab: Lab, asks: readonly Asked[]): Promise<readonly string[]> => {
  const lines: string[] = [];
  for (const ask of asks) {
    const { proto, sport, dport } = ask;
    lines.push(`${ask.host} ${proto} ${sport} > ${formatAddr(ask.to)}:${dport}: ${await say(lab, ask)}`);
  }
  return lines;
};

interface SocketsCompared {
  readonly asks: number;
  /** Lines of the kernel that no chance of the model has, beside the model's; empty when they agree. */
  readonly differences: readonly string[];
  /** What was told, without who asked: to see that more than silence is compared. */
  readonly answers: readonly string[];
}

const compareOnce = async (of: SocketCase): Promise<SocketsCompared> => {
  const asks = asksOf(of);
  const linux = await bootLinux(of.network, { connectTimeout: 0.5 });
  let kernel: readonly string[];
  try {
    kernel = await tellings(linux, asks);
  } finally {
    await linux.close();
  }
  const answers = kernel.map(line => line.slice(line.indexOf(": ") + 2));
  let first: readonly string[] = [];
  for (let seed = 1; seed <= mostChances; seed++) {
    const model = await tellings(bootModel({ ...of.network, seed }), asks);
    if (seed === 1) first = model;
    if (model.every((line, index) => line === kernel[index])) return { asks: asks.length, differences: [], answers };
  }
  const differences = kernel.flatMap((line, index) =>
    line === first[index] ? [] : [`kernel: ${line}`, `model:  ${first[index]}`],
  );
  return { asks: asks.length, differences, answers };
};

/** Compares network number `index` of a seed; what differs is looked at once more, as a busy machine may answer late. */
const compareNumber = async (seed: number, index: number): Promise<SocketsCompared> => {
  const [of] = fc.sample(socketCase, caseParameters(seed, index));
  const once = await compareOnce(of!);
  return once.differences.length === 0 ? once : compareOnce(of!);
};

export interface SocketsOutcome {
  readonly networks: number;
  readonly asks: number;
  /** Asks by what came of them, in a word: connected, refused, timeout, echo-reply ... */
  readonly answers: ReadonlyMap<string, number>;
  /** By network. */
  readonly mismatches: ReadonlyMap<number, readonly string[]>;
}

/** Compares networks 0 to `runs` - 1 of a seed, `parallel` at a time. */
export const compareSockets = async (
  seed: number,
  runs: number,
  parallel: number,
  onProgress: (soFar: SocketsOutcome) => void = () => undefined,
): Promise<SocketsOutcome> => {
  const answers = new Map<string, number>();
  const mismatches = new Map<number, readonly string[]>();
  let next = 0;
  let networks = 0;
  let asks = 0;
  const soFar = (): SocketsOutcome => ({ networks, asks, answers, mismatches });
  const worker = async () => {
    while (next < runs) {
      const index = next++;
      const compared = await compareNumber(seed, index);
      networks++;
      asks += compared.asks;
      for (const answer of compared.answers) {
        const word = /^no reply|^\S+/.exec(answer)![0];
        answers.set(word, (answers.get(word) ?? 0) + 1);
      }
      if (compared.differences.length > 0) mismatches.set(index, compared.differences);
      onProgress(soFar());
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return soFar();
};
