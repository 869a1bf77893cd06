import { addr } from "../../lib/ip/addr.js";
import { cidr } from "../../lib/ip/cidr.js";
import type { ConnectOptions, ConnectResult, Lab } from "../../lib/net/lab.js";
import type { Host, Network } from "../../lib/net/network.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import type { Udp } from "../../lib/packet/packet.js";

/** Of UDP, from port 7 to port 9. */
export const datagram = (from: string, to: string): Udp => ({
  ...{ proto: "udp", src: addr(from), sport: 7, dst: addr(to), dport: 9, ttl: 64, payload: "" },
});

/** A router between a (10.1.0.2), with c (10.1.0.3) on the same bridge, and b (10.1.1.2), whose ports 80 and 53 answer. */
export const lans = (
  rules: { readonly [host in "a" | "r" | "b" | "c"]?: string } = {},
  change: (host: Host) => Host = host => host,
): Network => {
  const bare = (id: "a" | "r" | "b" | "c") => ({
    id,
    hostname: id,
    forwarding: false,
    bridgeNfCallIptables: false,
    rules: parseSave(rules[id] ?? ""),
    listeners: [
      { proto: "tcp" as const, port: 80, answer: { kind: "caller-address" as const } },
      { proto: "udp" as const, port: 53, answer: { kind: "caller-address" as const } },
    ],
  });
  const end = (id: "a" | "b" | "c", address: string, peer: string): Host => ({
    ...bare(id),
    role: "pod",
    interfaces: [
      {
        kind: "veth",
        name: "eth0",
        addresses: [{ address: addr(address), prefix: 24 }],
        peer: { host: "r", interface: peer },
      },
    ],
    routes: [{ to: cidr("0.0.0.0/0"), via: addr(address.replace(/\d+$/, "1")), dev: "eth0" }],
  });
  const port = (name: string) => ({
    kind: "veth" as const,
    name: `port-${name}`,
    addresses: [],
    master: "br0",
    peer: { host: name, interface: "eth0" },
  });
  const router: Host = {
    ...bare("r"),
    role: "node",
    forwarding: true,
    interfaces: [
      { kind: "bridge", name: "br0", addresses: [{ address: addr("10.1.0.1"), prefix: 24 }] },
      port("a"),
      port("c"),
      {
        kind: "veth",
        name: "lan1",
        addresses: [{ address: addr("10.1.1.1"), prefix: 24 }],
        peer: { host: "b", interface: "eth0" },
      },
    ],
    routes: [],
  };
  return {
    name: "lans",
    seed: 1,
    names: [],
    fabric: { addressSpace: [], subnets: [], nics: [], translators: [] },
    hosts: [router, end("a", "10.1.0.2", "port-a"), end("b", "10.1.1.2", "lan1"), end("c", "10.1.0.3", "port-c")].map(
      change,
    ),
  };
};

/** What a program was told, in a word. */
export const told = (result: ConnectResult): string => {
  if (result.kind === "connected") return `connected to ${result.server}`;
  return result.kind === "timeout" ? "timeout" : `${result.kind} ${result.error}`;
};

export const ask = async (
  lab: Lab,
  from: string,
  to: string,
  port: number,
  options: ConnectOptions = {},
): Promise<string> => told(await lab.connect(from, to, port, options));

/** How a packet is refused on its way, and what a TCP and a connected UDP socket are told of it: measured on Linux 6.18. */
export interface Telling {
  readonly what: string;
  readonly network: Network;
  readonly to?: string;
  readonly port?: number;
  readonly tcp: string;
  readonly udp: string;
}

const rejectAtRouter = (how: string) => lans({ r: `*filter\n-A FORWARD -d 10.1.1.2/32 ${how}\nCOMMIT\n` });
const rejectAtHome = (how: string) => lans({ a: `*filter\n-A OUTPUT -d 10.1.1.2/32 ${how}\nCOMMIT\n` });
const byRule: readonly (readonly [how: string, tcp: string, udp: string])[] = [
  ["icmp-net-unreachable", "unreachable ENETUNREACH", "timeout"],
  ["icmp-host-unreachable", "unreachable EHOSTUNREACH", "timeout"],
  ["icmp-proto-unreachable", "unreachable ENOPROTOOPT", "unreachable ENOPROTOOPT"],
  ["icmp-port-unreachable", "refused ECONNREFUSED", "refused ECONNREFUSED"],
  ["icmp-net-prohibited", "unreachable ENETUNREACH", "unreachable ENETUNREACH"],
  ["icmp-host-prohibited", "unreachable EHOSTUNREACH", "unreachable EHOSTUNREACH"],
  ["icmp-admin-prohibited", "unreachable EHOSTUNREACH", "unreachable EHOSTUNREACH"],
];

export const tellings: readonly Telling[] = [
  ...byRule.map(([how, tcp, udp]) => ({
    what: `${how} from a router`,
    network: rejectAtRouter(`-j REJECT --reject-with ${how}`),
    tcp,
    udp,
  })),
  // A program's own host refuses the datagram itself, whatever its ICMP error says afterwards.
  ...byRule.map(([how, tcp]) => ({
    what: `${how} from its own host`,
    network: rejectAtHome(`-j REJECT --reject-with ${how}`),
    tcp,
    udp: "denied EPERM",
  })),
  {
    what: "tcp-reset from a router",
    network: rejectAtRouter("-p tcp -j REJECT --reject-with tcp-reset"),
    tcp: "refused ECONNREFUSED",
    udp: "connected to b",
  },
  {
    what: "tcp-reset from its own host",
    network: rejectAtHome("-p tcp -j REJECT --reject-with tcp-reset"),
    tcp: "refused ECONNREFUSED",
    udp: "connected to b",
  },
  { what: "a router that drops", network: rejectAtRouter("-j DROP"), tcp: "timeout", udp: "timeout" },
  { what: "its own host that drops", network: rejectAtHome("-j DROP"), tcp: "timeout", udp: "denied EPERM" },
  {
    what: "its own host that drops after routing",
    network: lans({ a: "*mangle\n-A POSTROUTING -d 10.1.1.2/32 -j DROP\nCOMMIT\n" }),
    tcp: "timeout",
    udp: "denied EPERM",
  },
  {
    what: "its own host that drops what comes in by lo",
    network: lans({ a: "*filter\n-A INPUT -i lo -j DROP\nCOMMIT\n" }),
    to: "10.1.0.2",
    tcp: "timeout",
    udp: "timeout",
  },
  { what: "a closed port", network: lans(), port: 9, tcp: "refused ECONNREFUSED", udp: "refused ECONNREFUSED" },
  {
    what: "a router without a route",
    network: lans(),
    to: "192.0.2.1",
    tcp: "unreachable ENETUNREACH",
    udp: "timeout",
  },
  {
    what: "a router that nobody answers for the address",
    network: lans(),
    to: "10.1.1.77",
    tcp: "unreachable EHOSTUNREACH",
    udp: "timeout",
  },
  {
    what: "a route that goes round in circles",
    network: lans({}, host =>
      host.id === "r" || host.id === "b"
        ? {
            ...host,
            forwarding: true,
            routes: [
              host.id === "r"
                ? { to: cidr("192.0.2.0/24"), via: addr("10.1.1.2"), dev: "lan1" }
                : { to: cidr("0.0.0.0/0"), via: addr("10.1.1.1"), dev: "eth0" },
            ],
          }
        : host,
    ),
    to: "192.0.2.1",
    tcp: "unreachable EHOSTUNREACH",
    udp: "timeout",
  },
  { what: "nothing in the way", network: lans(), tcp: "connected to b", udp: "connected to b" },
];

/** Ports of b that {@link portReuse} may ask for, one a try. */
export const reusePorts = Array.from({ length: 400 }, (_, i) => 8000 + i);

/** All of a's and c's connections leave the router from one port, so only one at a time can go to each of {@link reusePorts}. */
export const onePort = (seed: number): Network => {
  const network = lans(
    { r: "*nat\n-A POSTROUTING -o lan1 -p tcp -j SNAT --to-source 10.1.1.1:5000\nCOMMIT\n" },
    host =>
      host.id === "b"
        ? { ...host, listeners: reusePorts.map(port => ({ proto: "tcp", port, answer: { kind: "caller-address" } })) }
        : host,
  );
  return { ...network, seed };
};

/** One connection after the other has closed: the first is in TIME_WAIT at the router when the second wants its port. */
export const portReuse = async (lab: Lab, port: number): Promise<string> =>
  `${await ask(lab, "a", "10.1.1.2", port)}, then ${await ask(lab, "c", "10.1.1.2", port)}`;

/** What a program is told that wants a source port which its own host has given away, on Linux 6.18. */
export const portsTaken: readonly string[] = [
  "tcp from a port that the host listens at: denied EADDRINUSE",
  "udp from a port that the host listens at: connected to b",
  "again while the connection is open: denied EADDRNOTAVAIL",
  "to another port meanwhile: refused ECONNREFUSED",
  "again once it is closed: connected to b",
  "udp to itself: connected to a",
  "tcp to itself: connected to a",
];

export const takePorts = async (lab: Lab): Promise<readonly string[]> => {
  const asks: readonly (readonly [what: string, port: number, ConnectOptions])[] = [
    ["tcp from a port that the host listens at", 80, { sourcePort: 80 }],
    ["udp from a port that the host listens at", 53, { sourcePort: 53, proto: "udp" }],
    ["", 80, { sourcePort: 41000, close: "open" }],
    ["again while the connection is open", 80, { sourcePort: 41000 }],
    ["to another port meanwhile", 81, { sourcePort: 41000 }],
    ["", 80, { sourcePort: 41001, close: "rst" }],
    ["again once it is closed", 80, { sourcePort: 41001 }],
  ];
  const lines: string[] = [];
  for (const [what, port, options] of asks) lines.push(`${what}: ${await ask(lab, "a", "10.1.1.2", port, options)}`);
  for (const proto of ["udp", "tcp"] as const)
    lines.push(`${proto} to itself: ${await ask(lab, "a", "10.1.0.2", 42000, { proto, sourcePort: 42000 })}`);
  return lines.filter(line => !line.startsWith(":"));
};
