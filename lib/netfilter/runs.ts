import type { Packet } from "../packet/packet.js";
import { matchesInOrder } from "./order.js";
import type { Rule } from "./ruleset.js";

/** What a rule may ask of a packet that has one value only. */
interface Key {
  readonly bit: number;
  /** The value that a rule wants; undefined for one that does not ask, or that takes several. */
  wanted(rule: Rule): number | undefined;
  /** The value that a packet has. */
  of(packet: Packet): number;
}

const wantedAddress = (rule: Rule, kind: "source" | "destination"): number | undefined => {
  for (const match of rule.matches)
    if (match.kind === kind && "cidr" in match)
      return match.not || match.cidr.prefix < 32 ? undefined : match.cidr.base | 0;
  return undefined;
};

const portKey = (proto: "tcp" | "udp", port: number): number => (proto === "tcp" ? port : 0x10000 + port);

/** A match before the port that draws or counts must see every packet that comes so far, so such a rule has no port of its own. */
const wantedPort = (rule: Rule): number | undefined => {
  for (const match of matchesInOrder(rule.matches)) {
    if (match.kind === "statistic") return undefined;
    if (match.kind === "dport" && !match.not && match.ports.first === match.ports.last)
      return portKey(match.proto, match.ports.first);
  }
  return undefined;
};

const keys: readonly Key[] = [
  { bit: 1, wanted: rule => wantedAddress(rule, "destination"), of: packet => packet.dst | 0 },
  { bit: 2, wanted: rule => wantedAddress(rule, "source"), of: packet => packet.src | 0 },
  { bit: 4, wanted: wantedPort, of: packet => (packet.proto === "icmp" ? -1 : portKey(packet.proto, packet.dport)) },
];
const everyKey = 7;

const keysOf = (rule: Rule): number =>
  keys.reduce((bits, key) => (key.wanted(rule) === undefined ? bits : bits | key.bit), 0);

/** Fewer rules than this are sooner asked than looked up. */
const shortestRun = 8;

interface Index {
  readonly key: Key;
  /** The first rule of the chain that wants a value. */
  readonly first: ReadonlyMap<number, number>;
  /** For each rule of the run the next one that wants the same. */
  readonly following: Int32Array;
}

/**
 * Rules that stand together in a chain and each want one value of the same kind, such as a destination of 32 bits.
 * A packet meets only those that want what it has, in their order; the others would not have matched. The index is made when
 * a packet first comes by, and is shared by all hosts with the same rules.
 */
export class Run {
  private index: Index | undefined;

  constructor(
    private readonly rules: readonly Rule[],
    readonly start: number,
    readonly end: number,
    private readonly shared: number,
  ) {}

  /** The first rule that a packet may match, or the end of the run. */
  enter(packet: Packet): number {
    const { key, first } = (this.index ??= this.build());
    return first.get(key.of(packet)) ?? this.end;
  }

  /** The rule after `place` that a packet may match which may match that one, or the end of the run. */
  after(place: number): number {
    return (this.index ??= this.build()).following[place - this.start]!;
  }

  /** By the kind of value that tells the rules apart best. */
  private build(): Index {
    const rules = this.rules.slice(this.start, this.end);
    const best = keys
      .filter(({ bit }) => (this.shared & bit) !== 0)
      .map(key => ({ key, values: rules.map(rule => key.wanted(rule)!) }))
      .reduce((a, b) => (new Set(b.values).size > new Set(a.values).size ? b : a));
    const first = new Map<number, number>();
    const following = new Int32Array(rules.length);
    for (let i = rules.length - 1; i >= 0; i--) {
      following[i] = first.get(best.values[i]!) ?? this.end;
      first.set(best.values[i]!, this.start + i);
    }
    return { key: best.key, first, following };
  }
}

/** The runs of a chain, each as long as it can be from its start on. */
export const runsOf = (rules: readonly Rule[]): readonly Run[] => {
  if (rules.length < shortestRun) return [];
  const runs: Run[] = [];
  let start = 0;
  let shared = everyKey;
  for (let end = 0; end <= rules.length; end++) {
    const own = end < rules.length ? keysOf(rules[end]!) : 0;
    if ((shared & own) !== 0) {
      shared &= own;
      continue;
    }
    if (end - start >= shortestRun) runs.push(new Run(rules, start, end, shared));
    start = own === 0 ? end + 1 : end;
    shared = own === 0 ? everyKey : own;
  }
  return runs;
};
