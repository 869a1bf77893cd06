import { type Addr, formatAddr } from "../ip/addr.js";
import { emitPacket } from "../packet/emit.js";
import { etherTypes, linkTypeName, linkTypes, packetTypes } from "../packet/link.js";
import type { Packet } from "../packet/packet.js";
import type { PcapRecord, Timed, Wire } from "../packet/pcap.js";
import { serviceName } from "../packet/portNames.js";
import { formatPacket, type Naming, type PacketForm } from "./tcpdumpPacket.js";

/** A packet to print: where `any` was listened to, its interface and direction show, as in tcpdump from 4.99 on. */
export interface TcpdumpPacket extends Timed {
  readonly interface?: string;
  readonly direction?: "in" | "out";
}

/** A frame of a file to print, with what its host calls the interface that saw it. */
export interface TcpdumpFrame extends PcapRecord {
  readonly interface?: string;
}

/** How tcpdump prints packets. */
export interface TcpdumpForm {
  /** `-n`, `-nn`: addresses and ports stay numbers. Otherwise the host's own addresses show as its name, known ports by theirs. */
  readonly numeric?: boolean;
  /** `-q`: less of each packet, no more than its protocol and length. */
  readonly quiet?: boolean;
  /** The host's own addresses; nothing else resolves. */
  readonly own?: { readonly name: string; readonly addresses: readonly Addr[] };
}

/** How tcpdump is asked to print. */
export interface TcpdumpOptions extends TcpdumpForm {
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

/** IP protocols whose name tcpdump shows for a later fragment, without `-n`. */
const protocolNames: Readonly<Record<number, string>> = { 1: "icmp", 2: "igmp", 6: "tcp", 17: "udp" };

const naming = (form: TcpdumpForm): Naming => {
  if (form.numeric === true) return { host: formatAddr, port: String, protocol: () => undefined };
  const own = new Set(form.own?.addresses);
  return {
    host: address => (own.has(address) ? form.own!.name : formatAddr(address)),
    port: (port, proto) => serviceName(port, proto) ?? String(port),
    protocol: number => protocolNames[number],
  };
};

const packetForm = (form: TcpdumpForm): PacketForm => ({
  names: naming(form),
  quiet: form.quiet === true,
  starts: new Map(),
});

/** The time of day in UTC with microseconds: `22:11:58.729044`. */
const clock = (time: number): string => {
  const micros = Math.round(time * 1e6);
  const seconds = (((Math.floor(micros / 1e6) % 86_400) + 86_400) % 86_400) * 1000;
  return `${new Date(seconds).toISOString().slice(11, 19)}.${String(((micros % 1e6) + 1e6) % 1e6).padStart(6, "0")}`;
};

const packetTypeNames: Readonly<Record<number, string>> = {
  [packetTypes.toUs]: "In",
  [packetTypes.broadcast]: "B",
  [packetTypes.multicast]: "M",
  [packetTypes.other]: "P",
  [packetTypes.outgoing]: "Out",
};

/** What stands before a packet that `any` saw. */
const seenAt = (name: string | undefined, packetType: number): string =>
  `${(name ?? "?").padEnd(5)} ${(packetTypeNames[packetType] ?? "?").padEnd(3)} `;

const wireOf = (packet: Packet): Wire => {
  const bytes = emitPacket(packet);
  return { bytes, length: bytes.length };
};

const packetLines = (packets: readonly TcpdumpPacket[], any: boolean, form: PacketForm): readonly string[] =>
  packets.map(({ time, packet, wire, interface: name, direction }) => {
    const link = any ? seenAt(name, direction === "out" ? packetTypes.outgoing : packetTypes.toUs) : "";
    return `${clock(time)} ${link}${formatPacket(etherTypes.ipv4, wire ?? wireOf(packet), form)}`;
  });

/** The name of a link header that is cut. */
const cutLinks: Readonly<Record<number, string>> = {
  [linkTypes.null]: "null",
  [linkTypes.loop]: "null",
  [linkTypes.ethernet]: "ether",
  [linkTypes.cookedV1]: "sll",
  [linkTypes.cooked]: "sll2",
};

const frameAtMost = 262144;

/** What makes a record no frame. */
const invalid = ({ frame, length }: PcapRecord): string | undefined => {
  const kept = frame.length;
  const problems = [
    ...(kept === 0 ? ["caplen==0"] : []),
    ...(length === 0 ? ["len==0"] : length < kept ? [`len(${length}) < caplen(${kept})`] : []),
    ...(length > frameAtMost ? [`len(${length}) > ${frameAtMost}`] : []),
  ];
  return problems.length === 0 ? undefined : `[Invalid header: ${problems.join(", ")}]`;
};

const rawTypes: readonly number[] = [linkTypes.raw, linkTypes.rawBsd, linkTypes.rawOpenBsd, linkTypes.rawIpv4];
const cookedTypes: readonly number[] = [linkTypes.cookedV1, linkTypes.cooked];

/** What a frame carries as tcpdump prints it, by its link type; undefined for what is not read here. */
const formatFrame = (linkType: number, frame: TcpdumpFrame, form: PacketForm): string | undefined => {
  const { link, wire } = frame;
  if (link === undefined || wire === undefined) return ` [|${cutLinks[linkType] ?? "ip"}]`;
  const version = frame.frame[0]! >> 4;
  if (rawTypes.includes(linkType) && version !== 4 && version !== 6) return `unknown ip ${version}`;
  const cooked = cookedTypes.includes(linkType);
  if (cooked && link.vlans > 1) return undefined;
  const packet = formatPacket(link.network, wire, form);
  if (packet === undefined) return undefined;
  const type =
    cooked && link.vlans > 0 && !form.quiet ? `ethertype ${packet.slice(0, 2) === "IP" ? "IPv4" : "ARP"}, ` : "";
  return `${linkType === linkTypes.cooked ? seenAt(frame.interface, link.packetType!) : ""}${type}${packet}`;
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
    ...(writes ? [] : packetLines(packets, linkType === linkTypes.cooked, packetForm(options))),
    ...closingLines(packets.length, options.end, writes),
  ].join("\n");
};

/**
 * What `tcpdump -r` prints of a file: its name and link type, then its frames, then how many of them this program does
 * not read. Payloads are told by their length, except for HTTP's first lines.
 */
export const printTcpdumpFile = (
  file: string,
  linkType: number,
  frames: readonly TcpdumpFrame[],
  options: TcpdumpForm = {},
): string => {
  const form = packetForm(options);
  const lines = frames.map(frame => {
    const problem = invalid(frame);
    if (problem !== undefined) return problem;
    const printed = formatFrame(linkType, frame, form);
    return printed === undefined ? undefined : `${clock(frame.time)} ${printed}`;
  });
  const unread = lines.filter(line => line === undefined).length;
  return [
    `reading from file ${file}, link-type ${linkTypeName(linkType)}`,
    ...lines.filter(line => line !== undefined),
    ...(unread === 0 ? [] : [`tcpdump: frames left out, as their kind is not read here: ${unread}`]),
  ].join("\n");
};
