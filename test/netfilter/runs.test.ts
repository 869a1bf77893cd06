import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidrOf, hostCidr } from "../../lib/ip/cidr.js";
import type { NetfilterStep, Skb, Verdict } from "../../lib/netfilter/netfilter.js";
import { startNetfilter } from "../../lib/netfilter/start.js";
import type { Chain, CountedRuleset, Hook, Match, Rule, Ruleset, Target } from "../../lib/netfilter/ruleset.js";
import type { Packet } from "../../lib/packet/packet.js";
import { seeded } from "../../lib/random.js";

/**
 * Rules that stand together and each want one destination, source or port are looked up, not asked one by one. Here each rule
 * stands behind one that never matches, so that no two stand together and every one is asked: all else must come out the same.
 */
const never: Rule = { matches: [{ kind: "mark", not: false, value: 1, mask: 0 }], target: { kind: "none" } };
const apart = (ruleset: Ruleset): Ruleset => ({
  tables: ruleset.tables.map(table => ({
    ...table,
    chains: table.chains.map(chain => ({ ...chain, rules: chain.rules.flatMap(rule => [never, rule]) })),
  })),
});

const addresses = ["10.0.0.1", "10.0.0.2", "10.0.1.3", "172.16.0.4", "203.0.113.5"].map(text => addr(text));
const own = addr("10.0.0.254");
const ports = [53, 80, 443, 8080];
const userChains = ["A", "B", "C"];

const anyAddress = fc.constantFrom(...addresses);
const anyPort = fc.constantFrom(...ports);
const rarely = fc.nat(9).map(value => value === 0);
const portsOf = (first: number, last = first) => ({ first, last });

type Part = fc.Arbitrary<readonly Match[]>;
const sided = (kind: "source" | "destination"): Part =>
  fc
    .tuple(anyAddress, rarely, rarely)
    .map(([address, wide, not]) => [{ kind, not, cidr: wide ? cidrOf(address, 24) : hostCidr(address) }]);
const onPort: Part = fc
  .tuple(fc.constantFrom("tcp", "udp"), anyPort, rarely, rarely)
  .map(([proto, port, wide, not]) => [
    { kind: "protocol", not: false, proto },
    { kind: "dport", not, proto, ports: wide ? portsOf(port, 9000) : portsOf(port) },
  ]);
const chance: Part = fc.oneof(
  fc
    .tuple(fc.boolean(), fc.constantFrom(0, 0.25, 0.5, 1))
    .map(([not, probability]): Match[] => [{ kind: "statistic", mode: "random", not, probability }]),
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 4 }), fc.nat(3))
    .map(([not, every, packet]): Match[] => [{ kind: "statistic", mode: "nth", not, every, packet: packet % every }]),
);
const other: Part = fc.oneof(
  fc.tuple(fc.boolean(), fc.nat(7)).map(([not, value]): Match[] => [{ kind: "mark", not, value, mask: 7 }]),
  fc.boolean().map((not): Match[] => [{ kind: "addrtype", not, on: "destination", types: ["LOCAL"] }]),
  fc
    .constantFrom("NEW" as const, "ESTABLISHED" as const, "SNAT" as const, "DNAT" as const)
    .map((state): Match[] => [{ kind: "conntrack", not: false, module: "conntrack", states: [state] }]),
);
const none: Part = fc.constant([]);
const maybe = (part: Part): Part => fc.oneof({ arbitrary: none, weight: 3 }, part);

/** What the rules of a stretch of a chain share; the last has nothing in common. The chance stands before the port or after it. */
const shapes: readonly Part[] = [
  fc.tuple(sided("destination"), maybe(sided("source")), maybe(onPort), maybe(chance)).map(parts => parts.flat()),
  fc.tuple(sided("source"), maybe(onPort), maybe(other), maybe(chance)).map(parts => parts.flat()),
  fc.tuple(onPort, maybe(chance)).map(parts => parts.flat()),
  fc.tuple(maybe(chance), onPort).map(parts => parts.flat()),
  fc.tuple(sided("destination"), onPort, maybe(other)).map(parts => parts.flat()),
  fc.tuple(maybe(sided("destination")), maybe(other), maybe(chance)).map(parts => parts.flat()),
];

const targetTo = (chains: readonly string[], own: readonly Target[]): fc.Arbitrary<Target> =>
  fc.oneof(
    { arbitrary: fc.constant<Target>({ kind: "none" }), weight: 6 },
    {
      arbitrary: fc.tuple(fc.nat(7), fc.nat(7)).map(([value, mask]): Target => ({ kind: "MARK", value, mask })),
      weight: 3,
    },
    fc.constant<Target>({ kind: "RETURN" }),
    ...own.map(target => fc.constant(target)),
    ...chains.map(chain => ({
      arbitrary: fc.constantFrom<Target>({ kind: "jump", chain }, { kind: "jump", chain }, { kind: "goto", chain }),
      weight: 2,
    })),
  );

const stretch = (target: fc.Arbitrary<Target>): fc.Arbitrary<readonly Rule[]> =>
  fc
    .constantFrom(...shapes)
    .chain(shape => fc.array(fc.record({ matches: shape, target }, { noNullPrototype: true }), { maxLength: 16 }));

const chain = (name: string, target: fc.Arbitrary<Target>): fc.Arbitrary<Chain> =>
  fc.array(stretch(target), { maxLength: 3 }).map(parts => ({ name, rules: parts.flat() }));

const chains = (built: Readonly<Record<string, readonly Target[]>>, anywhere: readonly Target[]) =>
  fc.tuple(
    ...Object.entries(built).map(([name, targets]) => chain(name, targetTo(userChains, [...anywhere, ...targets]))),
    ...userChains.map((name, index) => chain(name, targetTo(userChains.slice(index + 1), anywhere))),
  );

const accept: Target = { kind: "ACCEPT" };
const dropped: Target = { kind: "DROP" };
const to = (kind: "SNAT" | "DNAT", address: Addr): Target => ({
  kind,
  addresses: { first: address, last: address },
  randomFully: false,
});
const anyRules: fc.Arbitrary<Ruleset> = fc
  .tuple(
    chains({ PREROUTING: [], POSTROUTING: [] }, [accept]),
    chains({ PREROUTING: [to("DNAT", addresses[1]!)], POSTROUTING: [to("SNAT", own)] }, [accept]),
    chains({ INPUT: [], FORWARD: [{ kind: "REJECT", with: "icmp-port-unreachable" }] }, [accept, dropped]),
  )
  .map(([mangle, nat, filter]) => ({
    tables: [
      { name: "mangle", chains: mangle },
      { name: "nat", chains: nat },
      { name: "filter", chains: filter },
    ],
  }));

const anyPacket: fc.Arbitrary<Packet> = fc
  .record(
    {
      proto: fc.constantFrom("tcp", "udp", "icmp"),
      src: anyAddress,
      dst: fc.constantFrom(own, ...addresses),
      sport: anyPort,
      dport: anyPort,
    },
    { noNullPrototype: true },
  )
  .map(({ proto, src, dst, sport, dport }): Packet => {
    if (proto === "icmp") return { proto, type: "echo-request", src, dst, ttl: 64, id: sport, seq: 1, size: 56 };
    if (proto === "udp") return { proto, src, dst, sport, dport, ttl: 64, payload: "x" };
    return { proto: "tcp", src, dst, sport, dport, ttl: 64, flags: ["SYN"], seq: 1, ack: 0, payload: "" };
  });

interface Passed {
  readonly verdicts: readonly Verdict[];
  readonly steps: readonly NetfilterStep[];
  readonly packets: readonly Packet[];
  readonly counters: CountedRuleset;
}

const passAll = (ruleset: Ruleset, packets: readonly Packet[]): Passed => {
  const netfilter = startNetfilter(ruleset, {
    isLocal: address => address === own,
    sourceFor: () => own,
    now: () => 0,
    random: seeded(1),
  });
  const verdicts: Verdict[] = [];
  const steps: NetfilterStep[] = [];
  const left = packets.map(packet => {
    const skb: Skb = { packet, mark: 0, in: "eth0" };
    const run = (hook: Hook): boolean => {
      const verdict = netfilter.run(hook, skb, steps);
      verdicts.push(verdict);
      return verdict.kind === "accept";
    };
    if (run("PREROUTING")) {
      if (skb.packet.dst === own) run("INPUT");
      else {
        skb.out = "eth1";
        if (run("FORWARD")) run("POSTROUTING");
      }
    }
    return skb.packet;
  });
  return { verdicts, steps, packets: left, counters: netfilter.counters() };
};

/** What was seen with the rules apart, as if they stood together: rule 2n is rule n. */
const together = (passed: Passed): Passed => ({
  ...passed,
  verdicts: passed.verdicts.map(verdict =>
    verdict.kind === "drop" && verdict.reason.kind === "rule"
      ? { ...verdict, reason: { ...verdict.reason, number: verdict.reason.number / 2 } }
      : verdict,
  ),
  steps: passed.steps.map(step => (step.kind === "rule" ? { ...step, number: step.number / 2 } : step)),
  counters: {
    tables: passed.counters.tables.map(table => ({
      ...table,
      chains: table.chains.map(entry => ({ ...entry, rules: entry.rules.filter((_, index) => index % 2 === 1) })),
    })),
  },
});

const test = suite("rules looked up");

test("do to every packet what rules asked one by one do, step for step, and count the same", () => {
  let met = 0;
  fc.assert(
    fc.property(anyRules, fc.array(anyPacket, { minLength: 1, maxLength: 30 }), (rules, packets) => {
      const looked = passAll(rules, packets);
      assert.equal(looked, together(passAll(apart(rules), packets)));
      met += looked.steps.filter(step => step.kind === "rule").length;
    }),
    { numRuns: 300 },
  );
  assert.ok(met > 3_000, `${met} rules were met`);
});

test.run();
