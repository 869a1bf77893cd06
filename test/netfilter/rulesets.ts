import fc from "fast-check";
import type { Addr } from "../../lib/ip/addr.js";
import { cidrOf } from "../../lib/ip/cidr.js";
import { builtIns, chainsOf } from "../../lib/netfilter/check.js";
import { addrTypeOrder, matchesInOrder, stateOrder } from "../../lib/netfilter/order.js";
import type {
  AddrRange,
  Hook,
  Match,
  PortRange,
  Rule,
  Ruleset,
  Table,
  TableName,
  Target,
} from "../../lib/netfilter/ruleset.js";

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

/** Rulesets that iptables accepts and prints back as they are: matches in its order, every built-in chain. */

const address = fc.integer({ min: 1, max: 0xfffffffe }).map(value => value as Addr);
const not = fc.boolean();
const portRange = (low: number): fc.Arbitrary<PortRange> =>
  fc
    .tuple(fc.integer({ min: low, max: 65535 }), fc.integer({ min: low, max: 65535 }))
    .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const somePorts = fc.oneof(
  fc.integer({ min: 0, max: 65535 }).map(port => ({ first: port, last: port })),
  portRange(1),
);
const addressRange: fc.Arbitrary<AddrRange> = fc
  .tuple(address, address)
  .map(([a, b]) => ({ first: Math.min(a, b) as Addr, last: Math.max(a, b) as Addr }));
const cidr = fc.tuple(address, fc.integer({ min: 1, max: 32 })).map(([base, prefix]) => cidrOf(base, prefix));
const interfaceName = fc.constantFrom("eth0", "eth+", "cbr0", "azure0", "veth1a2b3c4d");
const subset = <T>(all: readonly T[]): fc.Arbitrary<readonly T[]> => fc.subarray([...all], { minLength: 1 });
const commentText = fc
  .string({ unit: fc.constantFrom(..."abcXYZ019 _-:/.,'\"\\!#%()"), minLength: 0, maxLength: 40 })
  .map(text => text.trim());

const loneMatch: fc.Arbitrary<Match> = fc.oneof(
  commentText.map((text): Match => ({ kind: "comment", text })),
  record({
    not,
    value: fc.integer({ min: 0, max: 0xffffffff }),
    mask: fc.oneof(fc.constant(0xffffffff), fc.integer({ min: 0, max: 0xffffffff })),
  }).map((mark): Match => ({ kind: "mark", ...mark })),
  record({ not, on: fc.constantFrom("source" as const, "destination" as const), types: subset(addrTypeOrder) }).map(
    (match): Match => ({ kind: "addrtype", ...match }),
  ),
  record({ not, on: fc.constantFrom("source" as const, "destination" as const), range: addressRange }).map(
    (match): Match => ({ kind: "iprange", ...match }),
  ),
  record({ not, units: fc.integer({ min: 0, max: 0x80000000 }) }).map((match): Match => ({
    kind: "statistic",
    mode: "random",
    not: match.not,
    probability: match.units / 0x80000000,
  })),
  fc.tuple(not, fc.integer({ min: 1, max: 1000 }), fc.nat()).map(([invert, every, packet]): Match => ({
    kind: "statistic",
    mode: "nth",
    not: invert,
    every,
    packet: packet % every,
  })),
  record({ not, states: subset(stateOrder) }).map((match): Match => ({
    kind: "conntrack",
    module: "conntrack",
    ...match,
  })),
  record({ not, states: subset(stateOrder.slice(0, 5)) }).map((match): Match => ({
    kind: "conntrack",
    module: "state",
    ...match,
  })),
);

const portMatches = (proto: "tcp" | "udp"): fc.Arbitrary<readonly Match[]> =>
  fc.oneof(
    fc.constant([]),
    fc.constant([{ kind: "dport" as const, not: false, proto, ports: { first: 0, last: 65535 } }]),
    fc.tuple(not, somePorts).map(([invert, ports]): Match[] => [{ kind: "dport", not: invert, proto, ports }]),
    fc.tuple(somePorts, somePorts).map(([from, to]): Match[] => [
      { kind: "sport", not: false, proto, ports: from },
      { kind: "dport", not: false, proto, ports: to },
    ]),
    record({
      not,
      on: fc.constantFrom("sports" as const, "dports" as const, "ports" as const),
      ports: fc.array(somePorts, { minLength: 1, maxLength: 7 }),
    }).map((match): Match[] => [{ kind: "multiport", ...match }]),
  );

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> => fc.array(arbitrary, { maxLength: 1 });

const natTargets = (hook: Hook, withPorts: boolean): fc.Arbitrary<Target> => {
  const ports = withPorts ? fc.option(portRange(1), { nil: undefined }) : fc.constant(undefined);
  const randomFully = fc.boolean();
  const translation = (kind: "SNAT" | "DNAT") =>
    fc.tuple(addressRange, ports, kind === "SNAT" ? randomFully : fc.constant(false));
  const shape = (kind: "SNAT" | "DNAT") =>
    translation(kind).map(([addresses, range, fully]): Target => ({
      kind,
      addresses,
      ...(range === undefined ? {} : { ports: range }),
      randomFully: fully,
    }));
  if (hook === "POSTROUTING")
    return fc.oneof(
      shape("SNAT"),
      fc.tuple(ports, randomFully).map(([range, fully]): Target => ({
        kind: "MASQUERADE",
        ...(range === undefined ? {} : { ports: range }),
        randomFully: fully,
      })),
    );
  return shape(hook === "INPUT" ? "SNAT" : "DNAT");
};

const plainTargets: fc.Arbitrary<Target> = fc.oneof(
  fc.constantFrom<Target>({ kind: "ACCEPT" }, { kind: "RETURN" }, { kind: "none" }),
  record({ value: fc.integer({ min: 0, max: 0xffffffff }), mask: fc.integer({ min: 0, max: 0xffffffff }) }).map(
    (mark): Target => ({ kind: "MARK", ...mark }),
  ),
);

const targets = (
  table: TableName,
  hook: Hook | undefined,
  proto: "icmp" | "tcp" | "udp" | undefined,
  chains: readonly string[],
): fc.Arbitrary<Target> => {
  const choices: fc.Arbitrary<Target>[] = [plainTargets];
  if (chains.length > 0)
    choices.push(
      fc
        .tuple(fc.constantFrom("jump" as const, "goto" as const), fc.constantFrom(...chains))
        .map(([kind, chain]) => ({ kind, chain })),
    );
  if (table === "nat" && hook !== undefined) choices.push(natTargets(hook, proto === "tcp" || proto === "udp"));
  if (table !== "nat") choices.push(fc.constant({ kind: "DROP" }));
  if (table === "filter" && hook !== undefined)
    choices.push(
      fc
        .constantFrom(
          "icmp-port-unreachable" as const,
          "icmp-host-unreachable" as const,
          "icmp-net-unreachable" as const,
          "icmp-proto-unreachable" as const,
          "icmp-net-prohibited" as const,
          "icmp-host-prohibited" as const,
          "icmp-admin-prohibited" as const,
          ...(proto === "tcp" ? ["tcp-reset" as const] : []),
        )
        .map((how): Target => ({ kind: "REJECT", with: how })),
    );
  return fc.oneof(...choices);
};

const rule = (table: TableName, hook: Hook | undefined, chains: readonly string[]): fc.Arbitrary<Rule> =>
  fc.constantFrom("icmp" as const, "tcp" as const, "udp" as const, undefined).chain(proto =>
    fc
      .tuple(
        optional(fc.tuple(not, cidr).map(([invert, block]): Match => ({ kind: "source", not: invert, cidr: block }))),
        optional(
          fc.tuple(not, cidr).map(([invert, block]): Match => ({ kind: "destination", not: invert, cidr: block })),
        ),
        hook === "OUTPUT" || hook === "POSTROUTING"
          ? fc.constant([])
          : optional(
              fc
                .tuple(not, interfaceName)
                .map(([invert, name]): Match => ({ kind: "in", not: invert, interface: name })),
            ),
        hook === "PREROUTING" || hook === "INPUT"
          ? fc.constant([])
          : optional(
              fc
                .tuple(not, interfaceName)
                .map(([invert, name]): Match => ({ kind: "out", not: invert, interface: name })),
            ),
        proto === "tcp" || proto === "udp" ? portMatches(proto) : fc.constant([]),
        fc.array(loneMatch, { maxLength: 2 }),
        targets(table, hook, proto, chains),
      )
      .map(([source, destination, from, to, ports, others, target]): Rule => {
        const protocol: Match[] = proto === undefined ? [] : [{ kind: "protocol", not: false, proto }];
        return {
          matches: matchesInOrder([...source, ...destination, ...from, ...to, ...protocol, ...ports, ...others]),
          target,
        };
      }),
  );

const table = (name: TableName): fc.Arbitrary<Table> => {
  const userChains = ["KUBE-A", "KUBE-B", "cali_c"];
  const hooks = builtIns[name];
  const built = hooks.map(hook =>
    record({
      name: fc.constant<string>(hook),
      policy: name === "nat" ? fc.constant("ACCEPT" as const) : fc.constantFrom("ACCEPT" as const, "DROP" as const),
      rules: fc.array(rule(name, hook, userChains), { maxLength: 4 }),
    }),
  );
  const own = userChains.map((chain, index) =>
    record({
      name: fc.constant(chain),
      rules: fc.array(rule(name, undefined, userChains.slice(index + 1)), { maxLength: 3 }),
    }),
  );
  return fc.tuple(...built, ...own).map((chains): Table => ({ name, chains: chainsOf({ name, chains }) }));
};

export const anyRuleset: fc.Arbitrary<Ruleset> = fc
  .tuple(
    table("raw"),
    table("mangle"),
    table("nat"),
    table("filter"),
    fc.subarray(["raw", "mangle", "nat", "filter"], { minLength: 1 }),
  )
  .map(([raw, mangle, nat, filter, wanted]) => ({
    tables: [raw, mangle, nat, filter].filter(({ name }) => wanted.includes(name)),
  }));
