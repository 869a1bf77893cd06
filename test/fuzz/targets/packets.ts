import { emitPacket, parsePacket } from "../../../lib/packet/emit.js";
import { pcapOfFrames, readPcap } from "../../../lib/packet/pcap.js";
import { printTcpdumpFile } from "../../../lib/render/tcpdumpText.js";
import { filterableRecord, packetFilter } from "../../../lib/shell/filter.js";
import { holds, reading, same, type Target } from "../target.js";

const filters = ["", "tcp", "host 10.0.0.1 and port 80", "not icmp", "udp or net 10.0.0.0/8", "greater 100"].map(text =>
  packetFilter(text),
);

const file = (_: string, bytes: Uint8Array): void => {
  const read = reading(() => readPcap(bytes, "file"));
  if (read === undefined) return;
  const { linkType, records } = read;
  const printed = printTcpdumpFile("file", linkType, records);
  holds("frames are printed in a line each at least", printed.split("\n").length >= records.length);
  printTcpdumpFile("file", linkType, records, { numeric: true, quiet: true });
  for (const record of records) {
    const frame = filterableRecord(record, linkType);
    for (const filter of filters) filter(frame);
    const { packet } = record;
    if (packet !== undefined) same("a packet emitted and read again", parsePacket(emitPacket(packet)), packet);
  }
  const again = readPcap(
    pcapOfFrames(
      records.map(({ time, frame, length }) => ({ time, frame, length })),
      linkType,
    ),
    "what was written",
  );
  same(
    "frames written and read again",
    again.records.map(({ frame, length }) => [Buffer.from(frame).toString("hex"), length]),
    records.map(({ frame, length }) => [Buffer.from(frame).toString("hex"), length]),
  );
};

const packet = (_: string, bytes: Uint8Array): void => {
  const found = parsePacket(bytes);
  if ("kind" in found) holds("says why it is not read", found.why.length > 0);
  else same("a packet emitted and read again", parsePacket(emitPacket(found)), found);
};

export const packetTargets: readonly Target[] = [
  {
    name: "pcap",
    about: "capture files, pcap and pcapng: what is read prints, can be filtered, and is written back the same",
    format: "bytes",
    words: [],
    run: file,
  },
  {
    name: "packet",
    about: "the bytes of an IPv4 packet: what is read is emitted, and reads back, the same",
    format: "bytes",
    words: [],
    run: packet,
  },
];
