import { InputError } from "../errors.js";
import type { Addr } from "../ip/addr.js";
import { emitPacket, parsePacket } from "./emit.js";
import {
  cookedHeader,
  ethernetHeader,
  etherTypes,
  type Link,
  linkTypeName,
  linkTypes,
  linkTypesRead,
  packetTypes,
  readLink,
} from "./link.js";
import type { Packet } from "./packet.js";
import { type FileFrames, isPcapng, readPcapng } from "./pcapng.js";

/** What a capture kept of what a frame carried, from the network header on. */
export interface Wire {
  readonly bytes: Uint8Array;
  /** Bytes of it that were on the wire: more than were kept where the capture cuts frames. */
  readonly length: number;
}

/** A packet with the time at which it was seen: seconds since the epoch. */
export interface Timed {
  readonly time: number;
  readonly packet: Packet;
  /** Its bytes, where it was captured from a real wire; a packet of the model is written down when they are needed. */
  readonly wire?: Wire;
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
  /** What its link header says; absent where the capture does not hold all of that. */
  readonly link?: Link;
  /** What it carries; absent with its link header. */
  readonly wire?: Wire;
  /** The packet in it, as far as the model's packets go; absent for ARP, IPv6, fragments and whatever else they do not tell. */
  readonly packet?: Packet;
  /** The IP header's identification, where there is a packet. */
  readonly identification?: number;
  /** Known for Linux's cooked captures only. */
  readonly direction?: "in" | "out";
  /** The number of the interface on its host; known for captures on Linux's `any` device only. */
  readonly interfaceIndex?: number;
}

/** A capture file: what was captured on one kind of link, in order. */
export interface PcapFile {
  /** One of {@link linkTypes}. */
  readonly linkType: number;
  readonly records: readonly PcapRecord[];
}

export { linkTypes };

const microsecondMagic = 0xa1b2c3d4;
const nanosecondMagic = 0xa1b23c4d;
const arphrdEther = 1;
const fileHeader = 24;
const recordHeader = 16;
const snapLength = 262144;

/**
 * A hardware address that stands for an IP address: 02:00 and its four bytes.
 * The first byte says "locally administered", so no maker's card has it.
 */
const hardwareAddress = (address: Addr): Uint8Array =>
  new Uint8Array([2, 0, address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff]);

/** A packet behind room for a link header. */
const framed = (room: number, bytes: Uint8Array): Uint8Array => {
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
  return inEthernet(packet, emitPacket(packet, identification), link);
};

const inEthernet = (
  packet: Packet,
  bytes: Uint8Array,
  link?: { readonly source: Uint8Array; readonly destination: Uint8Array },
): Uint8Array => {
  const frame = framed(ethernetHeader, bytes);
  frame.set(link?.destination ?? hardwareAddress(packet.dst), 0);
  frame.set(link?.source ?? hardwareAddress(packet.src), 6);
  frame[12] = etherTypes.ipv4 >> 8;
  return frame;
};

/** A packet behind a Linux cooked header of version 2, whose one hardware address is the sender's. */
const cookedFrame = ({ packet, wire, direction, interfaceIndex }: CookedPacket): Uint8Array => {
  const frame = framed(cookedHeader, wire?.bytes ?? emitPacket(packet));
  const view = new DataView(frame.buffer);
  const address = hardwareAddress(packet.src);
  view.setUint16(0, etherTypes.ipv4);
  view.setUint32(4, interfaceIndex);
  view.setUint16(8, arphrdEther);
  frame[10] = direction === "out" ? packetTypes.outgoing : packetTypes.toUs;
  frame[11] = address.length;
  frame.set(address, 12);
  return frame;
};

/** A frame to write, with its length on the wire where not all of it was kept. */
interface WrittenFrame {
  readonly time: number;
  readonly frame: Uint8Array;
  readonly length?: number;
}

/** A capture file of frames, as `tcpdump -w` makes it, with nanosecond timestamps. Times are kept to the microsecond. */
export const pcapOfFrames = (frames: readonly WrittenFrame[], linkType: number = linkTypes.ethernet): Uint8Array => {
  const size = frames.reduce((total, { frame }) => total + recordHeader + frame.length, fileHeader);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nanosecondMagic, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, linkType, true);
  let at = fileHeader;
  for (const { time, frame, length = frame.length } of frames) {
    const microseconds = Math.round(time * 1e6); // a number holds today's time no finer
    view.setUint32(at, Math.floor(microseconds / 1e6), true);
    view.setUint32(at + 4, (microseconds % 1e6) * 1000, true);
    view.setUint32(at + 8, frame.length, true);
    view.setUint32(at + 12, length, true);
    bytes.set(frame, at + recordHeader);
    at += recordHeader + frame.length;
  }
  return bytes;
};

const lengthBehind = (header: number, wire: Wire | undefined): Pick<WrittenFrame, "length"> =>
  wire === undefined ? {} : { length: header + wire.length };

/** A capture file of packets that `tcpdump -r` and Wireshark read: Ethernet, nanosecond timestamps, right checksums. */
export const writePcap = (packets: readonly Timed[]): Uint8Array =>
  pcapOfFrames(
    packets.map(({ time, packet, wire }) => ({
      time,
      frame: inEthernet(packet, wire?.bytes ?? emitPacket(packet)),
      ...lengthBehind(ethernetHeader, wire),
    })),
  );

/** The same of a capture on `any`: Linux cooked version 2. */
export const writeCookedPcap = (packets: readonly CookedPacket[]): Uint8Array =>
  pcapOfFrames(
    packets.map(packet => ({
      time: packet.time,
      frame: cookedFrame(packet),
      ...lengthBehind(cookedHeader, packet.wire),
    })),
    linkTypes.cooked,
  );

/** The packet of the model that bytes hold. */
const modelled = (network: number, bytes: Uint8Array): Packet | undefined => {
  const packet = network === etherTypes.ipv4 ? parsePacket(bytes) : undefined;
  return packet === undefined || "kind" in packet ? undefined : packet;
};

/** The packet in an Ethernet frame; undefined for ARP, IPv6 and whatever else the library does not model. */
export const packetIn = (frame: Uint8Array): Packet | undefined => {
  const link = readLink(linkTypes.ethernet, frame);
  return link === undefined ? undefined : modelled(link.network, frame.subarray(link.at));
};

const readRecord = (linkType: number, time: number, length: number, frame: Uint8Array): PcapRecord => {
  const link = readLink(linkType, frame);
  if (link === undefined) return { time, frame, length };
  const wire: Wire = { bytes: frame.subarray(link.at), length: length - link.at };
  const packet = modelled(link.network, wire.bytes);
  return {
    time,
    frame,
    length,
    link,
    wire,
    ...(packet !== undefined && { packet, identification: (wire.bytes[4]! << 8) | wire.bytes[5]! }),
    ...(link.packetType !== undefined && { direction: link.packetType === packetTypes.outgoing ? "out" : "in" }),
    ...(link.interfaceIndex !== undefined && { interfaceIndex: link.interfaceIndex }),
  };
};

const readClassic = (bytes: Uint8Array, where: string): FileFrames => {
  const bad = (value: unknown, problem: string, expected: string): never => {
    throw new InputError({ where, value, problem, expected });
  };
  if (bytes.length < fileHeader) bad(bytes.length, "bytes are too few for a capture file", `at least ${fileHeader}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = [microsecondMagic, nanosecondMagic].includes(view.getUint32(0, true));
  const magic = view.getUint32(0, little);
  if (magic !== microsecondMagic && magic !== nanosecondMagic)
    bad(magic.toString(16), "does not begin a capture file", "a1b2c3d4 or a1b23c4d (pcap), or 0a0d0d0a (pcapng)");
  const unitsPerMicrosecond = magic === nanosecondMagic ? 1000 : 1;
  const given = view.getUint32(16, little);
  const cut = given === 0 || given > snapLength ? snapLength : given;
  const frames: FileFrames["frames"][number][] = [];
  for (let at = fileHeader; at + recordHeader <= bytes.length;) {
    const kept = view.getUint32(at + 8, little);
    if (kept > snapLength) bad(kept, `is an impossible length of a frame, at byte ${at + 8}`, `at most ${snapLength}`);
    const start = at + recordHeader;
    if (start + kept > bytes.length) break;
    frames.push({
      time: view.getUint32(at, little) + Math.floor(view.getUint32(at + 4, little) / unitsPerMicrosecond) / 1e6,
      frame: bytes.subarray(start, start + Math.min(kept, cut)),
      length: view.getUint32(at + 12, little),
    });
    at = start + kept;
  }
  return { linkType: view.getUint32(20, little) & 0xffff, frames };
};

/**
 * Reads a capture file: pcap of either byte order with micro- or nanoseconds, or pcapng; of one of {@link linkTypes}.
 * A last record that is cut off is left out: a capture may still be running.
 * @param where the place to name in an error
 * @throws InputError if it is no such file
 */
export const readPcap = (bytes: Uint8Array, where = "pcap"): PcapFile => {
  const { linkType, frames } = isPcapng(bytes) ? readPcapng(bytes, where) : readClassic(bytes, where);
  if (linkTypeName(linkType) === undefined)
    throw new InputError({
      where,
      value: linkType,
      problem: "is a link type that is not read here",
      expected: linkTypesRead,
    });
  return { linkType, records: frames.map(({ time, length, frame }) => readRecord(linkType, time, length, frame)) };
};
