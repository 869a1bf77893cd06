import { type Addr, formatAddr } from "../ip/addr.js";
import { emitPacket, tcpWindow } from "../packet/emit.js";
import type { IcmpEcho, IcmpError, Packet, Tcp, TcpFlag, Udp } from "../packet/packet.js";
import { packetLength } from "../packet/packet.js";
import { type Timed, linkTypes } from "../packet/pcap.js";

/** A packet to print: where `any` was listened to, its interface and direction show, as in tcpdump from 4.99 on. */
export interface TcpdumpPacket extends Timed {
  readonly interface?: string;
  readonly direction?: "in" | "out";
}

/** How tcpdump prints addresses and ports. */
export interface TcpdumpNames {
  /** `-n`, `-nn`: addresses and ports stay numbers. Otherwise the host's own addresses show as its name, known ports by theirs. */
  readonly numeric?: boolean;
  /** The host's own addresses; nothing else resolves. */
  readonly own?: { readonly name: string; readonly addresses: readonly Addr[] };
}

/** How tcpdump is asked to print. */
export interface TcpdumpOptions extends TcpdumpNames {
  /** The interface it listens on, for the heading; `any` for all of the host's. */
  readonly interface: string;
  /** `-w`: the packets go to a file, and only the heading and the counts show. */
  readonly writes?: boolean;
  /** Print the two heading lines. Default true. */
  readonly heading?: boolean;
  /**
   * How it ended: not yet (`running`, the default); it had its fill (`full`); `^C` reached it (`interrupted`), and it
   * counts like one that is full; or `^C` ended only the kubectl in front of it (`cut`), and no counts come back.
   */
  readonly end?: "running" | "full" | "interrupted" | "cut";
}

const wellKnown: Readonly<Record<number, string>> = { 22: "ssh", 53: "domain", 80: "http", 443: "https" };
const httpPorts = [80, 3128, 8080];

/** Turns addresses and ports into text. */
interface Naming {
  readonly host: (address: Addr) => string;
  readonly port: (port: number) => string;
}

const naming = (options: TcpdumpNames): Naming => {
  if (options.numeric === true) return { host: formatAddr, port: String };
  const own = new Set(options.own?.addresses);
  return {
    host: address => (own.has(address) ? options.own!.name : formatAddr(address)),
    port: port => wellKnown[port] ?? String(port),
  };
};

/** Where each TCP conversation started, so that later numbers print relative to it, as tcpdump keeps it. */
type Starts = Map<string, { readonly from: string; readonly seq: number; readonly ack: number }>;

const sequences = (packet: Tcp, starts: Starts): { readonly seq: number; readonly ack: number } => {
  const { seq, ack } = packet;
  if (!packet.flags.includes("ACK")) return { seq, ack };
  const ends = [`${packet.src}:${packet.sport}`, `${packet.dst}:${packet.dport}`] as const;
  const key = [...ends].sort().join(" ");
  const start = starts.get(key);
  if (start === undefined || packet.flags.includes("SYN")) {
    starts.set(key, { from: ends[0], seq, ack: ack - 1 });
    return { seq, ack };
  }
  const [mine, theirs] = start.from === ends[0] ? [start.seq, start.ack] : [start.ack, start.seq];
  return { seq: (seq - mine) >>> 0, ack: (ack - theirs) >>> 0 };
};

const letters: readonly (readonly [TcpFlag, string])[] = [
  ["FIN", "F"],
  ["SYN", "S"],
  ["RST", "R"],
  ["PSH", "P"],
  ["ACK", "."],
];
const formatFlags = (flags: readonly TcpFlag[]): string =>
  letters
    .filter(([flag]) => flags.includes(flag))
    .map(([, letter]) => letter)
    .join("") || "none";

const firstLine = (payload: string): string => {
  const line = payload.split(/\r?\n/, 1)[0]!;
  return /^(?:(?:GET|PUT|POST|HEAD|DELETE|OPTIONS|TRACE|CONNECT|PATCH) |HTTP\/\S+ \d)/.test(line)
    ? `: HTTP: ${line}`
    : ": HTTP";
};

const formatTcp = (packet: Tcp, names: Naming, starts: Starts): string => {
  const { flags, payload } = packet;
  const { seq, ack } = sequences(packet, starts);
  const data = payload.length;
  const shows = data > 0 || flags.some(flag => flag === "SYN" || flag === "FIN" || flag === "RST");
  const parts = [
    `Flags [${formatFlags(flags)}]`,
    ...(shows ? [`seq ${seq}${data > 0 ? `:${(seq + data) >>> 0}` : ""}`] : []),
    ...(flags.includes("ACK") ? [`ack ${ack}`] : []),
    `win ${tcpWindow(packet)}`,
    `length ${data}`,
  ];
  const http =
    data > 0 && [packet.sport, packet.dport].some(port => httpPorts.includes(port)) ? firstLine(payload) : "";
  return `${names.host(packet.src)}.${names.port(packet.sport)} > ${names.host(packet.dst)}.${names.port(packet.dport)}: ${parts.join(", ")}${http}`;
};

const formatUdp = (packet: Udp, names: Naming): string =>
  `${names.host(packet.src)}.${names.port(packet.sport)} > ${names.host(packet.dst)}.${names.port(packet.dport)}: UDP, length ${packet.payload.length}`;

/** The two bytes where TCP and UDP have their destination port: tcpdump takes them for one whatever the protocol. */
const bytesOfPort = (echo: IcmpEcho): number => {
  const bytes = emitPacket(echo);
  return bytes[22]! * 256 + bytes[23]!;
};

const formatPortUnreachable = (quoted: IcmpError["quoted"], names: Naming): string => {
  const host = names.host(quoted.dst);
  return quoted.proto === "icmp"
    ? `${host} protocol 1 port ${bytesOfPort(quoted)} unreachable`
    : `${host} ${quoted.proto} port ${names.port(quoted.dport)} unreachable`;
};

const protocolNumber = { icmp: 1, tcp: 6, udp: 17 } as const;

const formatError = (packet: IcmpError, names: Naming): string => {
  if (packet.type === "time-exceeded") return "time exceeded in-transit";
  const host = names.host(packet.quoted.dst);
  switch (packet.code) {
    case 0:
      return `net ${host} unreachable`;
    case 2:
      return `${host} protocol ${protocolNumber[packet.quoted.proto]} unreachable`;
    case 3:
      return formatPortUnreachable(packet.quoted, names);
    case 9:
      return `net ${host} unreachable - admin prohibited`;
    case 10:
      return `host ${host} unreachable - admin prohibited`;
    case 13:
      return `host ${host} unreachable - admin prohibited filter`;
    default:
      return `host ${host} unreachable`;
  }
};

const formatIcmp = (packet: IcmpEcho | IcmpError, names: Naming): string => {
  const about =
    "quoted" in packet
      ? formatError(packet, names)
      : `${packet.type.replace("-", " ")}, id ${packet.id}, seq ${packet.seq & 0xffff}`;
  return `${names.host(packet.src)} > ${names.host(packet.dst)}: ICMP ${about}, length ${packetLength(packet) - 20}`;
};

const formatPacket = (packet: Packet, names: Naming, starts: Starts): string => {
  switch (packet.proto) {
    case "icmp":
      return formatIcmp(packet, names);
    case "tcp":
      return formatTcp(packet, names, starts);
    case "udp":
      return formatUdp(packet, names);
  }
};

/** The time of day in UTC with microseconds: `22:11:58.729044`. */
const clock = (time: number): string => {
  const micros = Math.round(time * 1e6);
  return `${new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(11, 19)}.${String(micros % 1e6).padStart(6, "0")}`;
};

const linkTypeName = (linkType: number): string =>
  linkType === linkTypes.cooked ? "LINUX_SLL2 (Linux cooked v2)" : "EN10MB (Ethernet)";

const packetLines = (packets: readonly TcpdumpPacket[], linkType: number, options: TcpdumpNames): readonly string[] => {
  const names = naming(options);
  const starts: Starts = new Map();
  const link = ({ interface: name = "?", direction }: TcpdumpPacket): string =>
    linkType === linkTypes.cooked ? `${name.padEnd(5)} ${direction === "out" ? "Out" : "In "} ` : "";
  return packets.map(seen => `${clock(seen.time)} ${link(seen)}IP ${formatPacket(seen.packet, names, starts)}`);
};

const headingLines = (name: string, linkType: number, writes: boolean): readonly string[] => {
  const listening = `listening on ${name}, link-type ${linkTypeName(linkType)}, capture size 262144 bytes`;
  return writes
    ? [`tcpdump: ${listening}`]
    : ["tcpdump: verbose output suppressed, use -v or -vv for full protocol decode", listening];
};

const closingLines = (count: number, end: TcpdumpOptions["end"], writes: boolean): readonly string[] => {
  const packets = count === 1 ? "1 packet" : `${count} packets`;
  const captured = `${packets} captured`;
  const others = [`${packets} received by filter`, "0 packets dropped by kernel"];
  switch (end) {
    case "full":
      return [captured, ...others];
    case "interrupted": // only where it prints packets does tcpdump begin a line after ^C
      return writes ? [`^C${captured}`, ...others] : ["^C", captured, ...others];
    case "cut":
      return ["^C"];
    default:
      return [];
  }
};

/** Captured packets as tcpdump prints them, a line each, between its heading and its counts. Times are UTC. */
export const printTcpdump = (packets: readonly TcpdumpPacket[], options: TcpdumpOptions): string => {
  const { interface: name, heading = true, writes = false } = options;
  const linkType = name === "any" ? linkTypes.cooked : linkTypes.ethernet;
  return [
    ...(heading ? headingLines(name, linkType, writes) : []),
    ...(writes ? [] : packetLines(packets, linkType, options)),
    ...closingLines(packets.length, options.end, writes),
  ].join("\n");
};

/** What `tcpdump -r` prints of a file: its name and link type, then the packets as {@link printTcpdump} does. */
export const printTcpdumpFile = (
  file: string,
  linkType: number,
  packets: readonly TcpdumpPacket[],
  options: TcpdumpNames = {},
): string =>
  [`reading from file ${file}, link-type ${linkTypeName(linkType)}`, ...packetLines(packets, linkType, options)].join(
    "\n",
  );
