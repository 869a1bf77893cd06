import { readPcap, writeCookedPcap, writePcap } from "../packet/pcap.js";
import { printTcpdump, printTcpdumpFile, type TcpdumpForm } from "../render/tcpdumpText.js";
import { filterableRecord, packetFilter } from "./filter.js";
import { fail, readFlags, toggle, value, wholeNumber } from "./flags.js";
import { type Output, text } from "./output.js";
import { addressesOf, interfaceAt, interfaceIndex, interfaceOf } from "./places.js";
import type { Command, Machine } from "./command.js";

/** What is asked of packets, wherever they come from. */
interface Asked {
  readonly filter: string;
  readonly count: number | undefined;
  readonly form: TcpdumpForm;
}

/** `tcpdump [-w FILE]`: runs until it is stopped. */
const listen = async (
  { session, host, tty }: Machine,
  { filter, count, form }: Asked,
  device: string | undefined,
  file: string | undefined,
): Promise<Output> => {
  const write = file === undefined ? undefined : session.writer("tcpdump -w", file);
  const capture = await session.capture(host.id, { interface: interfaceOf(host, device), filter });
  const stop = async (): Promise<string> => {
    const packets = (await capture.stop()).slice(0, count);
    await write?.(
      capture.interface === "any"
        ? writeCookedPcap(packets.map(each => ({ ...each, interfaceIndex: interfaceIndex(host, each.interface) })))
        : writePcap(packets),
    );
    return printTcpdump(packets, {
      ...form,
      interface: capture.interface,
      writes: write !== undefined,
      end: packets.length === count ? "full" : tty ? "interrupted" : "cut",
    });
  };
  return { kind: "job", job: { stop } };
};

/** `tcpdump -r FILE`. */
const readBack = async ({ session, host }: Machine, { filter, count, form }: Asked, file: string): Promise<Output> => {
  const keeps = packetFilter(filter, name => session.resolve(host, name));
  const where = "tcpdump -r";
  const { linkType, records } = readPcap(await session.read(where, file, "a capture file"), `${where} ${file}`);
  const frames = records
    .filter(record => keeps(filterableRecord(record, linkType)))
    .slice(0, count)
    .map(record => ({ ...record, interface: interfaceAt(host, record.interfaceIndex) }));
  return text(printTcpdumpFile(file, linkType, frames, form));
};

/** A file that a flag names. */
const fileOf = (flag: string, name: string | undefined): string | undefined =>
  name === "" || name === "-" ? fail(`tcpdump ${flag}`, name, "is no file", "the name of a file") : name;

/** tcpdump: prints packets as they come, writes them to a file, or prints a file's. */
export const tcpdump: Command = async (machine, args) => {
  const { flags, rest } = readFlags("tcpdump", args, {
    "-i": value("interface"),
    "-n": toggle("numeric"),
    "-q": toggle("quiet"),
    "-c": value("count"),
    "-l": toggle("lineBuffered"),
    "-w": value("write"),
    "-U": toggle("packetBuffered"),
    "-r": value("read"),
  });
  const { host } = machine;
  const { count, interface: device } = flags;
  const asked: Asked = {
    filter: rest.join(" "),
    count: count === undefined ? undefined : wholeNumber("tcpdump -c", count, 1, 1_000_000),
    form: {
      quiet: "quiet" in flags,
      numeric: "numeric" in flags,
      own: { name: host.hostname, addresses: addressesOf(host) },
    },
  };
  const from = fileOf("-r", flags["read"]);
  const to = fileOf("-w", flags["write"]);
  if (from === undefined) return listen(machine, asked, device, to);
  if (device !== undefined || to !== undefined)
    fail("tcpdump -r", args.join(" "), "listens or writes too", "-r FILE without -i and -w");
  return readBack(machine, asked, from);
};
