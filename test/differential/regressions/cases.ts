import { addr } from "../../../lib/ip/addr.js";
import type { Case, Sent } from "../generate.js";
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

export const regressions: readonly Regression[] = [
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
];
