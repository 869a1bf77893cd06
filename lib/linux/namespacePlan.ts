import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { formatCidr } from "../ip/cidr.js";
import { isBroadcastFor } from "../net/options.js";
import { hostRoutes } from "../net/routing.js";
import { isMulticast } from "../net/specialAddresses.js";
import type {
  FabricNic,
  FabricSubnet,
  Host,
  Interface,
  Network,
  PortAllocation,
  Translator,
  UserRoute,
} from "../net/network.js";

/** What one network namespace is to become. */
export interface NamespacePlan {
  readonly namespace: string;
  /** Paths below /proc/sys and their values, set before any interface exists. */
  readonly sysctls: readonly (readonly [string, string | number])[];
  /** Lines for `ip -batch`. */
  readonly ip: readonly string[];
  /** What comes once a bridge's ports work: a bridge that is up before them takes up to a second to notice that they are. */
  readonly bridges?: { readonly ports: readonly string[]; readonly ip: readonly string[] };
  /** Like `sysctls`, per interface, once they exist. */
  readonly interfaceSysctls: readonly (readonly [string, string | number])[];
  /** Input for `iptables-restore`, for the cloud's own namespaces; a host's rules are its own. */
  readonly rules: string;
}

/**
 * A network as commands. Beside a namespace per host there are the cloud's own:
 *
 *     host --- fabric --- edge --- translator (one each) --- internet --- site
 *                           `------------------------------------'
 *
 * `fabric` routes by each subnet's routes, `edge` picks who translates a packet that leaves (and translates public
 * addresses one to one), a translator holds a load balancer's port ranges, `internet` joins public addresses.
 * They add 1 to a TTL before routing takes 1 away, and never send an ICMP error.
 */
export interface Plan {
  /** Every namespace in turn, hosts first in the order of the network. */
  readonly namespaces: readonly NamespacePlan[];
  /** Lines for one `ip -batch`: the pairs between namespaces. */
  readonly links: readonly string[];
  readonly namespaceOf: ReadonlyMap<string, string>;
  /** The number of an interface in its namespace. */
  interfaceIndex(host: string, interfaceName: string): number;
  /** Hardware addresses for a frame from a host's interface towards the next hop of an address. */
  linkFor(host: string, interfaceName: string, destination: Addr): FrameLink;
  /** The fabric's ends of cards that are ports of a bridge. */
  readonly portsBehindBridges: readonly {
    readonly namespace: string;
    readonly interface: string;
    readonly mac: Uint8Array;
  }[];
}

export interface FrameLink {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

const fabric = "fabric";
const edge = "edge";
const internet = "internet";
const toEdge = "edge";
const nowhere = "void";
const subnetTable = (index: number) => 1000 + index;
const inboundTable = (index: number) => 20000 + index;
const translatorTable = (index: number) => 40000 + index;

/** Addresses of the cloud's own links; they never leave it. */
const linkEnd = (link: number, end: 0 | 1) => `169.254.${192 + (link >> 6)}.${(link & 63) * 4 + 1 + end}`;
const edgeLink = 0;
const publicLink = 1;
const upLink = (index: number) => 2 + 2 * index;
const netLink = (index: number) => 3 + 2 * index;

const commonSysctls = (host?: Host): readonly (readonly [string, string | number])[] => [
  ["net/ipv4/ip_forward", host === undefined || host.forwarding ? 1 : 0],
  ["net/ipv6/conf/all/disable_ipv6", 1],
  ["net/ipv6/conf/default/disable_ipv6", 1],
  ...["all", "default"].flatMap(which => [
    [`net/ipv4/conf/${which}/rp_filter`, 0] as const,
    [`net/ipv4/conf/${which}/send_redirects`, 0] as const,
    [`net/ipv4/conf/${which}/accept_redirects`, 0] as const,
    [`net/ipv4/conf/${which}/route_localnet`, host?.routeLocalnet === true ? 1 : 0] as const,
    [`net/ipv4/conf/${which}/bc_forwarding`, 0] as const,
  ]),
  // Linux sends one error a second to an address, and so many a second in all; here each packet gets the answer that it deserves.
  ["net/ipv4/icmp_ratemask", 0],
  ...(host?.interfaces.some(({ kind }) => kind === "bridge") === true
    ? [["net/bridge/bridge-nf-call-iptables", host.bridgeNfCallIptables ? 1 : 0] as const]
    : []),
];

/** Missing where the kernel was built without IPv6, or before it could forward broadcasts, which is as good. */
export const optionalSysctls: ReadonlySet<string> = new Set([
  "net/ipv6/conf/all/disable_ipv6",
  "net/ipv6/conf/default/disable_ipv6",
  "net/ipv4/conf/all/bc_forwarding",
  "net/ipv4/conf/default/bc_forwarding",
]);

const hostPlan = (host: Host, namespace: string): NamespacePlan => {
  const bridges = host.interfaces.filter(({ kind }) => kind === "bridge");
  const ports = host.interfaces.filter(({ master }) => master !== undefined);
  const up = ({ name, addresses }: Interface) => [
    ...addresses.map(({ address, prefix }) => `addr add ${formatAddr(address)}/${prefix} brd + dev ${name}`),
    `link set dev ${name} up`,
  ];
  const routes = host.routes.map(
    ({ to, via, dev }) =>
      `route add ${formatCidr(to)}${via === undefined ? "" : ` via ${formatAddr(via)}`} dev ${dev}${via === undefined ? "" : " onlink"}`,
  );
  return {
    namespace,
    sysctls: [
      ...commonSysctls(host),
      ...Object.entries(host.conntrackTimeouts ?? {}).map(
        ([name, seconds]) => [`net/netfilter/nf_conntrack_${name}`, seconds] as const,
      ),
    ],
    interfaceSysctls: [],
    ip: [
      "link set dev lo up",
      ...ports.map(({ name, master }) => `link set dev ${name} master ${master}`),
      ...ports.flatMap(port =>
        "hairpin" in port && port.hairpin === true ? [`link set dev ${port.name} type bridge_slave hairpin on`] : [],
      ),
      ...host.interfaces.filter(({ kind }) => kind !== "bridge").flatMap(up),
      ...(bridges.length === 0 ? routes : []),
    ],
    ...(bridges.length > 0 && {
      bridges: { ports: ports.map(({ name }) => name), ip: [...bridges.flatMap(up), ...routes] },
    }),
    rules: "",
  };
};

/** Rules by which the cloud leaves TTL as it was: 1 more on the way in, which forwarding takes away. 255 has no more. */
const keepTtl = (extra: readonly string[] = []) =>
  [
    "*mangle",
    ":PREROUTING ACCEPT [0:0]",
    ":POSTROUTING ACCEPT [0:0]",
    ...extra,
    "-A PREROUTING -m ttl --ttl-eq 255 -j MARK --set-xmark 0x1/0x1",
    "-A PREROUTING -m ttl --ttl-lt 255 -j TTL --ttl-inc 1",
    "-A POSTROUTING -m mark --mark 0x1/0x1 -j TTL --ttl-set 255",
    "COMMIT",
    "",
  ].join("\n");

interface Cloud {
  readonly network: Network;
  /** The fabric's end of each card's pair. */
  readonly portOf: ReadonlyMap<FabricNic, string>;
  readonly nicByAddress: ReadonlyMap<Addr, FabricNic>;
  /** Every address that a translator owns. */
  readonly frontends: readonly (readonly Addr[])[];
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

const frontendsOf = ({ allocations, inbound }: Translator): readonly Addr[] =>
  distinct([
    ...allocations.flatMap(({ ranges }) => ranges.map(({ address }) => address)),
    ...inbound.map(({ address }) => address),
  ]);

const userRoute = ({ portOf, nicByAddress }: Cloud, { to, nextHop }: UserRoute, table: number): string => {
  const block = formatCidr(to);
  if (nextHop.kind === "vnet") return `route add throw ${block} table ${table}`;
  if (nextHop.kind === "internet") return `route add ${block} via ${linkEnd(edgeLink, 1)} dev ${toEdge} table ${table}`;
  const nic = nextHop.kind === "appliance" ? nicByAddress.get(nextHop.address) : undefined;
  if (nextHop.kind === "none" || nic === undefined) return `route add ${block} dev ${nowhere} table ${table}`;
  return `route add ${block} via ${formatAddr(nextHop.address)} dev ${portOf.get(nic)!} onlink table ${table}`;
};

/** One subnet's table. What stays in the virtual network falls through (`throw`) to the cards' own addresses. */
const subnetRoutes = (cloud: Cloud, { routes }: FabricSubnet, table: number): string[] => {
  const lines = new Map<string, string>();
  for (const route of routes)
    if (!lines.has(formatCidr(route.to))) lines.set(formatCidr(route.to), userRoute(cloud, route, table));
  for (const block of cloud.network.fabric.addressSpace.map(formatCidr))
    if (!lines.has(block)) lines.set(block, `route add throw ${block} table ${table}`);
  if (!lines.has("0.0.0.0/0"))
    lines.set("0.0.0.0/0", `route add default via ${linkEnd(edgeLink, 1)} dev ${toEdge} table ${table}`);
  return [...lines.values()];
};

/** The fabric drops what a card sends from an address that is not its own, unless the card may forward. */
const spoofRules = ({ network, portOf, frontends }: Cloud): string[] =>
  network.fabric.nics.flatMap(nic => {
    if (nic.ipForwarding) return [];
    const port = portOf.get(nic)!;
    return [
      `:FROM-${port} - [0:0]`,
      `-A PREROUTING -i ${port} -j FROM-${port}`,
      ...distinct([...nic.addresses, ...frontends.flat()]).map(
        address => `-A FROM-${port} -s ${formatAddr(address)}/32 -j RETURN`,
      ),
      `-A FROM-${port} -j DROP`,
    ];
  });

/** Routes for what a load balancer hands on with its public destination: the kernel's own flow hash picks the backend. */
const inboundRoutes = ({ network, portOf, nicByAddress }: Cloud): string[] =>
  network.fabric.translators
    .flatMap(({ inbound }) => inbound.filter(({ backendPort }) => backendPort === undefined))
    .flatMap(({ address, proto, port, backends }, index) => {
      const hops = backends.flatMap(backend => {
        const nic = nicByAddress.get(backend);
        return nic === undefined ? [] : [`nexthop via ${formatAddr(backend)} dev ${portOf.get(nic)!} onlink`];
      });
      if (hops.length === 0) return [];
      return [
        `rule add pref 50 iif ${toEdge} to ${formatAddr(address)} ipproto ${proto} dport ${port} lookup ${inboundTable(index)}`,
        `route add default table ${inboundTable(index)} ${hops.length === 1 ? hops[0]!.slice("nexthop ".length) : hops.join(" ")}`,
      ];
    });

const fabricPlan = (cloud: Cloud): NamespacePlan => {
  const { network, portOf, nicByAddress } = cloud;
  const { subnets, nics, addressSpace } = network.fabric;
  const ports = [...portOf.values()];
  const subnetIndex = new Map(subnets.map(({ name }, index) => [name, index]));
  return {
    namespace: fabric,
    sysctls: [...commonSysctls(), ["net/ipv4/fib_multipath_hash_policy", 1], ["net/ipv4/fib_multipath_use_neigh", 0]],
    // It answers ARP for every address that it would route elsewhere, at once.
    interfaceSysctls: ports.flatMap(port => [
      [`net/ipv4/conf/${port}/proxy_arp`, 1] as const,
      [`net/ipv4/neigh/${port}/proxy_delay`, 0] as const,
    ]),
    ip: [
      "link set dev lo up",
      `addr add 169.254.0.1/32 dev lo`,
      `link add ${nowhere} type bridge`,
      `link set dev ${nowhere} arp off up`,
      ...ports.map(port => `link set dev ${port} up`),
      `addr add ${linkEnd(edgeLink, 0)}/30 dev ${toEdge}`,
      `link set dev ${toEdge} up`,
      ...[...nicByAddress].map(([address, nic]) => `route add ${formatAddr(address)}/32 dev ${portOf.get(nic)!}`),
      ...addressSpace.map(block => `route add ${formatCidr(block)} dev ${nowhere}`),
      ...subnets.flatMap((subnet, index) => subnetRoutes(cloud, subnet, subnetTable(index))),
      ...nics.flatMap(
        nic => `rule add pref 100 iif ${portOf.get(nic)!} lookup ${subnetTable(subnetIndex.get(nic.subnet)!)}`,
      ),
      ...inboundRoutes(cloud),
    ],
    rules: keepTtl(spoofRules(cloud)),
  };
};

const publicNics = ({ network }: Cloud) =>
  network.fabric.nics.filter(({ publicAddress }) => publicAddress !== undefined);

const edgePlan = (cloud: Cloud): NamespacePlan => {
  const { network, frontends } = cloud;
  const { translators } = network.fabric;
  const withPublic = publicNics(cloud);
  const via = (index: number) => `via ${linkEnd(upLink(index), 1)} dev t${index}`;
  return {
    namespace: edge,
    sysctls: commonSysctls(),
    interfaceSysctls: [],
    ip: [
      "link set dev lo up",
      `addr add ${linkEnd(edgeLink, 1)}/30 dev ${fabric}`,
      `link set dev ${fabric} up`,
      `addr add ${linkEnd(publicLink, 0)}/30 dev ${internet}`,
      `link set dev ${internet} up`,
      ...translators.flatMap((_, index) => [
        `addr add ${linkEnd(upLink(index), 0)}/30 dev t${index}`,
        `link set dev t${index} up`,
        `route add default ${via(index)} table ${translatorTable(index)}`,
        `rule add pref 40 iif t${index} lookup ${translatorTable(-1)}`,
      ]),
      `route add default via ${linkEnd(edgeLink, 0)} dev ${fabric} table ${translatorTable(-1)}`,
      `route add default via ${linkEnd(publicLink, 1)} dev ${internet} table ${translatorTable(-2)}`,
      ...frontends.flatMap((addresses, index) =>
        addresses.map(
          address => `rule add pref 50 iif ${fabric} from ${formatAddr(address)} lookup ${translatorTable(index)}`,
        ),
      ),
      ...withPublic.map(
        ({ addresses }) =>
          `rule add pref 60 iif ${fabric} from ${formatAddr(addresses[0]!)} lookup ${translatorTable(-2)}`,
      ),
      ...translators.flatMap(({ allocations }, index) =>
        allocations.map(
          ({ source }) => `rule add pref 70 iif ${fabric} from ${formatAddr(source)} lookup ${translatorTable(index)}`,
        ),
      ),
      `rule add pref 80 iif ${internet} lookup ${translatorTable(-1)}`,
      `rule add pref 90 iif ${fabric} blackhole`,
    ],
    rules: keepTtl() + (withPublic.length === 0 ? "" : publicRules(withPublic) + untracked(cloud)),
  };
};

/** What a load balancer sends and is sent passes beside the one-to-one translation, which a card's own connection to it meets before. */
const untracked = ({ network, frontends }: Cloud): string =>
  [
    "*raw",
    ":PREROUTING ACCEPT [0:0]",
    ...network.fabric.translators.map((_, index) => `-A PREROUTING -i t${index} -j CT --notrack`),
    ...frontends.flat().map(address => `-A PREROUTING -i ${fabric} -s ${formatAddr(address)}/32 -j CT --notrack`),
    "COMMIT",
    "",
  ].join("\n");

const publicRules = (nics: readonly FabricNic[]): string =>
  [
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ":POSTROUTING ACCEPT [0:0]",
    ...nics.flatMap(({ addresses, publicAddress }) => {
      const own = formatAddr(addresses[0]!);
      const seen = formatAddr(publicAddress!);
      return [
        `-A PREROUTING -i ${internet} -d ${seen}/32 -j DNAT --to-destination ${own}`,
        `-A POSTROUTING -o ${internet} -s ${own}/32 -j SNAT --to-source ${seen}`,
      ];
    }),
    "COMMIT",
    "",
  ].join("\n");

/** Neighbouring ranges of one address joined, as one rule can name only one range. */
const joined = (ranges: PortAllocation["ranges"]): PortAllocation["ranges"] =>
  ranges.reduce<PortAllocation["ranges"]>((done, range) => {
    const last = done.at(-1);
    return last !== undefined && last.address === range.address && last.last + 1 === range.first
      ? [...done.slice(0, -1), { ...last, last: range.last }]
      : [...done, range];
  }, []);

/** A backend's ranges as SNAT rules. netfilter knows no "then the next range", so flows are spread evenly over several. */
const snatRules = ({ protocols }: Translator, { source, ranges }: PortAllocation): string[] =>
  protocols.flatMap(proto =>
    joined(ranges).map(({ address, first, last }, index, all) => {
      const share =
        index === all.length - 1
          ? ""
          : ` -m statistic --mode random --probability ${(1 / (all.length - index)).toFixed(11)}`;
      return `-A POSTROUTING -o outside -s ${formatAddr(source)}/32 -p ${proto}${share} -j SNAT --to-source ${formatAddr(address)}:${first}-${last}`;
    }),
  );

const dnatRules = ({ inbound }: Translator): string[] =>
  inbound.flatMap(({ address, port, proto, backends, backendPort }) =>
    backendPort === undefined
      ? []
      : backends.map((backend, index) => {
          const share =
            index === backends.length - 1
              ? ""
              : ` -m statistic --mode random --probability ${(1 / (backends.length - index)).toFixed(11)}`;
          return `-A PREROUTING -i outside -d ${formatAddr(address)}/32 -p ${proto} -m ${proto} --dport ${port}${share} -j DNAT --to-destination ${formatAddr(backend)}:${backendPort}`;
        }),
  );

const translatorPlan = (translator: Translator, index: number, frontends: readonly Addr[]): NamespacePlan => {
  const { allocations, protocols, inbound, timeouts } = translator;
  const accept = (what: string) => `-A FORWARD ${what} -j ACCEPT`;
  return {
    namespace: `t${index}`,
    sysctls: [
      ...commonSysctls(),
      // Only a SYN begins a flow. What follows counts for it whatever its sequence numbers are: a load balancer keeps no windows.
      ["net/netfilter/nf_conntrack_tcp_loose", 0],
      ["net/netfilter/nf_conntrack_tcp_be_liberal", 1],
      ["net/netfilter/nf_conntrack_tcp_timeout_established", timeouts.idle],
      ["net/netfilter/nf_conntrack_udp_timeout", timeouts.idle],
      ["net/netfilter/nf_conntrack_udp_timeout_stream", timeouts.idle],
      ...["fin_wait", "close_wait", "last_ack", "time_wait"].map(
        state => [`net/netfilter/nf_conntrack_tcp_timeout_${state}`, timeouts.fin] as const,
      ),
      ["net/netfilter/nf_conntrack_tcp_timeout_close", timeouts.rst],
    ],
    interfaceSysctls: [],
    ip: [
      "link set dev lo up",
      `addr add ${linkEnd(upLink(index), 1)}/30 dev inside`,
      "link set dev inside up",
      `addr add ${linkEnd(netLink(index), 0)}/30 dev outside`,
      "link set dev outside up",
      `route add default via ${linkEnd(upLink(index), 0)} dev inside`,
      `route add default via ${linkEnd(netLink(index), 1)} dev outside table ${translatorTable(index)}`,
      `rule add pref 50 iif inside lookup ${translatorTable(index)}`,
      // What it says itself, to the Internet: RST, where TCP reset is on.
      ...frontends.map(
        address => `rule add pref 60 iif lo from ${formatAddr(address)} lookup ${translatorTable(index)}`,
      ),
    ],
    rules: [
      keepTtl(),
      "*nat",
      ":PREROUTING ACCEPT [0:0]",
      ":POSTROUTING ACCEPT [0:0]",
      ...dnatRules(translator),
      ...allocations.flatMap(allocation => snatRules(translator, allocation)),
      "COMMIT",
      "*filter",
      ":FORWARD DROP [0:0]",
      `-A FORWARD -p tcp -m conntrack --ctstate INVALID -j ${translator.tcpReset === true ? "REJECT --reject-with tcp-reset" : "DROP"}`,
      accept("-m conntrack --ctstate ESTABLISHED,RELATED"),
      ...allocations.flatMap(({ source, ranges }) =>
        ranges.length === 0 ? [] : protocols.map(proto => accept(`-i inside -s ${formatAddr(source)}/32 -p ${proto}`)),
      ),
      ...frontends.map(address => accept(`-i inside -s ${formatAddr(address)}/32`)),
      ...inbound.flatMap(({ address, proto, port, backendPort, backends }) =>
        backendPort === undefined
          ? [accept(`-i outside -d ${formatAddr(address)}/32 -p ${proto} -m ${proto} --dport ${port}`)]
          : backends.map(backend =>
              accept(`-i outside -d ${formatAddr(backend)}/32 -p ${proto} -m ${proto} --dport ${backendPort}`),
            ),
      ),
      "COMMIT",
      "",
    ].join("\n"),
  };
};

interface PublicEnd {
  readonly host: Host;
  readonly entry: Interface;
  readonly port: string;
}

const internetPlan = (cloud: Cloud, sites: readonly PublicEnd[]): NamespacePlan => ({
  namespace: internet,
  sysctls: commonSysctls(),
  interfaceSysctls: sites.flatMap(({ port }) => [
    [`net/ipv4/conf/${port}/proxy_arp`, 1] as const,
    [`net/ipv4/neigh/${port}/proxy_delay`, 0] as const,
  ]),
  ip: [
    "link set dev lo up",
    "addr add 169.254.0.2/32 dev lo",
    `link add ${nowhere} type bridge`,
    `link set dev ${nowhere} arp off up`,
    `addr add ${linkEnd(publicLink, 1)}/30 dev ${edge}`,
    `link set dev ${edge} up`,
    ...cloud.frontends.flatMap((addresses, index) => [
      `addr add ${linkEnd(netLink(index), 1)}/30 dev t${index}`,
      `link set dev t${index} up`,
      ...addresses.map(
        address => `route add ${formatAddr(address)}/32 via ${linkEnd(netLink(index), 0)} dev t${index}`,
      ),
    ]),
    ...publicNics(cloud).map(
      ({ publicAddress }) => `route add ${formatAddr(publicAddress!)}/32 via ${linkEnd(publicLink, 0)} dev ${edge}`,
    ),
    ...sites.flatMap(({ entry, port }) => [
      `link set dev ${port} up`,
      ...entry.addresses.map(({ address }) => `route add ${formatAddr(address)}/32 dev ${port}`),
    ]),
    `route add default dev ${nowhere}`,
  ],
  rules: keepTtl(),
});

/** The hardware address number `value`; the first byte says "locally administered". */
const macText = (value: number): string =>
  [0x02, 0x45, (value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
    .map(byte => byte.toString(16).padStart(2, "0"))
    .join(":");
const broadcastMac = new Uint8Array(6).fill(255);
/** The lowest 23 bits of a group's address are in the hardware address that its frames are for (RFC 1112). */
const multicastMac = (group: Addr): Uint8Array =>
  new Uint8Array([0x01, 0x00, 0x5e, (group >>> 16) & 127, (group >>> 8) & 255, group & 255]);
const macBytes = (text: string): Uint8Array => new Uint8Array(text.split(":").map(byte => Number.parseInt(byte, 16)));

/**
 * Numbers for all interfaces, each once: their index and their hardware address come from it. Were the two ends of a pair
 * to have the same index, each in its namespace, the kernel would take up to a second to notice that the pair is up.
 */
class Numbers {
  readonly #given = new Map<string, number>();

  #of(namespace: string, name: string): number {
    const key = `${namespace} ${name}`;
    let number = this.#given.get(key);
    if (number === undefined) this.#given.set(key, (number = this.#given.size + 1));
    return number;
  }

  mac(namespace: string, name: string): string {
    return macText(this.#of(namespace, name));
  }

  index(namespace: string, name: string): number {
    return 100 + this.#of(namespace, name);
  }

  /** As `ip link add` wants it. */
  link(namespace: string, name: string): string {
    return `name ${name} index ${this.index(namespace, name)} address ${this.mac(namespace, name)}`;
  }
}

/** What one `ip` command makes: a bridge, or a pair of interfaces. */
interface Link {
  readonly command: string;
  readonly ends: readonly string[];
}

const endOf = (namespace: string, name: string): string => `${namespace} ${name}`;

/**
 * The commands, ordered so that each host's interfaces come into being as it lists them: what leaves by an interface
 * without an address takes that of the first that has one. Where two hosts list what they share in opposite orders, none
 * suits both, and those come as they were given.
 */
const asListed = (links: readonly Link[], lists: readonly (readonly string[])[]): string[] => {
  const linkOf = new Map(links.flatMap(link => link.ends.map(end => [end, link] as const)));
  const after = new Map<Link, Link[]>();
  const awaited = new Map<Link, number>();
  for (const list of lists) {
    const own = list.flatMap(end => linkOf.get(end) ?? []);
    for (const [index, link] of own.slice(1).entries()) {
      const before = own[index]!;
      after.set(before, [...(after.get(before) ?? []), link]);
      awaited.set(link, (awaited.get(link) ?? 0) + 1);
    }
  }
  const ordered = links.filter(link => !awaited.has(link));
  for (const link of ordered)
    for (const next of after.get(link) ?? []) {
      const left = awaited.get(next)! - 1;
      awaited.set(next, left);
      if (left === 0) ordered.push(next);
    }
  return [...new Set([...ordered, ...links])].map(({ command }) => command);
};

const checkName = (where: string, name: string): void => {
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(name) || name === "lo")
    throw new InputError({
      where,
      value: name,
      problem: "is no interface name that Linux takes",
      expected: "1 to 15 letters, digits, '_', '.' or '-'",
    });
};

/** What it takes to have a network on Linux. Pure: nothing is done yet. */
export const planLinux = (network: Network): Plan => {
  const namespaceOf = new Map(network.hosts.map(({ id }, index) => [id, `h${index}`]));
  const portOf = new Map(network.fabric.nics.map((nic, index) => [nic, `n${index}`]));
  const nicByAddress = new Map(
    network.fabric.nics.flatMap(nic => nic.addresses.map(address => [address, nic] as const)),
  );
  const cloud: Cloud = { network, portOf, nicByAddress, frontends: network.fabric.translators.map(frontendsOf) };
  const sites = network.hosts
    .flatMap(host => host.interfaces.filter(({ kind }) => kind === "public").map(entry => ({ host, entry })))
    .map((end, index) => ({ ...end, port: `s${index}` }));
  const numbers = new Numbers();
  const links: Link[] = [];
  const pair = (a: string, nameA: string, b: string, nameB: string) =>
    links.push({
      command: `link add ${numbers.link(a, nameA)} netns ${a} type veth peer ${numbers.link(b, nameB)} netns ${b}`,
      ends: [endOf(a, nameA), endOf(b, nameB)],
    });
  for (const host of network.hosts)
    for (const entry of host.interfaces) {
      checkName(`interface of ${host.id}`, entry.name);
      const here = namespaceOf.get(host.id)!;
      if (entry.kind === "bridge")
        links.push({
          command: `link add ${numbers.link(here, entry.name)} netns ${here} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
          ends: [endOf(here, entry.name)],
        });
      if (entry.kind !== "veth") continue;
      const peer = namespaceOf.get(entry.peer.host);
      if (peer === undefined)
        throw new InputError({
          where: `peer of ${host.id} ${entry.name}`,
          value: entry.peer.host,
          problem: "is no host of the network",
          expected: "a host's id",
        });
      if (endOf(here, entry.name) < endOf(peer, entry.peer.interface))
        pair(here, entry.name, peer, entry.peer.interface);
    }
  for (const [nic, port] of portOf) {
    const host = namespaceOf.get(nic.host);
    if (host === undefined)
      throw new InputError({
        where: "card on the fabric",
        value: nic.host,
        problem: "is no host of the network",
        expected: "a host's id",
      });
    pair(host, nic.interface, fabric, port);
  }
  for (const { host, entry, port } of sites) pair(namespaceOf.get(host.id)!, entry.name, internet, port);
  const cloudy = portOf.size > 0 || sites.length > 0;
  if (cloudy) {
    pair(fabric, toEdge, edge, fabric);
    pair(edge, internet, internet, edge);
  }
  const { translators } = network.fabric;
  if (cloudy)
    translators.forEach((_, index) => {
      pair(edge, `t${index}`, `t${index}`, "inside");
      pair(`t${index}`, "outside", internet, `t${index}`);
    });
  const hosts = new Map(network.hosts.map(host => [host.id, host]));
  const own = (host: Host, name: string) => numbers.mac(namespaceOf.get(host.id)!, name);
  /** Who answers for an address behind an interface: the far end, or across the bridge that the far end is a port of. */
  const neighbour = (host: Host, entry: Interface, target: Addr): string => {
    const nic = network.fabric.nics.find(candidate => candidate.host === host.id && candidate.interface === entry.name);
    if (nic !== undefined) return numbers.mac(fabric, portOf.get(nic)!);
    if (entry.kind !== "veth")
      return numbers.mac(internet, sites.find(site => site.host === host && site.entry === entry)?.port ?? "");
    const far = hosts.get(entry.peer.host)!;
    const end = far.interfaces.find(({ name }) => name === entry.peer.interface)!;
    if (end.master === undefined) return own(far, end.name);
    return acrossBridge(far, end.master, target) ?? own(far, end.master);
  };
  const acrossBridge = (host: Host, bridge: string, target: Addr): string | undefined => {
    if (host.interfaces.some(({ addresses }) => addresses.some(({ address }) => address === target)))
      return own(host, bridge);
    for (const port of host.interfaces) {
      if (port.master !== bridge) continue;
      const peer = port.kind === "veth" ? hosts.get(port.peer.host)! : undefined;
      if (
        port.kind === "veth" &&
        peer!.interfaces.some(
          ({ name, master, addresses }) =>
            name === port.peer.interface && master === undefined && addresses.some(({ address }) => address === target),
        )
      )
        return own(peer!, port.peer.interface);
    }
    const uplink = host.interfaces.find(({ master, kind }) => master === bridge && kind === "nic");
    return uplink === undefined ? undefined : neighbour(host, uplink, target);
  };
  return {
    namespaceOf,
    links: asListed(
      links,
      network.hosts.map(host => host.interfaces.map(({ name }) => endOf(namespaceOf.get(host.id)!, name))),
    ),
    portsBehindBridges: [...portOf].flatMap(([nic, port]) =>
      hosts.get(nic.host)!.interfaces.find(({ name }) => name === nic.interface)?.master === undefined
        ? []
        : { namespace: fabric, interface: port, mac: macBytes(numbers.mac(fabric, port)) },
    ),
    interfaceIndex: (id, name) => (name === "lo" ? 1 : numbers.index(namespaceOf.get(id)!, name)),
    linkFor(id, name, destination) {
      const host = hosts.get(id)!;
      const source = macBytes(own(host, name));
      if (isMulticast(destination)) return { source, destination: multicastMac(destination) };
      if (isBroadcastFor(host, destination)) return { source, destination: broadcastMac };
      const route = hostRoutes(host).lookup(destination);
      const target = route?.via ?? destination;
      return {
        source,
        destination: macBytes(
          neighbour(
            host,
            host.interfaces.find(entry => entry.name === name)!,
            target,
          ),
        ),
      };
    },
    namespaces: [
      ...network.hosts.map(host => hostPlan(host, namespaceOf.get(host.id)!)),
      ...(cloudy ? [fabricPlan(cloud), edgePlan(cloud), internetPlan(cloud, sites)] : []),
      ...(cloudy
        ? translators.map((translator, index) => translatorPlan(translator, index, cloud.frontends[index]!))
        : []),
    ],
  };
};
