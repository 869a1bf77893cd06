import { type Addr, addr } from "../../../lib/ip/addr.js";
import { cidr } from "../../../lib/ip/cidr.js";
import type { Host } from "../../../lib/net/network.js";
import type { IcmpEcho, TcpFlag } from "../../../lib/packet/packet.js";
import type { Case, Sent } from "../generate.js";
import { randomSegments, tracked } from "../segments.js";
import { address, smallCase, tcp, udp } from "../small.js";

/** Each is the smallest case of a mismatch that random networks once found, fixed since. */
export interface Regression {
  /** What Linux does there. */
  readonly name: string;
  readonly case: Case;
  readonly sent: readonly Sent[];
}

const { a, b, c } = address;
const everyPort = [1, 2, 3, 4, 5, 6, 7, 8];
const handshake = [
  tcp("a", a, 1000, b, 80, ["SYN"], 100),
  tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 500, 101),
  tcp("a", a, 1000, b, 80, ["ACK"], 101, 501),
];
const counted = (state: string) => `-A FORWARD -m conntrack --ctstate ${state}`;
const states = `*filter\n${counted("INVALID")}\n${counted("NEW")}\n${counted("ESTABLISHED")}\nCOMMIT\n`;

const table = (name: string, ...rules: readonly string[]): string => [`*${name}`, ...rules, "COMMIT", ""].join("\n");
const forwarded = (...matches: readonly string[]): readonly string[] => matches.map(match => `-A FORWARD ${match}`);
const echo = (host: string, src: Addr, dst: Addr, id: number, type: IcmpEcho["type"] = "echo-request"): Sent => ({
  host,
  packet: { proto: "icmp", type, src, dst, id, seq: 1, size: 56, ttl: 64 },
});
/** A connection from a port of a to b, segment by segment. */
const from = (
  port: number,
  ...segments: readonly (readonly [host: "a" | "b", flags: string, seq: number, ack?: number, payload?: string])[]
): readonly Sent[] =>
  segments.map(([host, flags, ...numbers]) =>
    host === "a"
      ? tcp("a", a, port, b, 80, flags.split(",") as TcpFlag[], ...numbers)
      : tcp("b", b, 80, a, port, flags.split(",") as TcpFlag[], ...numbers),
  );
const pairs = (ports: readonly number[], others: readonly number[]): readonly (readonly [number, number])[] =>
  ports.flatMap(port => others.map(other => [port, other] as const));

/** With another router. */
const changed = (of: Case, change: (router: Host) => Host): Case => ({
  ...of,
  network: { ...of.network, hosts: of.network.hosts.map(host => (host.id === "r" ? change(host) : host)) },
});

/** With a second address on the router's first interface. */
const withAddress = (of: Case, text: string): Case =>
  changed(of, host => ({
    ...host,
    interfaces: host.interfaces.map((entry, index) =>
      index === 0 ? { ...entry, addresses: [...entry.addresses, { address: addr(text), prefix: 24 }] } : entry,
    ),
  }));

export const regressions: readonly Regression[] = [
  {
    name: "ports are matched from the first to the last of a range",
    case: smallCase({
      rules: table(
        "mangle",
        ...forwarded(
          "-p udp -m udp --sport 100:200",
          "-p udp -m udp ! --sport 100:200",
          "-p udp -m udp --dport 1000:1001",
          "-p udp -m udp ! --dport 1000:1001",
          "-p udp -m udp --dport 1001",
          "-p tcp -m tcp --dport 1000:1001",
          "-p tcp -m tcp ! --sport 100",
          "-p udp -m multiport --sports 100,150:200",
          "-p udp -m multiport ! --sports 100,150:200",
          "-p udp -m multiport --dports 1000:1001",
          "-p udp -m multiport ! --dports 1000,1002",
          "-p udp -m multiport --ports 100,1002",
          "-p udp -m multiport ! --ports 200,1000",
          "-p tcp -m multiport --ports 100,1000",
          "! -p tcp",
          "-p icmp",
          "! -p icmp",
        ),
      ),
    }),
    sent: [
      ...pairs([99, 100, 101, 149, 150, 200, 201], [999, 1000, 1001, 1002]).map(([sport, dport]) =>
        udp("a", a, sport, b, dport),
      ),
      ...pairs([99, 100], [1000, 1001, 1002]).map(([sport, dport]) => tcp("a", a, sport, b, dport, ["SYN"], 100)),
      echo("a", a, b, 100),
    ],
  },
  {
    name: "addresses and interfaces are matched at both ends of what a rule names",
    case: smallCase({
      rules: table(
        "mangle",
        ...forwarded(
          "-s 10.1.0.2/31",
          "! -s 10.1.0.2/31",
          "-s 10.1.0.2/32",
          "-s 0.0.0.0/1",
          "-d 128.0.0.0/1",
          "! -d 10.1.1.2/32",
          "-d 10.1.1.0/24 -s 10.1.0.0/24",
          "-m iprange --src-range 10.1.0.2-10.1.0.3",
          "-m iprange ! --src-range 10.1.0.3-10.1.0.4",
          "-m iprange --dst-range 10.1.1.2-10.1.1.2",
          "-m iprange ! --dst-range 10.1.1.0-10.1.1.1",
          "-m iprange --dst-range 10.1.0.3-10.1.0.9",
          "-m iprange --dst-range 10.1.0.1-10.1.0.2",
          "-d 10.1.0.2/32",
          "! -d 10.1.0.2/31",
          "-d 10.1.0.3/32",
          "-m iprange --src-range 10.1.0.0-10.1.0.255 --dst-range 10.1.1.1-10.1.1.9",
          "-i br0",
          "-i br+",
          "! -i br0",
          "! -i lan+",
          "-i br",
          "-o lan1",
          "-o lan+",
          "! -o l+",
          "-m addrtype --src-type UNICAST",
          "-m addrtype --src-type LOCAL",
          "-m addrtype ! --dst-type LOCAL",
          "-m addrtype --src-type UNICAST --dst-type UNICAST",
        ),
        "-A INPUT -m addrtype --dst-type LOCAL",
        "-A INPUT -m addrtype --dst-type UNICAST,BROADCAST",
        "-A INPUT -m addrtype ! --dst-type MULTICAST",
        "-A INPUT -i lo",
        "-A PREROUTING -m addrtype --dst-type MULTICAST",
        "-A PREROUTING -m addrtype --dst-type BROADCAST",
        "-A OUTPUT -m addrtype --src-type LOCAL --dst-type UNICAST",
        "-A OUTPUT -o br0",
        "-A POSTROUTING ! -o br0",
      ),
    }),
    sent: [
      ...[2, 3, 4, 5].map(last => udp("a", addr(`10.1.0.${last}`), 9, b, 9)),
      udp("a", a, 10, addr("10.1.1.1"), 9),
      udp("a", a, 10, addr("10.1.0.1"), 9),
      udp("b", b, 12, a, 9),
      udp("b", b, 12, c, 9),
      udp("c", c, 12, b, 9),
      udp("b", b, 12, addr("200.1.1.1"), 9),
    ],
  },
  {
    name: "marks and counted packets are matched as a rule says",
    case: smallCase({
      rules: table(
        "mangle",
        "-A PREROUTING -p udp -m udp --dport 1 -j MARK --set-xmark 0x1/0xffffffff",
        "-A PREROUTING -p udp -m udp --dport 2 -j MARK --set-xmark 0x7/0xffffffff",
        "-A PREROUTING -p udp -m udp --dport 3 -j MARK --set-xmark 0x80000001/0xffffffff",
        "-A PREROUTING -p udp -m udp --dport 2:3 -j MARK --set-xmark 0x10/0x16",
        "-A PREROUTING -p udp -m udp --dport 4 -j MARK --set-xmark 0xff/0x0",
        ...forwarded(
          "-m mark --mark 0x1",
          "-m mark ! --mark 0x1",
          "-m mark --mark 0x1/0x3",
          "-m mark --mark 0x80000001",
          "-m mark --mark 0x80000000/0x80000000",
          "-m mark ! --mark 0x10/0x30",
          "-m mark --mark 0x11",
          "-m mark --mark 0x0",
          "-m mark --mark 0xff",
          "-m statistic --mode nth --every 3 --packet 0",
          "-m statistic --mode nth --every 3 --packet 1",
          "-m statistic --mode nth --every 3 --packet 2",
          "-m statistic --mode nth ! --every 4 --packet 2",
          "-m statistic --mode nth --every 1 --packet 0",
          "-m statistic --mode random --probability 0.00000000000",
          "-m statistic --mode random ! --probability 0.00000000000",
          "-p udp -m udp --dport 2:3 -m statistic --mode nth --every 2 --packet 1",
        ),
      ),
    }),
    sent: [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1].map((port, index) => udp("a", a, 100 + index, b, port)),
  },
  {
    name: "states of a connection and of its translation are matched in both directions",
    case: smallCase({
      rules:
        table(
          "mangle",
          ...forwarded(
            ...[
              "INVALID",
              "NEW",
              "ESTABLISHED",
              "RELATED",
              "SNAT",
              "DNAT",
              "UNTRACKED",
              "NEW,SNAT",
              "ESTABLISHED,DNAT",
            ].flatMap(state => [`-m conntrack --ctstate ${state}`, `-m conntrack ! --ctstate ${state}`]),
          ),
          "-A POSTROUTING -m conntrack --ctstate SNAT",
          "-A PREROUTING -m state --state NEW",
          "-A PREROUTING -m state --state ESTABLISHED",
          "-A PREROUTING -m state --state INVALID",
        ) +
        table(
          "nat",
          "-A PREROUTING -d 10.96.0.1/32 -p udp -j DNAT --to-destination 10.1.1.2:53",
          "-A POSTROUTING -o lan1 -p udp -m udp --sport 2000:2001 -j SNAT --to-source 10.1.1.1",
        ),
    }),
    sent: [
      udp("a", a, 1000, addr("10.96.0.1"), 53),
      udp("b", b, 53, a, 1000),
      udp("a", a, 2000, addr("10.96.0.1"), 53),
      udp("b", b, 53, addr("10.1.1.1"), 2000),
      udp("a", a, 2001, b, 9),
      udp("b", b, 9, addr("10.1.1.1"), 2001),
      udp("a", a, 2001, b, 9),
      udp("a", a, 3000, b, 9),
      udp("b", b, 9, a, 3000),
      tcp("a", a, 4000, b, 80, ["SYN", "ACK"], 1, 1),
      echo("a", a, b, 7),
      echo("b", b, a, 7, "echo-reply"),
      echo("b", b, a, 8, "echo-reply"),
    ],
  },
  {
    name: "a rule jumps, goes to a chain for good, returns, and ends at the policy of the chain where it began",
    case: smallCase({
      rules: table(
        "filter",
        ":FORWARD DROP [0:0]",
        ":INPUT DROP [0:0]",
        ":OUTER - [0:0]",
        ":INNER - [0:0]",
        ":EMPTY - [0:0]",
        "-A FORWARD -p udp -m udp --dport 1 -j OUTER",
        "-A FORWARD -p udp -m udp --dport 2 -g OUTER",
        "-A FORWARD -p udp -m udp --dport 3 -j RETURN",
        "-A FORWARD -p udp -m udp --dport 4 -j EMPTY",
        "-A FORWARD -p udp -m udp --dport 5 -j OUTER",
        "-A FORWARD -p udp -m udp --dport 6 -j DROP",
        "-A FORWARD -p udp -m udp --dport 1:6 -j ACCEPT",
        "-A OUTER -p udp -m udp --dport 1:2 -j INNER",
        "-A OUTER -p udp -m udp --dport 5 -g INNER",
        "-A OUTER",
        "-A INNER -p udp -m udp --dport 1 -j RETURN",
        "-A INNER",
      ),
    }),
    sent: [...[1, 2, 3, 4, 5, 6, 7].map(port => udp("a", a, 9, b, port)), udp("a", a, 9, addr("10.1.0.1"), 1)],
  },
  {
    name: "each way to reject says so to whom the packet came from",
    case: smallCase({
      rules: table(
        "filter",
        ...[
          "icmp-net-unreachable",
          "icmp-host-unreachable",
          "icmp-proto-unreachable",
          "icmp-port-unreachable",
          "icmp-net-prohibited",
          "icmp-host-prohibited",
          "icmp-admin-prohibited",
        ].flatMap((way, index) => [
          `-A FORWARD -p udp -m udp --dport ${index + 1} -j REJECT --reject-with ${way}`,
          `-A INPUT -p udp -m udp --dport ${index + 1} -j REJECT --reject-with ${way}`,
        ]),
        "-A FORWARD -p icmp -j REJECT --reject-with icmp-host-prohibited",
        "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset",
        "-A INPUT -p tcp -j REJECT --reject-with tcp-reset",
      ),
    }),
    sent: [
      ...[1, 2, 3, 4, 5, 6, 7].flatMap(port => [
        udp("a", a, 9, b, port),
        udp("b", b, 9, addr("10.1.1.1"), port),
        udp("b", b, 9, addr("10.1.0.1"), port),
      ]),
      echo("a", a, b, 1),
      echo("a", a, b, 1, "echo-reply"),
      tcp("a", a, 9, b, 80, ["SYN"], 100),
      tcp("a", a, 9, b, 80, ["ACK"], 100, 200),
      tcp("a", a, 9, b, 80, ["ACK"], 100, 200, "data"),
      tcp("a", a, 9, b, 80, ["FIN", "ACK"], 100, 200),
      tcp("a", a, 9, b, 80, ["SYN"], 0xffffffff),
      tcp("a", a, 9, b, 80, ["RST"], 100),
      tcp("a", a, 9, addr("10.1.0.1"), 80, ["SYN"], 100, 0, "data"),
    ],
  },
  {
    name: "a router takes a hop off, and tells of what it cannot send on",
    case: smallCase({ rules: table("mangle", "-A FORWARD", "-A OUTPUT", "-A INPUT", "-A POSTROUTING") }),
    sent: [
      ...[0, 1, 2, 3, 255].map((ttl, index) => udp("a", a, 100 + index, b, 9, ttl)),
      udp("a", a, 1, addr("10.1.1.1"), 9, 1),
      udp("a", a, 1, addr("10.1.0.1"), 9, 1),
      udp("a", a, 1, c, 9, 1),
      echo("a", a, addr("10.1.0.1"), 1),
      echo("a", a, addr("10.1.1.1"), 2),
      echo("a", a, addr("10.1.0.1"), 3, "echo-reply"),
      tcp("a", a, 5, addr("10.1.0.1"), 80, ["SYN"], 7),
      tcp("a", a, 5, addr("10.1.0.1"), 80, ["ACK"], 7, 9, "data"),
      tcp("a", a, 5, addr("10.1.0.1"), 80, ["RST"], 7),
      tcp("a", a, 5, addr("10.1.0.1"), 80, ["FIN", "ACK"], 0xffffffff, 0),
    ],
  },
  {
    name: "a missing route is told five times at once, then no more",
    case: smallCase({}),
    sent: everyPort.map(port => udp("a", a, port, addr("192.0.2.1"), 9)),
  },
  {
    name: "the ports of a destination range are taken in turn from the first",
    case: smallCase({ rules: "*nat\n-A PREROUTING -p udp -j DNAT --to-destination 10.1.1.2:8000-8003\nCOMMIT\n" }),
    sent: everyPort.slice(0, 5).map(port => udp("a", a, 600, addr("10.96.0.1"), port)),
  },
  {
    name: "what comes back with the router's own address as its source is dropped",
    case: smallCase({}),
    sent: [udp("a", addr("10.1.0.1"), 1, b, 9), udp("a", addr("10.1.1.1"), 1, b, 9)],
  },
  {
    name: "a segment beyond the window is invalid and changes nothing",
    case: smallCase({ rules: states }),
    sent: [
      ...handshake,
      tcp("a", a, 1000, b, 80, ["ACK"], 101 + 100_000, 501, "far"),
      tcp("a", a, 1000, b, 80, ["PSH", "ACK"], 101, 501, "near"),
    ],
  },
  {
    name: "a reset beyond what was opened does not end the opening",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("a", a, 1000, b, 80, ["RST"], 120),
      tcp("a", a, 1000, b, 80, ["ACK"], 101, 501),
    ],
  },
  {
    name: "a reset without acknowledgement does not end a simultaneous opening that it is ahead of",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["SYN"], 500),
      tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 530, 101),
      tcp("b", b, 80, a, 1000, ["RST"], 531),
    ],
  },
  {
    name: "of a simultaneous opening a reset is believed only from the end that spoke before last",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["SYN"], 500),
      tcp("b", b, 80, a, 1000, ["RST"], 506),
      tcp("a", a, 1000, b, 80, ["RST"], 106),
    ],
  },
  {
    name: "a connection closed by a reset is opened again only after another reset or a FIN",
    case: smallCase({ rules: states }),
    sent: [
      ...handshake,
      tcp("a", a, 1000, b, 80, ["RST"], 101),
      tcp("b", b, 80, a, 1000, ["PSH", "ACK"], 501, 101, "late"),
      tcp("a", a, 1000, b, 80, ["SYN"], 9000),
      tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 7000, 9001),
    ],
  },
  {
    name: "the rules of a bridge translate a destination and the frame stays on the bridge, its TTL as it was",
    case: smallCase({
      rules: "*nat\n-A PREROUTING -d 10.96.0.1/32 -j DNAT --to-destination 10.1.0.3\nCOMMIT\n",
      bridgeNfCallIptables: true,
    }),
    sent: [udp("a", a, 1, addr("10.96.0.1"), 9), udp("a", a, 2, c, 9)],
  },
  {
    name: "an answer of the host's own ICMP that is rejected gets no error",
    case: smallCase({ rules: "*filter\n-A OUTPUT -p icmp -j REJECT --reject-with icmp-host-unreachable\nCOMMIT\n" }),
    sent: [
      {
        host: "a",
        packet: { proto: "icmp", type: "echo-request", src: a, dst: addr("10.1.1.1"), ttl: 64, id: 1, seq: 1, size: 8 },
      },
    ],
  },
  {
    name: "an error about a closed UDP port belongs to no connection until it is tracked",
    case: smallCase({
      rules:
        "*raw\n-A OUTPUT -m conntrack --ctstate INVALID\n-A OUTPUT -m conntrack --ctstate RELATED\nCOMMIT\n*filter\n-A OUTPUT -m conntrack --ctstate RELATED\nCOMMIT\n",
    }),
    sent: [udp("a", a, 1, addr("10.1.1.1"), 9)],
  },
  {
    name: "once an end has said goodbye any reset is believed",
    case: smallCase({ rules: states }),
    sent: [
      ...handshake,
      tcp("a", a, 1000, b, 80, ["FIN", "ACK"], 101, 501),
      tcp("b", b, 80, a, 1000, ["RST"], 900_000),
      tcp("a", a, 1000, b, 80, ["SYN"], 300),
    ],
  },
  {
    name: "of a connection met midway that opens anew only the one who answers may leave the windows",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["PSH", "ACK"], 50, 400, "midway"),
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 500, 101),
      tcp("a", a, 1000, b, 80, ["ACK"], 101, 501),
      tcp("a", a, 1000, b, 80, ["PSH", "ACK"], 101, 700, "x"),
      tcp("b", b, 80, a, 1000, ["PSH", "ACK"], 501, 900, "y"),
    ],
  },
  {
    name: "the reset of a frame that came through a bridge with rules goes straight back, past OUTPUT and translation",
    case: smallCase({
      rules:
        "*nat\n-A PREROUTING -d 10.96.0.1/32 -j DNAT --to-destination 10.1.1.2\nCOMMIT\n*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n",
      bridgeNfCallIptables: true,
    }),
    sent: [tcp("a", a, 1000, addr("10.96.0.1"), 80, ["SYN"], 100), tcp("b", b, 1000, a, 80, ["SYN"], 100)],
  },
  {
    name: "a packet of the host's own that is translated to where no route leads does not reach the filter",
    case: smallCase({
      rules: "*nat\n-A OUTPUT -p icmp -j DNAT --to-destination 192.0.2.1\nCOMMIT\n*filter\n-A OUTPUT -p icmp\nCOMMIT\n",
    }),
    sent: [udp("a", a, 1, addr("10.1.1.1"), 9)],
  },
  {
    name: "an acknowledgement that only asks back after a SYN is not taken for the last one",
    case: smallCase({ rules: states }),
    sent: [
      ...handshake,
      tcp("a", a, 1000, b, 80, ["FIN", "ACK"], 101, 501),
      tcp("b", b, 80, a, 1000, ["FIN", "ACK"], 501, 102),
      tcp("a", a, 1000, b, 80, ["SYN"], 130),
      tcp("b", b, 80, a, 1000, ["ACK"], 502, 131),
      tcp("b", b, 80, a, 1000, ["ACK"], 502, 131),
    ],
  },
  {
    name: "a reset that goes on where an acknowledgement said it would ends an opening out of step",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 500, 110),
      tcp("b", b, 80, a, 1000, ["PSH", "ACK"], 501, 117, "data"),
      tcp("a", a, 1000, b, 80, ["RST"], 117),
    ],
  },
  {
    name: "a reset that goes on elsewhere does not",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["PSH", "ACK"], 501, 117, "data"),
      tcp("a", a, 1000, b, 80, ["RST"], 109),
    ],
  },
  {
    name: "a connection whose ends both close it out of its window is soon forgotten",
    case: smallCase({ rules: states }),
    sent: [
      ...handshake,
      tcp("a", a, 1000, b, 80, ["FIN", "ACK"], 101, 600),
      tcp("b", b, 80, a, 1000, ["FIN", "ACK"], 501, 200),
    ],
  },
  {
    name: "a connection that a rule resets is closed",
    case: smallCase({
      rules: `*filter\n-A FORWARD -p tcp -m tcp --dport 80 -m conntrack --ctstate ESTABLISHED -j REJECT --reject-with tcp-reset\n${counted("NEW")}\n${counted("INVALID")}\nCOMMIT\n`,
    }),
    sent: [
      ...handshake,
      tcp("b", b, 80, a, 1000, ["PSH", "ACK"], 501, 101, "data"),
      tcp("a", a, 1000, b, 80, ["SYN"], 300),
      tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 900, 301),
    ],
  },
  {
    name: "the interface is looked at before a counting match, wherever it stands",
    case: smallCase({ rules: "*filter\n-A FORWARD -m statistic --mode nth --every 2 --packet 0 -i br0\nCOMMIT\n" }),
    sent: [
      udp("a", a, 1, b, 9),
      udp("b", b, 2, a, 9),
      udp("a", a, 3, b, 9),
      udp("b", b, 4, a, 9),
      udp("a", a, 5, b, 9),
    ],
  },
  {
    name: "an interface of any name is no condition at all",
    case: smallCase({ rules: "*filter\n-A FORWARD -i + -o + -p udp -j DROP\nCOMMIT\n" }),
    sent: [udp("a", a, 1, b, 9)],
  },
  {
    name: "an acknowledgement of the end that answered completes a simultaneous opening",
    case: smallCase({ rules: states }),
    sent: [
      tcp("b", b, 80, a, 1000, ["SYN"], 100),
      tcp("a", a, 1000, b, 80, ["SYN"], 500),
      tcp("b", b, 80, a, 1000, ["SYN", "ACK"], 101, 501),
      tcp("a", a, 1000, b, 80, ["PSH", "ACK"], 501, 101, "data"),
    ],
  },
  {
    name: "a frame that the rules of a bridge send elsewhere is dropped when its source cannot be",
    case: smallCase({
      rules: "*nat\n-A PREROUTING -d 10.96.0.1/32 -j DNAT --to-destination 10.1.0.3\nCOMMIT\n",
      bridgeNfCallIptables: true,
    }),
    sent: [
      udp("a", addr("224.0.0.1"), 1, addr("10.96.0.1"), 9),
      udp("a", addr("10.1.1.1"), 2, addr("10.96.0.1"), 9),
      udp("a", addr("127.0.0.1"), 3, addr("10.96.0.1"), 9),
    ],
  },
  {
    name: "a host without a route tells itself so when what it got came as from itself",
    case: smallCase({}),
    sent: everyPort.slice(0, 2).map(port => udp("a", addr("10.1.0.1"), port, addr("192.0.2.1"), 9)),
  },
  {
    name: "of what the rules of a bridge translate to the host itself, its service or its sender, the host decides",
    case: smallCase({
      bridgeNfCallIptables: true,
      hairpin: true,
      rules: table(
        "nat",
        "-A PREROUTING -d 10.96.0.1/32 -p udp -j DNAT --to-destination 10.1.0.1",
        "-A PREROUTING -d 10.96.0.2/32 -p udp -j DNAT --to-destination 10.1.0.2",
        "-A PREROUTING -d 10.1.0.3/32 -p udp -m udp --dport 7 -j DNAT --to-destination 10.1.0.1",
        "-A PREROUTING -d 10.1.0.3/32 -p udp -m udp --dport 8 -j DNAT --to-destination 10.1.1.2",
        "-A PREROUTING -d 10.1.0.3/32 -p udp -m udp --dport 6 -j DNAT --to-destination 10.1.0.2",
        "-A POSTROUTING -p udp -m udp --dport 5 -j MASQUERADE",
      ),
    }),
    sent: [
      udp("a", a, 1, addr("10.96.0.1"), 9),
      udp("a", a, 2, addr("10.96.0.2"), 9),
      udp("a", a, 3, addr("10.96.0.2"), 5),
      udp("a", a, 4, c, 7),
      udp("a", a, 5, c, 8),
      udp("a", a, 6, c, 6),
      udp("a", a, 7, c, 9),
      udp("a", a, 8, c, 9, 1),
    ],
  },
  {
    name: "of what the rules of a bridge send back where it came from a port without hairpin lets nothing out",
    case: smallCase({
      bridgeNfCallIptables: true,
      rules: table(
        "nat",
        "-A PREROUTING -d 10.96.0.2/32 -p udp -j DNAT --to-destination 10.1.0.2",
        "-A PREROUTING -d 10.1.0.3/32 -p udp -m udp --dport 6 -j DNAT --to-destination 10.1.0.2",
      ),
    }),
    sent: [
      udp("a", a, 2, addr("10.96.0.2"), 9),
      udp("a", a, 6, c, 6),
      udp("c", c, 7, a, 6),
      udp("b", b, 8, addr("10.96.0.2"), 6),
    ],
  },
  {
    name: "a reset elsewhere ends a connection that is not assured yet",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["ACK"], 5000, 0xffffffe0),
      tcp("b", b, 80, a, 1000, ["PSH", "ACK"], 0xffffffe0, 5000, "data"),
      tcp("b", b, 80, a, 1000, ["RST", "ACK"], 0xffffffe5, 5000),
      tcp("a", a, 1000, b, 80, ["ACK"], 5000, 0xffffffe4),
    ],
  },
  {
    name: "of two sequence numbers half of all apart each comes after the other",
    case: smallCase({ rules: states }),
    sent: [
      tcp("b", b, 80, a, 1000, ["ACK"], 0xffffffdf, 0xfffeff20),
      tcp("a", a, 1000, b, 80, ["PSH", "ACK"], 0xfffffff0, 0, "pieces!"),
      tcp("a", a, 1000, b, 80, ["ACK"], 0x7ffffff7, 0xffffffdf),
    ],
  },
  {
    name: "a reset acknowledges both a SYN and a FIN of one segment",
    case: smallCase({ rules: table("filter", "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset") }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN", "FIN"], 500),
      tcp("a", a, 1001, b, 80, ["SYN", "FIN"], 0xffffffff, 0, "data"),
      tcp("a", a, 1002, addr("10.1.0.1"), 80, ["FIN"], 500, 0, "data"),
      tcp("a", a, 1003, addr("10.1.0.1"), 80, ["SYN", "FIN"], 500),
    ],
  },
  {
    name: "the same acknowledgement again and again makes a connection forgotten sooner",
    case: smallCase({ rules: states }),
    sent: [
      ...handshake,
      ...[1, 2, 3, 4, 5].map(() => tcp("b", b, 80, a, 1000, ["ACK"], 501, 101)),
      // Another connection, in which each differs from the one before.
      ...handshake.map(({ host, packet }) => ({
        host,
        packet: { ...packet, ...(host === "a" ? { sport: 1001 } : { dport: 1001 }) },
      })),
      tcp("b", b, 80, a, 1001, ["PSH", "ACK"], 501, 101, "1"),
      tcp("a", a, 1001, b, 80, ["ACK"], 101, 502),
      tcp("b", b, 80, a, 1001, ["ACK"], 502, 101),
      tcp("a", a, 1001, b, 80, ["ACK"], 101, 502),
      tcp("b", b, 80, a, 1001, ["ACK"], 502, 101),
      tcp("a", a, 1001, b, 80, ["ACK"], 101, 502),
      // And one in which four are the same, not five.
      ...handshake.map(({ host, packet }) => ({
        host,
        packet: { ...packet, ...(host === "a" ? { sport: 1002 } : { dport: 1002 }) },
      })),
      ...[1, 2, 3].map(() => tcp("b", b, 80, a, 1002, ["ACK"], 501, 101)),
    ],
  },
  {
    name: "a port that is taken is given up for one of its own class",
    case: smallCase({ rules: table("nat", "-A POSTROUTING -o lan1 -j SNAT --to-source 10.1.1.1") }),
    sent: [511, 512, 1023, 1024, 65535, 1, 0].flatMap(port => [
      udp("a", a, port, b, 9),
      udp("a", addr("10.1.0.7"), port, b, 9),
      echo("a", a, b, port),
      echo("a", addr("10.1.0.7"), b, port),
    ]),
  },
  {
    name: "what comes from 0.0.0.0 to 0.0.0.0 is for the host that gets it and is answered by none",
    case: smallCase({
      rules: `${states}${table(
        "mangle",
        "-A INPUT -m addrtype --dst-type BROADCAST",
        "-A INPUT -m addrtype --src-type BROADCAST",
        "-A INPUT -m addrtype --dst-type LOCAL",
        "-A PREROUTING -m addrtype --src-type BROADCAST",
      )}`,
    }),
    sent: [
      tcp("a", addr("0.0.0.0"), 1000, addr("0.0.0.0"), 80, ["SYN"], 100),
      udp("b", addr("0.0.0.0"), 1000, addr("0.0.0.0"), 9),
      echo("b", addr("0.0.0.0"), addr("0.0.0.0"), 7),
      udp("b", addr("0.1.2.3"), 1000, a, 9),
    ],
  },
  {
    name: "an answer to all goes out where its source is",
    case: smallCase({ rules: states }),
    sent: [
      { ...tcp("r", addr("255.255.255.255"), 1000, addr("10.1.1.1"), 80, ["SYN"], 100), program: true },
      { ...tcp("r", addr("255.255.255.255"), 1001, addr("10.1.0.1"), 80, ["ACK"], 100, 5), program: true },
      { ...tcp("r", addr("224.0.0.1"), 1002, addr("10.1.1.1"), 80, ["SYN"], 100), program: true },
    ],
  },
  {
    name: "a connection of a frame for many is known before it comes up from a bridge with rules",
    case: smallCase({
      bridgeNfCallIptables: true,
      rules:
        table(
          "nat",
          "-A INPUT -d 255.255.255.255/32 -p udp -j SNAT --to-source 10.1.0.1",
          "-A INPUT -d 255.255.255.255/32 -p icmp",
        ) + table("filter", "-A FORWARD -p icmp -j DROP", "-A FORWARD -p udp -m udp --dport 9 -j DROP"),
    }),
    sent: [1, 2, 3].flatMap(() => [
      echo("a", a, addr("255.255.255.255"), 7),
      udp("a", a, 1000, addr("255.255.255.255"), 9),
      udp("a", a, 1000, addr("255.255.255.255"), 10),
      udp("a", a, 1000, addr("224.0.0.1"), 11),
    ]),
  },
  {
    name: "what a program sends to 0.0.0.0 is for its own host, which answers from the address of the way back",
    case: smallCase({ rules: states + table("nat", "-A POSTROUTING -p icmp") }),
    sent: [
      { ...tcp("r", address.a, 1000, addr("0.0.0.0"), 80, ["SYN"], 100), program: true },
      { ...udp("r", address.b, 1000, addr("0.0.0.0"), 9), program: true },
      { ...udp("r", addr("10.1.0.1"), 1000, addr("0.0.0.0"), 9), program: true },
      { ...echo("r", address.b, addr("0.0.0.0"), 7), program: true },
    ],
  },
  {
    name: "what the rules of a bridge send elsewhere along it is dropped on a host that does not forward",
    case: smallCase({
      bridgeNfCallIptables: true,
      hairpin: true,
      forwarding: false,
      rules: table(
        "nat",
        "-A PREROUTING -d 10.1.0.3/32 -p udp -m udp --dport 6 -j DNAT --to-destination 10.1.0.2",
        "-A PREROUTING -d 10.96.0.1/32 -p udp -j DNAT --to-destination 10.1.0.3",
        "-A PREROUTING -d 10.96.0.2/32 -p udp -j DNAT --to-destination 10.1.0.1",
      ),
    }),
    sent: [
      udp("a", a, 1, c, 6),
      udp("a", a, 2, c, 7),
      udp("a", a, 3, addr("10.96.0.1"), 7),
      udp("a", a, 4, addr("10.96.0.2"), 7),
      udp("c", c, 5, a, 7),
    ],
  },
  {
    name: "of a raw packet of its own the host asks its rules whatever its source",
    case: smallCase({ rules: table("mangle", "-A OUTPUT -p udp", "-A OUTPUT -s 127.0.0.0/8 -j DROP") }),
    sent: [
      { ...udp("r", addr("127.0.0.1"), 1, b, 9), program: true },
      { ...udp("r", addr("10.99.0.1"), 2, b, 9), program: true },
      { ...udp("r", addr("10.1.0.1"), 3, addr("10.1.0.255"), 9), program: true },
    ],
  },
  {
    name: "an error of the host's own that is translated to go from 127.0.0.1 onto a link does not reach the filter",
    case: smallCase({
      rules: table("nat", "-A POSTROUTING -p udp -j SNAT --to-source 10.1.0.1") + table("filter", "-A OUTPUT -p icmp"),
    }),
    sent: [{ ...udp("r", addr("10.1.0.77"), 1, addr("127.0.0.1"), 9), program: true }],
  },
  {
    name: "what NAT gave a source in 127.0.0.0/8 arrives at a neighbour that is known",
    case: smallCase({ rules: table("nat", "-A POSTROUTING -p udp -j SNAT --to-source 127.0.0.5") }),
    sent: [udp("a", a, 1, b, 9), udp("b", b, 2, a, 9), { ...udp("r", addr("10.1.0.1"), 3, c, 9), program: true }],
  },
  {
    name: "a connection met midway is remembered for 300 s until an acknowledgement has fitted its windows",
    case: smallCase({ rules: table("nat", "-A POSTROUTING -p udp -j MASQUERADE") }),
    sent: [
      tcp("b", b, 80, a, 1000, ["ACK"], 2 ** 31, 2 ** 31 + 1000),
      tcp("a", a, 1000, b, 80, ["ACK"], 2 ** 31, 1000, "hello"),
      tcp("a", a, 1000, b, 80, ["ACK"], 2, 2 ** 31 + 2, "x"),
      tcp("a", a, 1001, b, 80, ["ACK"], 831424552, 2978907201),
      tcp("b", b, 80, a, 1001, ["ACK"], 2978907201, 2978908200, "x"),
      tcp("b", b, 80, a, 1001, ["ACK"], 2978907201, 2978907201, "hello"),
    ],
  },
  {
    name: "a SYN from both ends is remembered for two minutes, whatever the sysctls",
    case: smallCase({
      rules: table("nat", "-A POSTROUTING -p udp -j MASQUERADE"),
      conntrackTimeouts: { tcp_timeout_syn_sent: 4, tcp_timeout_syn_recv: 7 },
    }),
    sent: [
      tcp("a", a, 33000, b, 600, ["SYN"], 100),
      tcp("b", b, 600, a, 33000, ["SYN"], 200),
      tcp("b", b, 600, a, 33000, ["SYN"], 200),
    ],
  },
  {
    name: "a reset for a frame to a group goes straight back where it came through a bridge with rules",
    case: smallCase({
      bridgeNfCallIptables: true,
      hairpin: true,
      rules: table("filter", "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset"),
    }),
    sent: [tcp("a", a, 1000, addr("239.1.2.3"), 80, ["SYN"], 100), tcp("a", a, 1000, b, 80, ["SYN"], 100)],
  },
  {
    name: "a packet of the host's own that the mangle table marks finds its way again, and from 127.0.0.1 none onto a link",
    case: smallCase({
      rules:
        table("mangle", "-A OUTPUT -p udp -j MARK --set-xmark 0x1/0xffffffff") +
        table("nat", "-A OUTPUT -p tcp -j MARK --set-xmark 0x1/0xffffffff") +
        table("filter", "-A OUTPUT -p udp", "-A OUTPUT -p tcp"),
    }),
    sent: [
      { ...udp("r", addr("127.0.0.1"), 1, b, 9), program: true },
      { ...udp("r", addr("10.99.0.1"), 2, b, 9), program: true },
      { ...udp("r", addr("127.0.0.1"), 3, addr("127.0.0.2"), 9), program: true },
      { ...tcp("r", addr("127.0.0.1"), 4, b, 80, ["SYN"], 100), program: true },
    ],
  },
  {
    name: "what leaves by the loopback is masqueraded as the first address of the first interface that has one",
    case: withAddress(smallCase({ rules: table("nat", "-A POSTROUTING -p udp -j MASQUERADE") }), "10.1.100.1"),
    sent: [
      { ...udp("r", addr("10.1.1.1"), 1, addr("10.1.0.1"), 9), program: true },
      { ...udp("r", addr("10.1.1.1"), 2, addr("10.1.100.1"), 9), program: true },
      { ...udp("r", addr("10.1.0.1"), 3, addr("10.1.1.1"), 9), program: true },
      { ...udp("r", addr("10.1.100.1"), 4, addr("0.0.0.0"), 9), program: true },
    ],
  },
  {
    name: "what a host says to 0.0.0.0, the name by which a connection was asked for, it says to itself",
    case: smallCase({ rules: table("nat", "-A OUTPUT -d 0.0.0.0/32 -j DNAT --to-destination 10.1.1.2") }),
    sent: [
      { ...tcp("r", addr("10.1.1.1"), 1000, addr("0.0.0.0"), 80, ["SYN"], 100), program: true },
      tcp("b", b, 80, addr("10.1.1.1"), 1000, ["SYN", "ACK"], 500, 101),
      { ...udp("r", addr("10.1.1.1"), 1000, addr("0.0.0.0"), 80), program: true },
      udp("b", b, 80, addr("10.1.1.1"), 1000),
    ],
  },
  {
    name: "once both ends have sent a SYN a reset does not end the opening by going on where an acknowledgement said",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["SYN"], 70000),
      tcp("b", b, 80, a, 1000, ["ACK"], 2 ** 31, 90000),
      tcp("a", a, 1000, b, 80, ["RST"], 90000),
    ],
  },
  {
    name: "a reset may go on where an acknowledgement of its own sender said, but answers no SYN of its own sender",
    case: smallCase({ rules: states }),
    sent: [
      tcp("a", a, 1000, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1000, ["ACK"], 5, 2 ** 31),
      tcp("b", b, 80, a, 1000, ["RST", "ACK"], 2 ** 31, 7),
      tcp("a", a, 1001, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1001, ["SYN"], 70000),
      tcp("b", b, 80, a, 1001, ["RST"], 3 * 10 ** 9),
      tcp("a", a, 1002, b, 80, ["SYN"], 100),
      tcp("b", b, 80, a, 1002, ["SYN"], 70000),
      tcp("a", a, 1002, b, 80, ["RST"], 3 * 10 ** 9),
    ],
  },
  {
    name: "what a host says from 127.0.0.0/8 to all or to a group it says to itself",
    case: smallCase({ rules: table("mangle", "-A OUTPUT -p icmp", "-A INPUT -p icmp") }),
    sent: ["255.255.255.255", "224.0.0.1", "239.1.2.3"].map(from => ({
      ...echo("r", addr(from), addr("127.1.2.3"), 7),
      program: true,
    })),
  },
  {
    name: "a connection to a group is not reset, and so not closed, by the rule that refuses it",
    case: smallCase({ rules: table("filter", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset", counted("NEW")) }),
    sent: [
      tcp("b", b, 1000, addr("224.0.0.1"), 80, ["SYN"], 100),
      tcp("b", b, 1001, addr("10.1.1.1"), 80, ["SYN"], 100),
      tcp("b", addr("192.0.2.9"), 1002, addr("10.1.1.1"), 80, ["SYN"], 100),
    ],
  },
  {
    name: "what a bridge's rules turn to the router, to all or to a group goes up from there",
    case: smallCase({
      bridgeNfCallIptables: true,
      rules: table(
        "nat",
        ...["10.1.0.1", "10.1.0.255", "224.0.0.5", "255.255.255.255"].map(
          (to, index) => `-A PREROUTING -p udp --dport ${53 + index} -j DNAT --to-destination ${to}`,
        ),
      ),
    }),
    sent: [53, 54, 55, 56].map(port => udp("a", a, 1000 + port, c, port)),
  },
  {
    name: "what a bridge's rules turn to a place behind a neighbour goes out to that neighbour",
    case: changed(
      smallCase({
        bridgeNfCallIptables: true,
        rules: table("nat", "-A PREROUTING -p udp -j DNAT --to-destination 192.0.2.7"),
      }),
      host => ({ ...host, routes: [...host.routes, { to: cidr("192.0.2.0/24"), via: c, dev: "br0" }] }),
    ),
    sent: [udp("a", a, 1000, addr("10.1.0.99"), 53), udp("a", a, 1001, b, 53), udp("a", a, 1002, c, 53)],
  },
  {
    name: "a host's own segment to all or to a group is not reset by the rule that refuses it",
    case: smallCase({ rules: table("filter", "-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset") }),
    sent: ["10.1.0.255", "224.0.0.1", "255.255.255.255", "10.1.0.2"].map((to, index) => ({
      ...tcp("r", addr("10.1.0.1"), 1000 + index, addr(to), 80, ["SYN"], 100),
      program: true,
    })),
  },
  {
    name: "what a host says to all comes back to it by the interface that it went out by",
    case: smallCase({
      rules: table(
        "mangle",
        ...["br0", "lan1", "lo"].flatMap(name => [
          `-A PREROUTING -i ${name}`,
          `-A POSTROUTING -o ${name}`,
          `-A INPUT -i ${name}`,
        ]),
      ),
    }),
    sent: ["10.1.0.255", "10.1.1.255", "224.0.0.1"].map((to, index) => ({
      ...udp("r", addr(index === 1 ? "10.1.1.1" : "10.1.0.1"), 1000 + index, addr(to), 9),
      program: true,
    })),
  },
  {
    name: "a router tells a source five times that there is no way, then once more for each second",
    case: smallCase({}),
    sent: [
      ...everyPort.map(port => udp("a", a, 1000 + port, addr("203.0.113.9"), 53)),
      ...everyPort.map(port => ({
        ...udp("a", a, 2000 + port, addr("203.0.113.9"), 53),
        ...(port % 4 === 1 && { wait: 2.3 }),
      })),
    ],
  },
  {
    name: "what windows and acknowledgements just allow, and what they just do not",
    case: tracked,
    sent: [
      ...from(1001, ["a", "SYN", 2], ["b", "RST,ACK", 1, 2147483649], ["a", "RST", 1]),
      ...from(1002, ["a", "SYN", 2519612572], ["b", "RST,ACK", 372128925, 2519612574]),
      ...from(1003, ["a", "ACK", 65951, 65951, "x"], ["b", "ACK", 50, 4294967247, "hello"]),
      ...from(1004, ["a", "SYN", 64240], ["b", "SYN,ACK", 0, 0], ["a", "RST,ACK", 64241, 0]),
      ...from(
        1005,
        ["a", "ACK", 1544678629, 3692098038, "x"],
        ["b", "ACK", 1544680390, 1544614387],
        ["a", "RST,ACK", 1544680390, 1544680389],
      ),
      ...from(
        1006,
        ["a", "ACK", 3051351609, 903867860],
        ["b", "SYN,ACK", 3051351509, 3051351511],
        ["a", "ACK", 3051351509, 3051417510, "hello"],
      ),
      ...from(
        1007,
        ["a", "ACK", 3949365330, 3949365428],
        ["a", "SYN", 3949365428],
        ["b", "SYN,ACK", 3949365330, 3949365429],
        ["a", "ACK", 3949365428, 3949365330, "hello"],
      ),
    ],
  },
  {
    name: "a connection that nobody translated keeps its port though it is over",
    case: smallCase({ rules: table("nat", "-A POSTROUTING -p tcp -s 10.1.0.0/24 -j MASQUERADE --to-ports 2000") }),
    sent: [
      { ...tcp("r", addr("10.1.1.1"), 2000, b, 80, ["SYN"], 100), program: true },
      tcp("b", b, 80, addr("10.1.1.1"), 2000, ["SYN", "ACK"], 500, 101), // r itself knows of none, and resets it
      tcp("a", a, 1000, b, 80, ["SYN"], 5000),
    ],
  },
  ...[11, 12, 13, 14].map(seed => ({
    name: `TCP segments at random, ${seed}`,
    case: tracked,
    sent: randomSegments(seed, 80),
  })),
];
