import { refuse } from "../errors.js";

/** A frame of a capture file. */
export interface FileFrame {
  /** Seconds since the epoch, to the microsecond. */
  readonly time: number;
  readonly frame: Uint8Array;
  /** Bytes that it had on the wire. */
  readonly length: number;
}

/** Frames of one link type. */
export interface FileFrames {
  readonly linkType: number;
  readonly frames: readonly FileFrame[];
}

const section = 0x0a0d0d0a;
const byteOrderMagic = 0x1a2b3c4d;
const blocks = { interface: 1, packet: 2, simple: 3, enhanced: 6 } as const;
const options = { end: 0, resolution: 9, offset: 14 } as const;

/** Whether a file is a pcapng one. */
export const isPcapng = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === section;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of a timestamp to a second. */
  readonly perSecond: bigint;
  /** Added to each timestamp, in seconds. */
  readonly offset: bigint;
}

const readInterface = (view: DataView, little: boolean, where: string): Interface => {
  let perSecond = 1_000_000n;
  let offset = 0n;
  for (let at = 8; at + 4 <= view.byteLength;) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === options.end || at + 4 + length > view.byteLength) break;
    if (code === options.resolution && length === 1) {
      const resolution = view.getUint8(at + 4);
      const exponent = resolution & 0x7f;
      const binary = resolution > 0x7f;
      if (exponent > (binary ? 63 : 19))
        refuse(where, resolution, "is a resolution of time beyond 64 bits", "10 to the -19th or 2 to the -63rd");
      perSecond = (binary ? 2n : 10n) ** BigInt(exponent);
    } else if (code === options.offset && length === 8) offset = view.getBigInt64(at + 4, little);
    at += 4 + length + (-length & 3);
  }
  return { linkType: view.getUint16(0, little), snapLength: view.getUint32(4, little), perSecond, offset };
};

const seconds = (high: number, low: number, { perSecond, offset }: Interface): number => {
  const units = (BigInt(high) << 32n) | BigInt(low);
  const micros = ((units % perSecond) * 1_000_000n) / perSecond;
  return Number(units / perSecond + offset) + Number(micros) / 1e6;
};

/**
 * Reads a pcapng file, as Wireshark writes it: https://ietf-opsawg-wg.github.io/draft-ietf-opsawg-pcap/draft-ietf-opsawg-pcapng.html.
 * A last block that is cut off is left out. Blocks that hold no packet are passed over.
 * @throws InputError if it is no such file, or its interfaces differ in link type
 */
export const readPcapng = (bytes: Uint8Array, where: string): FileFrames => {
  const whole = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: FileFrame[] = [];
  let linkType: number | undefined;
  let interfaces: Interface[] = [];
  let little = false;
  const interfaceAt = (index: number, at: number): Interface =>
    interfaces[index] ?? refuse(where, index, `is no interface of its section, at byte ${at}`, "one described before");
  const add = (time: number, start: number, end: number, kept: number, length: number, at: number) => {
    if (start + kept > end)
      refuse(where, kept, `bytes do not fit their block, at byte ${at}`, `at most ${end - start}`);
    frames.push({ time, frame: bytes.subarray(start, start + kept), length });
  };

  for (let at = 0; at + 12 <= bytes.length;) {
    if (whole.getUint32(at) === section) {
      const magic = whole.getUint32(at + 8);
      little = magic !== byteOrderMagic;
      if (little && whole.getUint32(at + 8, true) !== byteOrderMagic)
        refuse(
          where,
          magic.toString(16),
          `is no byte order of a section, at byte ${at + 8}`,
          "1a2b3c4d, or turned round",
        );
      interfaces = [];
    }
    const type = whole.getUint32(at, little);
    const length = whole.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0)
      refuse(where, length, `is an impossible length of a block, at byte ${at + 4}`, "a multiple of 4 from 12 on");
    if (at + length > bytes.length) break;
    const start = at + 8;
    const end = at + length - 4;
    const body = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
    const needs = (least: number): void => {
      if (body.byteLength < least)
        refuse(where, length, `is too short for its block, at byte ${at + 4}`, `at least ${least + 12}`);
    };
    if (type === blocks.interface) {
      needs(8);
      const found = readInterface(body, little, where);
      if (linkType !== undefined && found.linkType !== linkType)
        refuse(where, found.linkType, "is a second link type in one file", `${linkType} for all interfaces`);
      linkType = found.linkType;
      interfaces.push(found);
    } else if (type === blocks.enhanced || type === blocks.packet) {
      needs(20);
      const from = interfaceAt(type === blocks.enhanced ? body.getUint32(0, little) : body.getUint16(0, little), at);
      const time = seconds(body.getUint32(4, little), body.getUint32(8, little), from);
      add(time, start + 20, end, body.getUint32(12, little), body.getUint32(16, little), at);
    } else if (type === blocks.simple) {
      needs(4);
      const from = interfaceAt(0, at);
      const wire = body.getUint32(0, little);
      const kept = Math.min(wire, from.snapLength === 0 ? wire : from.snapLength);
      add(seconds(0, 0, from), start + 4, end, kept, wire, at);
    }
    at += length;
  }
  return { linkType: linkType ?? refuse(where, bytes.length, "bytes describe no interface", "a pcapng file"), frames };
};
