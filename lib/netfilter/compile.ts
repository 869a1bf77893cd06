import { chainsOf, checkRuleset } from "./check.js";
import type { NatRange, Which } from "./nat.js";
import type { Skb } from "./netfilter.js";
import { type Choice, choicesOf } from "./choice.js";
import { matchesInOrder } from "./order.js";
import { type Run, runsOf } from "./runs.js";
import type { Chain, ConntrackState, Hook, Match, Rule, Ruleset, TableName, Target } from "./ruleset.js";

/** What some matches ask of the host that a packet is on. */
export interface Chance {
  addrType(address: number): number;
  /** The state bit of the packet at hand, with SNAT and DNAT. */
  stateBits(): number;
  draw(): number;
  /** Advances counter `slot` of the nth matches, which starts at `start` and wraps after `last`; says what it is now. */
  count(slot: number, start: number, last: number): number;
}

export type Test = (skb: Skb, host: Chance) => boolean;

export const stateBit: Readonly<Record<ConntrackState | "SNAT" | "DNAT", number>> = {
  INVALID: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  NEW: 8,
  UNTRACKED: 16,
  SNAT: 32,
  DNAT: 64,
};

export const addrTypeBit = { UNICAST: 1, LOCAL: 2, BROADCAST: 4, MULTICAST: 8 } as const;

/** Whether an interface's name fits a pattern: a trailing + stands for any ending. */
export const interfaceTest = (pattern: string): ((name: string | undefined) => boolean) => {
  if (!pattern.endsWith("+")) return name => name === pattern;
  const start = pattern.slice(0, -1);
  return start === "" ? () => true : name => name !== undefined && name.startsWith(start);
};

const sum = (bits: readonly number[]): number => bits.reduce((all, bit) => all | bit, 0);

const within = (ports: readonly { readonly first: number; readonly last: number }[], port: number): boolean => {
  for (const range of ports) if (port >= range.first && port <= range.last) return true;
  return false;
};

const multiport = (match: Match & { readonly kind: "multiport" }): Test => {
  const { on, ports, not } = match;
  return ({ packet }) => {
    if (packet.proto === "icmp") return false;
    const hit = (on !== "dports" && within(ports, packet.sport)) || (on !== "sports" && within(ports, packet.dport));
    return hit !== not;
  };
};

const statistic = (match: Match & { readonly kind: "statistic" }, slots: { next: number }): Test => {
  const { not } = match;
  if (match.mode === "random") {
    const { probability } = match;
    return (_, host) => host.draw() < probability !== not;
  }
  const slot = slots.next++;
  const last = match.every - 1;
  const start = last - match.packet;
  return (_, host) => (host.count(slot, start, last) === 0) !== not;
};

/** The block that an address must be in, or not: in once `(address & mask) === base`. Everything has mask 0. */
export interface Block {
  readonly base: number;
  readonly mask: number;
  readonly inside: boolean;
}

const everyAddress: Block = { base: 0, mask: 0, inside: true };

const blockOf = (rule: Rule, kind: "source" | "destination"): Block => {
  for (const match of rule.matches)
    if (match.kind === kind && "cidr" in match) {
      const { base, prefix } = match.cidr;
      return { base: base | 0, mask: prefix === 0 ? 0 : -1 << (32 - prefix), inside: !match.not };
    }
  return everyAddress;
};

/** A match as a function; undefined for one that always holds, or that {@link CompiledRule} has as a block. */
const testOf = (match: Match, slots: { next: number }): Test | undefined => {
  switch (match.kind) {
    case "source":
    case "destination":
    case "comment":
      return undefined;
    case "in": {
      const test = interfaceTest(match.interface);
      return skb => test(skb.in) !== match.not;
    }
    case "out": {
      const test = interfaceTest(match.interface);
      return skb => test(skb.out) !== match.not;
    }
    case "protocol":
      return ({ packet }) => (packet.proto === match.proto) !== match.not;
    case "sport": {
      const { first, last } = match.ports;
      return ({ packet }) =>
        packet.proto === match.proto && (packet.sport >= first && packet.sport <= last) !== match.not;
    }
    case "dport": {
      const { first, last } = match.ports;
      return ({ packet }) =>
        packet.proto === match.proto && (packet.dport >= first && packet.dport <= last) !== match.not;
    }
    case "multiport":
      return multiport(match);
    case "iprange": {
      const { first, last } = match.range;
      return match.on === "source"
        ? ({ packet }) => (packet.src >= first && packet.src <= last) !== match.not
        : ({ packet }) => (packet.dst >= first && packet.dst <= last) !== match.not;
    }
    case "addrtype": {
      const wanted = sum(match.types.map(type => addrTypeBit[type]));
      return match.on === "source"
        ? ({ packet }, host) => ((host.addrType(packet.src) & wanted) !== 0) !== match.not
        : ({ packet }, host) => ((host.addrType(packet.dst) & wanted) !== 0) !== match.not;
    }
    case "mark": {
      const value = match.value >>> 0;
      return ({ mark }) => ((mark & match.mask) >>> 0 === value) !== match.not;
    }
    case "statistic":
      return statistic(match, slots);
    case "conntrack": {
      const wanted = sum(match.states.map(state => stateBit[state]));
      return (_, host) => ((host.stateBits() & wanted) !== 0) !== match.not;
    }
  }
};

const noTests: readonly Test[] = [];

const testsOf = (rule: Rule, slots: { next: number }): readonly Test[] => {
  let tests: Test[] | undefined;
  for (const match of matchesInOrder(rule.matches)) {
    const test = testOf(match, slots);
    if (test !== undefined) (tests ??= []).push(test);
  }
  return tests ?? noTests;
};

/** A target with what can be settled beforehand settled. */
export type Action =
  | { readonly kind: "count" | "accept" | "drop" | "return" }
  | { readonly kind: "reject"; readonly target: Target & { readonly kind: "REJECT" } }
  | { readonly kind: "mark"; readonly keep: number; readonly value: number }
  | { readonly kind: "jump" | "goto"; readonly chain: CompiledChain }
  | { readonly kind: "masquerade"; readonly range: NatRange }
  | { readonly kind: "translate"; readonly which: Which; readonly range: NatRange };

export interface CompiledRule {
  /** Its place among all counters of the ruleset. */
  readonly counter: number;
  readonly number: number;
  /** Most rules fail by their addresses, so these are looked at first and without a call. */
  readonly source: Block;
  readonly destination: Block;
  readonly tests: readonly Test[];
  readonly action: Action;
  readonly rule: Rule;
  /** The run that it is part of. */
  run: Run | undefined;
  /** The choice that it is part of: that draws for it. */
  choice: Choice | undefined;
}

export interface CompiledChain {
  readonly name: string;
  readonly rules: CompiledRule[];
  readonly policy: "ACCEPT" | "DROP";
  readonly counter: number;
}

/** A step of a hook: a table's chain, or what the tracker does between them. */
export type Stage =
  | { readonly kind: "chain"; readonly table: TableName; readonly chain: CompiledChain }
  | { readonly kind: "nat"; readonly which: Which; readonly chain: CompiledChain }
  | { readonly kind: "track" | "confirm" };

export interface Compiled {
  readonly tables: readonly {
    readonly name: TableName;
    readonly chains: readonly { readonly source: Chain; readonly compiled: CompiledChain }[];
  }[];
  readonly hooks: Readonly<Record<Hook, readonly Stage[]>>;
}

const rangeOf = (target: Target & { readonly kind: "SNAT" | "DNAT" | "MASQUERADE" }): NatRange => ({
  addresses: target.kind === "MASQUERADE" ? undefined : target.addresses,
  ports: target.ports,
  randomFully: target.randomFully,
});

const actionOf = (target: Target, chains: ReadonlyMap<string, CompiledChain>): Action => {
  switch (target.kind) {
    case "ACCEPT":
      return { kind: "accept" };
    case "DROP":
      return { kind: "drop" };
    case "RETURN":
      return { kind: "return" };
    case "none":
      return { kind: "count" };
    case "REJECT":
      return { kind: "reject", target };
    case "MARK":
      return { kind: "mark", keep: ~target.mask, value: target.value };
    case "jump":
    case "goto":
      return { kind: target.kind, chain: chains.get(target.chain)! };
    case "MASQUERADE":
      return { kind: "masquerade", range: rangeOf(target) };
    case "SNAT":
      return { kind: "translate", which: "source", range: rangeOf(target) };
    case "DNAT":
      return { kind: "translate", which: "destination", range: rangeOf(target) };
  }
};

/** The kernel tracks only where a rule asks for it. */
const tracks = (ruleset: Ruleset): boolean =>
  ruleset.tables.some(table =>
    table.chains.some(chain =>
      chain.rules.some(
        ({ target, matches }) =>
          target.kind === "MASQUERADE" ||
          target.kind === "SNAT" ||
          target.kind === "DNAT" ||
          matches.some(match => match.kind === "conntrack"),
      ),
    ),
  );

/** Order within a hook, by the priorities that the kernel's hooks are registered with. */
const orders: Readonly<Record<Hook, readonly (TableName | "track" | "confirm")[]>> = {
  PREROUTING: ["raw", "track", "mangle", "nat"],
  INPUT: ["mangle", "filter", "nat", "confirm"],
  FORWARD: ["mangle", "filter"],
  OUTPUT: ["raw", "track", "mangle", "nat", "filter"],
  POSTROUTING: ["mangle", "nat", "confirm"],
};

const build = (ruleset: Ruleset): Compiled => {
  checkRuleset(ruleset);
  const slots = { next: 0 };
  let counter = 0;
  const tables = ruleset.tables.map(table => {
    const chains = chainsOf(table).map(source => ({
      source,
      compiled: {
        name: source.name,
        rules: [] as CompiledRule[],
        policy: source.policy ?? ("ACCEPT" as const),
        counter: counter++,
      },
    }));
    const byName = new Map(chains.map(({ compiled }) => [compiled.name, compiled]));
    for (const { source, compiled } of chains) {
      source.rules.forEach((rule, index) =>
        compiled.rules.push({
          counter: counter++,
          number: index + 1,
          source: blockOf(rule, "source"),
          destination: blockOf(rule, "destination"),
          tests: testsOf(rule, slots),
          action: actionOf(rule.target, byName),
          rule,
          run: undefined,
          choice: undefined,
        }),
      );
      for (const choice of choicesOf(source.rules))
        for (let i = choice.start; i < choice.end; i++) compiled.rules[i]!.choice = choice;
      for (const run of runsOf(source.rules)) for (let i = run.start; i < run.end; i++) compiled.rules[i]!.run = run;
    }
    return { name: table.name, chains, byName };
  });
  const tracking = tracks(ruleset);
  const stages = (hook: Hook): Stage[] =>
    orders[hook].flatMap((step): Stage[] => {
      if (step === "track" || step === "confirm") return tracking ? [{ kind: step }] : [];
      const chain = tables.find(table => table.name === step)?.byName.get(hook);
      if (chain === undefined) return [];
      if (step !== "nat") return [{ kind: "chain", table: step, chain }];
      return tracking
        ? [{ kind: "nat", which: hook === "PREROUTING" || hook === "OUTPUT" ? "destination" : "source", chain }]
        : [];
    });
  const hooks = {
    PREROUTING: stages("PREROUTING"),
    INPUT: stages("INPUT"),
    FORWARD: stages("FORWARD"),
    OUTPUT: stages("OUTPUT"),
    POSTROUTING: stages("POSTROUTING"),
  };
  return { tables, hooks };
};

const compiled = new WeakMap<Ruleset, Compiled>();

/** The compiled form of a ruleset, made once however many hosts share it. */
export const compile = (ruleset: Ruleset): Compiled => {
  let result = compiled.get(ruleset);
  if (result === undefined) {
    result = build(ruleset);
    compiled.set(ruleset, result);
  }
  return result;
};
