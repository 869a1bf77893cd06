import { InputError } from "../errors.js";
import type { Addr } from "../ip/addr.js";
import { emitPacket, parsePacket } from "./emit.js";
import type { Packet } from "./packet.js";

/** A packet with the time at which it was seen: seconds since the epoch. */
export interface Timed {
  readonly time: number;
  readonly packet: Packet;
}

/** A packet as a capture on Linux's `any` device has it: with the interface that saw it and which way it went. */
export interface CookedPacket extends Timed {
  readonly direction: "in" | "out";
  /** The number of the interface on its host, from 1. */
  readonly interfaceIndex: number;
}

/** What a capture file says of one frame. */
export interface PcapRecord {
  /** Seconds since the epoch. */
  readonly time: number;
  /** The bytes that were kept, link header included. */
  readonly frame: Uint8Array;
  /** Bytes that the frame had on the wire. */
  readonly length: number;
  /** The packet in it; absent for ARP, IPv6 and whatever else the library does not model. */
  readonly packet?: Packet;
  /** The IP header's identification, where there is a packet. */
  readonly identification?: number;
  /** Known for captures on Linux's `any` device only. */
  readonly direction?: "in" | "out";
  /** The number of the interface on its host; known for captures on Linux's `any` device only. */
  readonly interfaceIndex?: number;
}

export interface PcapFile {
  /** One of {@link linkTypes}. */
  readonly linkType: number;
  readonly records: readonly PcapRecord[];
}

/** What a capture file says of its frames: 1 Ethernet, 276 Linux cooked version 2 (captures on `any`). */
export const linkTypes = { ethernet: 1, cooked: 276 } as const;

const microsecondMagic = 0xa1b2c3d4;
const nanosecondMagic = 0xa1b23c4d;
const ipv4 = 0x0800;
/** Linux's packet types, as a cooked header has them: for this host, and sent by it. */
const toUs = 0;
const outgoing = 4;
const arphrdEther = 1;
const ethernetHeader = 14;
const cookedHeader = 20;
const fileHeader = 24;
const recordHeader = 16;
const snapLength = 262144;

/**
 * A hardware address that stands for an IP address: 02:00 and its four bytes.
 * The first byte says "locally administered", so no maker's card has it.
 */
export const hardwareAddress = (address: Addr): Uint8Array =>
  new Uint8Array([2, 0, address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff]);

/** A packet behind room for a link header. */
const framed = (room: number, packet: Packet, identification: number): Uint8Array => {
  const bytes = emitPacket(packet, identification);
  const frame = new Uint8Array(room + bytes.length);
  frame.set(bytes, room);
  return frame;
};

/** A packet in an Ethernet frame. Hardware addresses stand for the packet's own when none are given. */
export const ethernetFrame = (
  packet: Packet,
  link?: { readonly source: Uint8Array; readonly destination: Uint8Array },
  identification = 0,
): Uint8Array => {
  const frame = framed(ethernetHeader, packet, identification);
  frame.set(link?.destination ?? hardwareAddress(packet.dst), 0);
  frame.set(link?.source ?? hardwareAddress(packet.src), 6);
  frame[12] = ipv4 >> 8;
  return frame;
};

/** A packet behind a Linux cooked header of version 2, whose one hardware address is the sender's. */
const cookedFrame = ({ packet, direction, interfaceIndex }: CookedPacket): Uint8Array => {
  const frame = framed(cookedHeader, packet, 0);
  const view = new DataView(frame.buffer);
  const address = hardwareAddress(packet.src);
  view.setUint16(0, ipv4);
  view.setUint32(4, interfaceIndex);
  view.setUint16(8, arphrdEther);
  frame[10] = direction === "out" ? outgoing : toUs;
  frame[11] = address.length;
  frame.set(address, 12);
  return frame;
};

/** A capture file of frames, as `tcpdump -w` makes it, with nanosecond timestamps. Times are kept to the microsecond. */
export const pcapOfFrames = (
  frames: readonly { readonly time: number; readonly frame: Uint8Array }[],
  linkType: number = linkTypes.ethernet,
): Uint8Array => {
  const size = frames.reduce((total, { frame }) => total + recordHeader + frame.length, fileHeader);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nanosecondMagic, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, linkType, true);
  let at = fileHeader;
  for (const { time, frame } of frames) {
    const microseconds = Math.round(time * 1e6); // a number holds today's time no finer
    view.setUint32(at, Math.floor(microseconds / 1e6), true);
    view.setUint32(at + 4, (microseconds % 1e6) * 1000, true);
    view.setUint32(at + 8, frame.length, true);
    view.setUint32(at + 12, frame.length, true);
    bytes.set(frame, at + recordHeader);
    at += recordHeader + frame.length;
  }
  return bytes;
};

/** A capture file of packets that `tcpdump -r` and Wireshark read: Ethernet, nanosecond timestamps, right checksums. */
export const writePcap = (packets: readonly Timed[]): Uint8Array =>
  pcapOfFrames(packets.map(({ time, packet }) => ({ time, frame: ethernetFrame(packet) })));

/** The same of a capture on `any`: Linux cooked version 2. */
export const writeCookedPcap = (packets: readonly CookedPacket[]): Uint8Array =>
  pcapOfFrames(
    packets.map(packet => ({ time: packet.time, frame: cookedFrame(packet) })),
    linkTypes.cooked,
  );

type Link = Pick<PcapRecord, "direction" | "interfaceIndex"> & { readonly network: number; readonly body: Uint8Array };

const parseEthernet = (frame: Uint8Array): Link | undefined =>
  frame.length < ethernetHeader
    ? undefined
    : { network: (frame[12]! << 8) | frame[13]!, body: frame.subarray(ethernetHeader) };

const parseCooked = (frame: Uint8Array): Link | undefined => {
  if (frame.length < cookedHeader) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return {
    network: view.getUint16(0),
    interfaceIndex: view.getUint32(4),
    direction: frame[10] === outgoing ? "out" : "in",
    body: frame.subarray(cookedHeader),
  };
};

/** The packet in an Ethernet frame; undefined for ARP, IPv6 and whatever else the library does not model. */
export const packetIn = (frame: Uint8Array): Packet | undefined => {
  const link = parseEthernet(frame);
  const packet = link?.network === ipv4 ? parsePacket(link.body) : undefined;
  return packet === undefined || "kind" in packet ? undefined : packet;
};

const readRecord = (linkType: number, time: number, length: number, frame: Uint8Array): PcapRecord => {
  const link = linkType === linkTypes.cooked ? parseCooked(frame) : parseEthernet(frame);
  const packet = link?.network === ipv4 ? parsePacket(link.body) : undefined;
  return {
    time,
    frame,
    length,
    ...(link !== undefined &&
      packet !== undefined &&
      !("kind" in packet) && { packet, identification: (link.body[4]! << 8) | link.body[5]! }),
    ...(link?.direction !== undefined && { direction: link.direction }),
    ...(link?.interfaceIndex !== undefined && { interfaceIndex: link.interfaceIndex }),
  };
};

/**
 * Reads a capture file, of either byte order, micro- or nanoseconds, Ethernet or Linux cooked version 2.
 * A last record that is cut off is left out: a capture may still be running.
 * @param where the place to name in an error
 * @throws InputError if it is no such file
 */
export const readPcap = (bytes: Uint8Array, where = "pcap"): PcapFile => {
  const bad = (value: unknown, problem: string, expected: string): never => {
    throw new InputError({ where, value, problem, expected });
  };
  if (bytes.length < fileHeader) bad(bytes.length, "bytes are too few for a capture file", `at least ${fileHeader}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = [microsecondMagic, nanosecondMagic].includes(view.getUint32(0, true));
  const magic = view.getUint32(0, little);
  if (magic !== microsecondMagic && magic !== nanosecondMagic)
    bad(magic.toString(16), "does not begin a capture file", "a1b2c3d4 or a1b23c4d (pcap, not pcapng)");
  const linkType = view.getUint32(20, little) & 0xffff;
  if (linkType !== linkTypes.ethernet && linkType !== linkTypes.cooked)
    bad(
      linkType,
      "is a link type that is not supported",
      `${linkTypes.ethernet} (Ethernet) or ${linkTypes.cooked} (Linux cooked v2)`,
    );
  const perSecond = magic === nanosecondMagic ? 1e9 : 1e6;
  const records: PcapRecord[] = [];
  for (let at = fileHeader; at + recordHeader <= bytes.length;) {
    const kept = view.getUint32(at + 8, little);
    if (kept > snapLength) bad(kept, `is an impossible length of a frame, at byte ${at + 8}`, `at most ${snapLength}`);
    const end = at + recordHeader + kept;
    if (end > bytes.length) break;
    const time = view.getUint32(at, little) + view.getUint32(at + 4, little) / perSecond;
    records.push(readRecord(linkType, time, view.getUint32(at + 12, little), bytes.subarray(at + recordHeader, end)));
    at = end;
  }
  return { linkType, records };
};
