import fc from "fast-check";
import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidr, cidrOf } from "../../lib/ip/cidr.js";
import { cloudNetwork, cloudShape } from "./cloud.js";
import type { Host, Interface, Network, Route } from "../../lib/net/network.js";
import type {
  AddrType,
  Chain,
  ConntrackState,
  ConntrackTimeouts,
  Hook,
  Match,
  PortRange,
  RejectWith,
  Rule,
  Ruleset,
  Table,
  TableName,
  Target,
} from "../../lib/netfilter/ruleset.js";
import type { Packet } from "../../lib/packet/packet.js";

/** What is done to a network, in order; an exchange is a conversation of which some step is taken each time. */
export type Action =
  /** The next step of a conversation, as two honest ends would take it: SYN, SYN+ACK, ACK, data, answer, FIN ... */
  | { readonly kind: "step"; readonly conversation: number }
  /** A step that honest ends would not take there. */
  | {
      readonly kind: "odd";
      readonly conversation: number;
      readonly side: "client" | "server";
      readonly what:
        "again" | "rst" | "fin" | "syn" | "ack" | "data" | "stray" | "ahead" | "behind" | "early" | "error";
    }
  /** Time passes: what is remembered may be forgotten. */
  | { readonly kind: "wait"; readonly seconds: number };

/** Who talks to whom. Places are picked modulo what the network has. */
export interface Conversation {
  readonly proto: "icmp" | "tcp" | "udp";
  /** A router sends as a program of its own would, an endpoint on the wire. */
  readonly client: { readonly kind: "endpoint" | "router"; readonly index: number };
  /** Its own address, as a rule; else one of {@link wrongSources}, modulo. */
  readonly source: number | undefined;
  /** An endpoint, a router's address, a service address that only rules know, nowhere, or one of {@link specialAddresses}. */
  readonly to: { readonly kind: "endpoint" | "router" | "service" | "nowhere" | "special"; readonly index: number };
  /** How two ends of TCP go about it, beside the odd actions. */
  readonly style: Style;
  readonly sport: number;
  readonly dport: number;
  readonly ttl: number;
}

/** Honest from SYN to FIN and again; never answered; opened by both at once; closed by the client's reset; opened again at once by the server. */
export type Style = "whole" | "half-open" | "simultaneous" | "reset" | "turned";

/** Where a service is. */
export interface Place {
  readonly address: Addr;
  /** The conversation's own where it is left out. */
  readonly port?: number;
}

export interface Case {
  readonly network: Network;
  /** Addresses that only rules know; {@link serviceAddresses} where they are left out. */
  readonly services?: readonly Place[];
  /** Hosts that packets are sent from and answered at. They drop what they get before their own stack would answer. */
  readonly endpoints: readonly Endpoint[];
  readonly conversations: readonly Conversation[];
  /** Whether an end of TCP says nothing new before the other has got what was said, and nothing after both have closed. */
  readonly honest?: boolean;
  readonly actions: readonly Action[];
}

export interface Endpoint {
  readonly host: string;
  readonly address: Addr;
  /** Further addresses of its interface. */
  readonly others?: readonly Addr[];
}

const ports = [80, 443, 500, 600, 1000, 1001, 1002, 1003, 5000, 5001, 33000];
const port = fc.constantFrom(...ports);
export const serviceAddresses = ["10.96.0.1", "10.96.0.2", "10.96.0.3"].map(text => addr(text));
/** Addresses that are no host's, with how Linux treats them: loopback, multicast, broadcast of all and of a block, nothing. */
export const specialAddresses = [
  "127.0.0.1",
  "127.1.2.3",
  "224.0.0.1",
  "239.1.2.3",
  "255.255.255.255",
  "10.1.0.255",
  "10.2.0.255",
  "10.255.1.3",
  "0.0.0.0",
  "240.0.0.1",
].map(text => addr(text));
export const wrongSources = [
  "10.1.0.1",
  "10.255.1.2",
  "10.2.0.2",
  "192.0.2.9",
  "127.0.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "0.0.0.0",
  "10.1.0.255",
  "10.96.0.1",
].map(text => addr(text));
export const nowhere = ["192.0.2.1", "10.99.0.1", "198.51.100.7"].map(text => addr(text));

// --- topology --------------------------------------------------------------------------------------------------------

interface LanShape {
  readonly bridged: boolean;
  readonly endpoints: number;
  readonly hairpin: boolean;
  /** A second address on the same interface, here and at the endpoints: in a block of its own, or in the same one. */
  readonly second: "none" | "other block" | "same block";
}

interface RouterShape {
  /** Which of the routers before it is its neighbour, modulo their number. */
  readonly parent: number;
  readonly lans: readonly LanShape[];
  readonly callIptables: boolean;
  readonly forwarding: boolean;
  /** Routes to leave out or lead astray, by index modulo what there is. */
  readonly spoiled: readonly { readonly index: number; readonly how: "missing" | "parent" | "default" }[];
}

const lanShape: fc.Arbitrary<LanShape> = fc.record(
  {
    bridged: fc.boolean(),
    endpoints: fc.integer({ min: 1, max: 2 }),
    hairpin: fc.boolean(),
    second: fc.constantFrom("none", "none", "none", "other block", "same block"),
  },
  { noNullPrototype: true },
);
const routerShape: fc.Arbitrary<RouterShape> = fc.record(
  {
    parent: fc.nat(4),
    lans: fc.array(lanShape, { minLength: 1, maxLength: 2 }),
    callIptables: fc.boolean(),
    forwarding: fc.oneof({ weight: 15, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    spoiled: fc.array(
      fc.record(
        { index: fc.nat(30), how: fc.constantFrom("missing" as const, "parent" as const, "default" as const) },
        { noNullPrototype: true },
      ),
      { maxLength: 2 },
    ),
  },
  { noNullPrototype: true },
);

interface Lan {
  readonly router: number;
  readonly index: number;
  readonly shape: LanShape;
  readonly endpoints: readonly Endpoint[];
}

/** Where a LAN's second addresses are. */
const secondBase = (router: number, index: number, second: LanShape["second"]) =>
  second === "same block" ? `10.${router + 1}.${index}.10` : `10.${router + 1}.${100 + index}.`;
const secondAddresses = (router: number, index: number, second: LanShape["second"], last: number) =>
  second === "none" ? [] : at(`${secondBase(router, index, second)}${last}`, 24);

const lanBlock = (router: number, lan: number) => cidr(`10.${router + 1}.${lan}.0/24`);
const at = (text: string, prefix: number) => [{ address: addr(text), prefix }];
const silent: Ruleset = {
  tables: [
    {
      name: "raw",
      chains: [
        { name: "PREROUTING", policy: "DROP", rules: [] },
        { name: "OUTPUT", policy: "ACCEPT", rules: [] },
      ],
    },
  ],
};
const routerId = (index: number) => `r${index}`;

const lansOf = (shapes: readonly RouterShape[]): readonly Lan[] => {
  let left = 6;
  return shapes.flatMap(({ lans }, router) =>
    lans.flatMap((shape, index) => {
      const count = Math.min(left, shape.bridged ? shape.endpoints : 1);
      left -= count;
      if (count === 0) return [];
      return {
        router,
        index,
        shape,
        endpoints: Array.from({ length: count }, (_, k) => ({
          host: `e${router}${index}${k}`,
          address: addr(`10.${router + 1}.${index}.${k + 2}`),
          others: secondAddresses(router, index, shape.second, k + 2).map(({ address }) => address),
        })),
      };
    }),
  );
};

const parentOf = (shapes: readonly RouterShape[], router: number): number | undefined =>
  router === 0 ? undefined : shapes[router]!.parent % router;

/** The neighbour of `from` on the way to `to` in the tree, and by what interface it is reached. */
const nextHop = (
  shapes: readonly RouterShape[],
  from: number,
  to: number,
): { readonly via: Addr; readonly dev: string } => {
  for (let child = to; ; child = parentOf(shapes, child)!) {
    const parent = parentOf(shapes, child);
    if (parent === undefined) return { via: addr(`10.255.${from}.1`), dev: "up" };
    if (parent === from) return { via: addr(`10.255.${child}.2`), dev: `down${child}` };
  }
};

const routesOf = (shapes: readonly RouterShape[], lans: readonly Lan[], router: number): readonly Route[] => {
  const parent = parentOf(shapes, router);
  const up = parent === undefined ? undefined : { via: addr(`10.255.${router}.1`), dev: "up" };
  const routes: Route[] = [
    ...lans
      .filter(lan => lan.router !== router)
      .flatMap(lan => {
        const hop = nextHop(shapes, router, lan.router);
        const blocks = [lanBlock(lan.router, lan.index)];
        if (lan.shape.second === "other block") blocks.push(lanBlock(lan.router, 100 + lan.index));
        return blocks.map(to => ({ to, ...hop }));
      }),
    ...shapes.flatMap((_, child) => {
      const above = parentOf(shapes, child);
      if (above === undefined || above === router || child === router) return [];
      return { to: cidr(`10.255.${child}.0/30`), ...nextHop(shapes, router, child) };
    }),
  ];
  for (const { index, how } of shapes[router]!.spoiled) {
    const i = routes.length === 0 ? 0 : index % routes.length;
    if (how === "missing") routes.splice(i, 1);
    else if (how === "parent" && up !== undefined && routes[i] !== undefined) routes[i] = { to: routes[i].to, ...up };
    else if (how === "default" && up !== undefined && !routes.some(({ to }) => to.prefix === 0))
      routes.push({ to: cidr("0.0.0.0/0"), ...up });
  }
  return routes;
};

const interfacesOf = (shapes: readonly RouterShape[], lans: readonly Lan[], router: number): readonly Interface[] => [
  ...(router === 0
    ? []
    : [
        {
          kind: "veth" as const,
          name: "up",
          addresses: at(`10.255.${router}.2`, 30),
          peer: { host: routerId(parentOf(shapes, router)!), interface: `down${router}` },
        },
      ]),
  ...shapes.flatMap((_, child) =>
    parentOf(shapes, child) === router
      ? [
          {
            kind: "veth" as const,
            name: `down${child}`,
            addresses: at(`10.255.${child}.1`, 30),
            peer: { host: routerId(child), interface: "up" },
          },
        ]
      : [],
  ),
  ...lans
    .filter(lan => lan.router === router)
    .flatMap(({ index, shape, endpoints }): Interface[] => {
      const addresses = [...at(`10.${router + 1}.${index}.1`, 24), ...secondAddresses(router, index, shape.second, 1)];
      if (!shape.bridged)
        return [
          { kind: "veth", name: `lan${index}`, addresses, peer: { host: endpoints[0]!.host, interface: "eth0" } },
        ];
      return [
        { kind: "bridge", name: `br${index}`, addresses },
        ...endpoints.map(({ host }, k): Interface => ({
          kind: "veth",
          name: `port${index}${k}`,
          addresses: [],
          master: `br${index}`,
          hairpin: shape.hairpin,
          peer: { host, interface: "eth0" },
        })),
      ];
    }),
];

const endpointHosts = ({ router, index, shape, endpoints }: Lan): Host[] =>
  endpoints.map(({ host, address, others = [] }, k) => ({
    id: host,
    hostname: host,
    role: "pod",
    interfaces: [
      {
        kind: "veth",
        name: "eth0",
        addresses: [address, ...others].map(each => ({ address: each, prefix: 24 })),
        peer: { host: routerId(router), interface: shape.bridged ? `port${index}${k}` : `lan${index}` },
      },
    ],
    routes: [{ to: cidr("0.0.0.0/0"), via: addr(`10.${router + 1}.${index}.1`), dev: "eth0" }],
    forwarding: false,
    bridgeNfCallIptables: false,
    rules: silent,
    listeners: [],
  }));

// --- rules -----------------------------------------------------------------------------------------------------------

/** What rules of a router can name. */
interface Names {
  readonly addresses: readonly Addr[];
  /** Runs of neighbouring addresses, for ranges. */
  readonly targets: readonly Addr[];
  readonly own: readonly Addr[];
  /** Of statistic matches, beside 0 and 1. */
  readonly probabilities: readonly number[];
  readonly interfaces: readonly string[];
}

const builtIns: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

const proto = fc.constantFrom("icmp" as const, "tcp" as const, "udp" as const);
const not = fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const portRange: fc.Arbitrary<PortRange> = fc.oneof(
  port.map(only => ({ first: only, last: only })),
  fc.tuple(port, fc.nat(3)).map(([first, more]) => ({ first, last: first + more })),
  fc.constant({ first: 1024, last: 65535 }),
);

const cidrMatch = (names: Names) =>
  fc
    .tuple(fc.constantFrom(...names.addresses), fc.constantFrom(32, 32, 31, 24, 16, 8))
    .map(([address, prefix]) => cidrOf(address, prefix));
const states = fc.subarray<ConntrackState | "SNAT" | "DNAT">(
  ["INVALID", "NEW", "RELATED", "ESTABLISHED", "SNAT", "DNAT"],
  { minLength: 1 },
);
const stateOrder: readonly string[] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
const plainStates = fc.subarray<ConntrackState>(["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED"], {
  minLength: 1,
});

/** Conditions beside the protocol's own. */
const anyMatch = (names: Names, hook: Hook): fc.Arbitrary<Match> => {
  const interfaceName = fc.oneof(
    fc.constantFrom(...names.interfaces),
    fc.constantFrom("br+", "down+", "lan+", "port+", "+"),
  );
  const choices: fc.Arbitrary<Match>[] = [
    fc
      .tuple(fc.constantFrom("source" as const, "destination" as const), not, cidrMatch(names))
      .map(([kind, negated, block]) => ({ kind, not: negated, cidr: block })),
    fc
      .tuple(
        fc.constantFrom("source" as const, "destination" as const),
        not,
        fc.constantFrom(...names.addresses),
        fc.nat(3),
      )
      .map(([on, negated, first, more]) => ({
        kind: "iprange" as const,
        not: negated,
        on,
        range: { first, last: Math.min(first + more, 0xffffffff) as Addr },
      })),
    fc
      .tuple(
        fc.constantFrom("source" as const, "destination" as const),
        not,
        fc.subarray<AddrType>(["UNICAST", "LOCAL", "BROADCAST", "MULTICAST"], { minLength: 1, maxLength: 2 }),
      )
      .map(([on, negated, types]) => ({ kind: "addrtype" as const, not: negated, on, types })),
    fc
      .tuple(not, fc.constantFrom(0, 1, 2, 3, 0x4000), fc.constantFrom(1, 3, 0x4000, 0xffffffff))
      .map(([negated, value, mask]) => ({ kind: "mark" as const, not: negated, value: value & mask, mask })),
    fc.constantFrom("a comment", "word", 'with "quotes"').map(text => ({ kind: "comment" as const, text })),
    fc
      .constantFrom(0, 1, ...names.probabilities)
      .map(probability => ({ kind: "statistic" as const, mode: "random" as const, not: false, probability })),
    fc.tuple(not, fc.integer({ min: 1, max: 4 }), fc.nat(3)).map(([negated, every, packet]) => ({
      kind: "statistic" as const,
      mode: "nth" as const,
      not: negated,
      every,
      packet: packet % every,
    })),
    fc.tuple(not, states).map(([negated, list]) => ({
      kind: "conntrack" as const,
      not: negated,
      module: "conntrack" as const,
      states: [...list].sort((a, b) => stateOrder.indexOf(a) - stateOrder.indexOf(b)),
    })),
    fc
      .tuple(not, plainStates)
      .map(([negated, list]) => ({ kind: "conntrack" as const, not: negated, module: "state" as const, states: list })),
  ];
  if (hook !== "POSTROUTING" && hook !== "OUTPUT")
    choices.push(
      fc
        .tuple(not, interfaceName)
        .filter(([negated, name]) => !(negated && name === "+"))
        .map(([negated, name]) => ({ kind: "in" as const, not: negated, interface: name })),
    );
  if (hook !== "PREROUTING" && hook !== "INPUT")
    choices.push(
      fc
        .tuple(not, interfaceName)
        .filter(([negated, name]) => !(negated && name === "+"))
        .map(([negated, name]) => ({ kind: "out" as const, not: negated, interface: name })),
    );
  return fc.oneof(...choices);
};

const protocolMatches: fc.Arbitrary<readonly Match[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(proto, not)
      .map(([name, negated]) => [{ kind: "protocol" as const, not: negated, proto: name }]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom("tcp" as const, "udp" as const),
        fc.constantFrom("sport" as const, "dport" as const),
        not,
        portRange,
      )
      .map(([name, kind, negated, range]) => [
        { kind: "protocol" as const, not: false, proto: name },
        { kind, not: negated, proto: name, ports: range },
      ]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("tcp" as const, "udp" as const),
        not,
        fc.constantFrom("sports" as const, "dports" as const, "ports" as const),
        fc.array(portRange, { minLength: 1, maxLength: 4 }),
      )
      .map(([name, negated, on, list]) => [
        { kind: "protocol" as const, not: false, proto: name },
        { kind: "multiport" as const, not: negated, on, ports: list },
      ]),
  },
);

/** Each of source, destination, in and out at most once; sport and dport after the protocol. */
const tidy = (matches: readonly Match[]): readonly Match[] => {
  const once = new Set<string>();
  return matches.filter(match => {
    if (match.kind !== "source" && match.kind !== "destination" && match.kind !== "in" && match.kind !== "out")
      return true;
    if (once.has(match.kind)) return false;
    once.add(match.kind);
    return true;
  });
};

const rejects: readonly RejectWith[] = [
  "icmp-port-unreachable",
  "icmp-host-unreachable",
  "icmp-net-unreachable",
  "icmp-proto-unreachable",
  "icmp-net-prohibited",
  "icmp-host-prohibited",
  "icmp-admin-prohibited",
  "tcp-reset",
];

/** Addresses on no link: nobody looks for a neighbour there. */
const beyond = [0, 1, 2, 3, 4].flatMap(router => [1, 2, 3].map(last => addr(`10.200.${router}.${last}`)));

/** How far a range may go on from an address so that all of it are hosts: an address without a host keeps Linux asking for 3 seconds. */
const runAfter = (hosts: readonly Addr[], first: Addr, most: number): number => {
  let run = 0;
  while (run < most && hosts.includes((first + run + 1) as Addr)) run++;
  return run;
};

const natTarget = (names: Names, hook: Hook): fc.Arbitrary<Target>[] => {
  const range = fc
    .tuple(fc.constantFrom(port, fc.constant(1024)), fc.nat(3))
    .chain(([first, more]) => first.map(start => ({ first: start, last: start + more })));
  const optionalPorts = fc.option(range, { nil: undefined });
  const withRange = (kind: "SNAT" | "DNAT", from: readonly Addr[]) =>
    fc
      .tuple(
        fc.constantFrom(...from),
        fc.constantFrom(0, 0, 0, 1, 2),
        optionalPorts,
        kind === "SNAT" ? fc.constantFrom(false, false, false, true) : fc.constant(false),
      )
      .map(([first, more, list, randomFully]): Target => ({
        kind,
        addresses: {
          first,
          last: (first +
            (kind === "SNAT"
              ? runAfter([...names.own, ...beyond], first, more)
              : runAfter(names.targets, first, more))) as Addr,
        },
        ...(list !== undefined && { ports: list }),
        randomFully,
      }));
  if (hook === "POSTROUTING")
    return [
      fc.tuple(optionalPorts, fc.constantFrom(false, false, false, true)).map(([list, randomFully]): Target => ({
        kind: "MASQUERADE",
        ...(list !== undefined && { ports: list }),
        randomFully,
      })),
      withRange("SNAT", names.own),
    ];
  if (hook === "INPUT")
    return [
      fc
        .constantFrom(...names.own)
        .map((first): Target => ({ kind: "SNAT", addresses: { first, last: first }, randomFully: false })),
    ];
  return [withRange("DNAT", names.targets)];
};

const target = (
  table: TableName,
  hook: Hook,
  names: Names,
  userChains: readonly string[],
  inUserChain: boolean,
): fc.Arbitrary<Target> => {
  const plain = (kind: "ACCEPT" | "DROP" | "RETURN") => fc.constant<Target>({ kind });
  const choices: fc.WeightedArbitrary<Target>[] = [
    { weight: 3, arbitrary: plain("ACCEPT") },
    { weight: 2, arbitrary: fc.constant<Target>({ kind: "none" }) },
    { weight: inUserChain ? 3 : 1, arbitrary: plain("RETURN") },
  ];
  if (table !== "nat") choices.push({ weight: 1, arbitrary: plain("DROP") });
  if (userChains.length > 0)
    choices.push({
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom("jump" as const, "jump" as const, "goto" as const), fc.constantFrom(...userChains))
        .map(([kind, chain]): Target => ({ kind, chain })),
    });
  if (table !== "raw")
    choices.push({
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(0, 1, 2, 3, 0x4000), fc.constantFrom(1, 3, 0x4000, 0xffffffff))
        .map(([value, mask]): Target => ({ kind: "MARK", value, mask })),
    });
  if (table === "filter")
    choices.push({
      weight: 1,
      arbitrary: fc.constantFrom(...rejects).map((how): Target => ({ kind: "REJECT", with: how })),
    });
  if (table === "nat") for (const arbitrary of natTarget(names, hook)) choices.push({ weight: 6, arbitrary });
  return fc.oneof(...choices);
};

/** A rule that iptables takes: ports in a target and tcp-reset need a protocol. */
const legal = (matches: readonly Match[], chosen: Target, fallback: "icmp" | "tcp" | "udp"): Rule => {
  const protocol = matches.find((match): match is Match & { kind: "protocol" } => match.kind === "protocol");
  const withPorts =
    (chosen.kind === "MASQUERADE" || chosen.kind === "SNAT" || chosen.kind === "DNAT") && chosen.ports !== undefined;
  const reset = chosen.kind === "REJECT" && chosen.with === "tcp-reset";
  if (!withPorts && !reset) return { matches, target: chosen };
  const wanted = reset ? "tcp" : fallback === "icmp" ? "udp" : fallback;
  if (protocol === undefined)
    return { matches: [{ kind: "protocol", not: false, proto: wanted }, ...matches], target: chosen };
  if (!protocol.not && (reset ? protocol.proto === "tcp" : protocol.proto !== "icmp"))
    return { matches, target: chosen };
  const others = matches.filter(
    match =>
      match.kind !== "protocol" && match.kind !== "sport" && match.kind !== "dport" && match.kind !== "multiport",
  );
  return { matches: [{ kind: "protocol", not: false, proto: wanted }, ...others], target: chosen };
};

const rule = (
  table: TableName,
  hook: Hook,
  names: Names,
  userChains: readonly string[],
  inUserChain: boolean,
): fc.Arbitrary<Rule> =>
  fc
    .tuple(
      fc.array(anyMatch(names, hook), { maxLength: 3 }),
      protocolMatches,
      target(table, hook, names, userChains, inUserChain),
      proto,
    )
    .map(([others, protocol, chosen, fallback]) => legal([...protocol, ...tidy(others)], chosen, fallback));

const chains = (table: TableName, hook: Hook, names: Names): fc.Arbitrary<readonly Chain[]> => {
  const users = [`${hook}-A`, `${hook}-B`];
  const policy =
    table === "nat"
      ? fc.constant("ACCEPT" as const)
      : fc.constantFrom(
          "ACCEPT" as const,
          "ACCEPT" as const,
          "ACCEPT" as const,
          "ACCEPT" as const,
          "ACCEPT" as const,
          "DROP" as const,
        );
  return fc
    .tuple(
      policy,
      fc.array(rule(table, hook, names, users, false), { maxLength: 4 }),
      fc.array(rule(table, hook, names, [users[1]!], true), { maxLength: 3 }),
      fc.array(rule(table, hook, names, [], true), { maxLength: 3 }),
    )
    .map(([kept, main, first, second]) => [
      { name: hook, policy: kept, rules: main },
      { name: users[0]!, rules: first },
      { name: users[1]!, rules: second },
    ]);
};

const table = (name: TableName, names: Names): fc.Arbitrary<Table> =>
  fc.tuple(...builtIns[name].map(hook => chains(name, hook, names))).map(parts => {
    const all = parts.flat();
    const used = new Set(
      all.flatMap(({ rules }) =>
        rules.flatMap(({ target: to }) => (to.kind === "jump" || to.kind === "goto" ? [to.chain] : [])),
      ),
    );
    const builtIn = all.filter(({ policy }) => policy !== undefined);
    return {
      name,
      chains: [
        ...builtIn,
        ...all
          .filter(chain => chain.policy === undefined && (chain.rules.length > 0 || used.has(chain.name)))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      ],
    };
  });

/** A chain as ip-masq-agent writes it: what stays inside keeps its source, all else is masqueraded. */
const masqueradeAgent = (names: Names): fc.Arbitrary<readonly Chain[]> =>
  fc.tuple(fc.array(cidrMatch(names), { maxLength: 3 }), not, fc.boolean()).map(([inside, negated, randomFully]) => [
    {
      name: "POSTROUTING",
      policy: "ACCEPT" as const,
      rules: [
        {
          matches: [
            {
              kind: "comment" as const,
              text: "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain",
            },
            { kind: "addrtype" as const, not: !negated, on: "destination" as const, types: ["LOCAL" as const] },
          ],
          target: { kind: "jump" as const, chain: "IP-MASQ-AGENT" },
        },
      ],
    },
    {
      name: "IP-MASQ-AGENT",
      rules: [
        ...inside.map((block): Rule => ({
          matches: [
            { kind: "destination", not: false, cidr: block },
            { kind: "comment", text: "ip-masq-agent: local traffic is not subject to MASQUERADE" },
          ],
          target: { kind: "RETURN" },
        })),
        {
          matches: [
            {
              kind: "comment",
              text: "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)",
            },
          ],
          target: { kind: "MASQUERADE", randomFully },
        },
      ],
    },
  ]);

const natTable = (names: Names): fc.Arbitrary<Table> =>
  fc
    .tuple(
      table("nat", names),
      fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: masqueradeAgent(names) }),
    )
    .map(([nat, agent]) => {
      if (agent === undefined) return nat;
      const others = nat.chains.filter(({ name }) => !name.startsWith("POSTROUTING"));
      const builtIn = (name: string) => (builtIns.nat as readonly string[]).includes(name);
      return {
        name: "nat" as const,
        chains: [
          ...others.filter(({ name }) => builtIn(name)),
          agent[0]!,
          ...[...others.filter(({ name }) => !builtIn(name)), agent[1]!].sort((a, b) => (a.name < b.name ? -1 : 1)),
        ],
      };
    });

const ruleset = (names: Names): fc.Arbitrary<Ruleset> =>
  fc
    .tuple(
      fc.option(table("raw", names), { freq: 2, nil: undefined }),
      fc.option(table("mangle", names), { freq: 2, nil: undefined }),
      fc.option(natTable(names), { freq: 6, nil: undefined }),
      fc.option(table("filter", names), { freq: 2, nil: undefined }),
    )
    .map(tables => ({ tables: tables.filter(entry => entry !== undefined) }));

// --- the whole -------------------------------------------------------------------------------------------------------

const conversation: fc.Arbitrary<Conversation> = fc.record(
  {
    proto: fc.constantFrom("icmp" as const, "tcp" as const, "tcp" as const, "udp" as const),
    client: fc.record(
      {
        kind: fc.oneof(
          { weight: 9, arbitrary: fc.constant("endpoint" as const) },
          { weight: 1, arbitrary: fc.constant("router" as const) },
        ),
        index: fc.nat(5),
      },
      { noNullPrototype: true },
    ),
    source: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(9) }),
    style: fc.constantFrom(
      "whole" as const,
      "whole" as const,
      "whole" as const,
      "whole" as const,
      "half-open" as const,
      "simultaneous" as const,
      "reset" as const,
      "turned" as const,
    ),
    to: fc.record(
      {
        kind: fc.constantFrom(
          "endpoint" as const,
          "endpoint" as const,
          "endpoint" as const,
          "endpoint" as const,
          "service" as const,
          "service" as const,
          "router" as const,
          "nowhere" as const,
          "special" as const,
        ),
        index: fc.nat(9),
      },
      { noNullPrototype: true },
    ),
    sport: port,
    dport: port,
    ttl: fc.constantFrom(64, 64, 64, 64, 64, 64, 255, 1, 2, 3),
  },
  { noNullPrototype: true },
);

const wait: fc.Arbitrary<Action> = fc.constantFrom(0.5, 1.4, 2.5).map(seconds => ({ kind: "wait", seconds }));

const action = (conversations: number): fc.Arbitrary<Action> => {
  const which = fc.nat(conversations - 1);
  return fc.oneof(
    { weight: 5, arbitrary: which.map((index): Action => ({ kind: "step", conversation: index })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          which,
          fc.constantFrom("client" as const, "server" as const),
          fc.constantFrom(
            "again" as const,
            "rst" as const,
            "fin" as const,
            "syn" as const,
            "ack" as const,
            "data" as const,
            "stray" as const,
            "ahead" as const,
            "behind" as const,
            "early" as const,
            "error" as const,
          ),
        )
        .map(([index, side, what]): Action => ({ kind: "odd", conversation: index, side, what })),
    },
  );
};

const namesOf = (
  probabilities: readonly number[],
  router: number,
  interfaces: readonly Interface[],
  endpoints: readonly Endpoint[],
  gateways: readonly Addr[],
): Names => {
  const own = interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address));
  return {
    own: [...own, addr(`10.200.${router}.1`)],
    targets: endpoints.map(({ address }) => address),
    addresses: [
      ...endpoints.map(({ address }) => address),
      ...gateways,
      ...serviceAddresses,
      ...nowhere,
      ...specialAddresses.slice(0, 5),
    ],
    interfaces: interfaces.map(({ name }) => name),
    probabilities,
  };
};

const hostsAndRules = (
  shapes: readonly RouterShape[],
  { probabilities, timeouts }: Kind,
): fc.Arbitrary<{ readonly network: Network; readonly endpoints: readonly Endpoint[] }> => {
  const lans = lansOf(shapes);
  const endpoints = lans.flatMap(lan => lan.endpoints);
  const gateways = lans.map(({ router, index }) => addr(`10.${router + 1}.${index}.1`));
  const interfaces = shapes.map((_, router) => interfacesOf(shapes, lans, router));
  return fc
    .tuple(...interfaces.map((list, router) => ruleset(namesOf(probabilities, router, list, endpoints, gateways))))
    .map(rules => ({
      endpoints,
      network: {
        name: "differential",
        seed: 1,
        names: [],
        fabric: { addressSpace: [], subnets: [], nics: [], translators: [] },
        hosts: [
          ...shapes.map((shape, router): Host => ({
            id: routerId(router),
            hostname: routerId(router),
            role: "node",
            interfaces: interfaces[router]!,
            routes: routesOf(shapes, lans, router),
            forwarding: shape.forwarding,
            bridgeNfCallIptables: shape.callIptables,
            rules: rules[router]!,
            ...(timeouts !== undefined && { conntrackTimeouts: timeouts }),
            listeners: [],
          })),
          ...lans.flatMap(endpointHosts),
        ],
      },
    }));
};

/** Times short enough to be waited for; each its own, so that one is not taken for another. */
const shortTimeouts: ConntrackTimeouts = {
  icmp_timeout: 1,
  udp_timeout: 2,
  udp_timeout_stream: 5,
  tcp_timeout_syn_sent: 2,
  tcp_timeout_syn_recv: 3,
  tcp_timeout_established: 6,
  tcp_timeout_fin_wait: 3,
  tcp_timeout_close_wait: 2,
  tcp_timeout_last_ack: 1,
  tcp_timeout_time_wait: 3,
  tcp_timeout_close: 1,
  tcp_timeout_unacknowledged: 4,
  tcp_timeout_max_retrans: 4,
};

/** What a network is made to show, as it costs time. */
interface Kind {
  /** Shares in which statistic matches may be met: each draw has to be found out, so less is sent. */
  readonly probabilities: readonly number[];
  /** Times after which connections are forgotten, where that is waited for. */
  readonly timeouts: ConntrackTimeouts | undefined;
}

const kind: fc.Arbitrary<Kind> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Kind>({ probabilities: [], timeouts: undefined }) },
  { weight: 1, arbitrary: fc.constant<Kind>({ probabilities: [], timeouts: shortTimeouts }) },
  { weight: 1, arbitrary: fc.constant<Kind>({ probabilities: [0.25, 0.5, 0.5, 0.9], timeouts: undefined }) },
);
const packetsWithChance = 40;
const waits = { least: 1, most: 4 };

const isHonest = (one: Action): boolean =>
  one.kind === "step" || (one.kind === "odd" && (one.what === "again" || one.what === "error"));

/**
 * Of what a node's own stack resets, or what comes back for somebody else, a load balancer gives the next opening another port or not by its own lights; and a node with
 * route_localnet asks for its neighbours from 127.0.0.0/8, which Linux does not answer.
 */
const inCloud = (one: Conversation): Conversation => {
  const { proto, client, style, to, source } = one;
  const isLoopback = (address: Addr | undefined) => address !== undefined && address >>> 24 === 127;
  return {
    ...one,
    client: proto === "tcp" ? { ...client, kind: "endpoint" } : client,
    style: style === "turned" || style === "simultaneous" ? "whole" : style,
    to:
      to.kind === "special" && isLoopback(specialAddresses[to.index % specialAddresses.length])
        ? { kind: "nowhere", index: to.index }
        : to,
    source:
      proto === "tcp" || (source !== undefined && isLoopback(wrongSources[source % wrongSources.length]))
        ? undefined
        : source,
  };
};

/**
 * Clusters of either plugin. Ends are honest there: what the cloud's own load balancers think of odd segments is not compared,
 * as netfilter plays them.
 */
const cloudCase = (actions: number): fc.Arbitrary<Case> =>
  fc
    .tuple(cloudShape, fc.integer({ min: 3, max: 10 }))
    .chain(([shape, count]) =>
      fc.tuple(
        fc.constant(shape),
        fc.array(conversation, { minLength: count, maxLength: count }),
        fc.array(action(count), { minLength: Math.ceil(actions / 2), maxLength: actions, size: "max" }),
      ),
    )
    .map(([shape, conversations, list]) => ({
      ...cloudNetwork(shape),
      conversations: conversations.map(inCloud),
      honest: true,
      actions: list.filter(isHonest),
    }));

/** A random network and what happens in it. `actions` is about the number of packets sent. */
export const anyCase = (actions: number): fc.Arbitrary<Case> =>
  fc.oneof(
    { weight: 9, arbitrary: randomCase(actions) },
    { weight: 1, arbitrary: cloudCase(Math.min(actions, packetsWithChance)) },
  );

const randomCase = (actions: number): fc.Arbitrary<Case> =>
  fc
    .tuple(kind, fc.array(routerShape, { minLength: 1, maxLength: 5 }), fc.integer({ min: 3, max: 12 }))
    .chain(([of, shapes, count]) => {
      const most = of.probabilities.length > 0 ? Math.min(actions, packetsWithChance) : actions;
      return fc.tuple(
        hostsAndRules(shapes, of),
        fc.array(conversation, { minLength: count, maxLength: count }),
        fc.array(action(count), { minLength: Math.ceil(most / 2), maxLength: most, size: "max" }),
        of.timeouts === undefined
          ? fc.constant([])
          : fc.array(fc.tuple(fc.nat(most), wait), { minLength: waits.least, maxLength: waits.most }),
      );
    })
    .map(([{ network, endpoints }, conversations, list, pauses]) => {
      const actions = [...list];
      for (const [place, pause] of pauses) actions.splice(place % (actions.length + 1), 0, pause);
      return { network, endpoints, conversations, actions };
    });

/** How fast-check draws case number `index` of a seed: the same on every machine. */
export const caseParameters = (seed: number, index: number) => ({
  seed: Math.imul(seed, 0x9e3779b1) ^ index,
  numRuns: 1,
  unbiased: true,
});

/** A network whose hosts all have stacks that answer, and who asks what there. */
export interface SocketCase {
  readonly network: Network;
  readonly endpoints: readonly Endpoint[];
  readonly conversations: readonly Conversation[];
}

/** Ports that every host answers at; rules look for them too. */
export const answering = { tcp: [80, 443, 5000], udp: [80, 500, 5001] } as const;

/** The random networks with real programs at all ends: what these are told is compared, not what is on the wire. */
export const socketCase: fc.Arbitrary<SocketCase> = fc
  .tuple(fc.array(routerShape, { minLength: 1, maxLength: 4 }), fc.integer({ min: 4, max: 10 }))
  .chain(([shapes, count]) =>
    fc.tuple(
      hostsAndRules(shapes, { probabilities: [], timeouts: undefined }),
      fc.array(conversation, { minLength: count, maxLength: count }),
    ),
  )
  .map(([{ network, endpoints }, conversations]) => ({
    endpoints,
    conversations,
    network: {
      ...network,
      hosts: network.hosts.map(host => ({
        ...host,
        listeners: (["tcp", "udp"] as const).flatMap(proto =>
          answering[proto].map(number => ({ proto, port: number, answer: { kind: "caller-address" as const } })),
        ),
        ...(host.role === "pod" && { rules: { tables: [] } }),
      })),
    },
  }));

/** What was sent, so that a run can be repeated without the generator. */
export interface Sent {
  readonly host: string;
  /** Sent by a program of the host, by its rules and routes; else put on the wire past them. */
  readonly program?: boolean;
  /** Where it goes to a port that a load balancer has given out: which of them, as each engine may give another. */
  readonly given?: number;
  /** Seconds to let pass before it is sent. */
  readonly wait?: number;
  /** Seconds after the first was sent, as it came to be. */
  readonly after?: number;
  readonly packet: Packet;
}
