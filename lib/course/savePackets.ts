import { join } from "node:path";
import { type Timed, type Trace, type TracedInterface, tracePackets, writePcap } from "egress-lab";
import { makeFolder, writeWhole } from "./files.js";

/** Longer names than file systems take are cut, with room left for a number and the ending. */
const nameAtMost = 200;

/** A name that every file system takes: `cluster/default/pod` and `eth0` are in `cluster_default_pod_eth0`. */
const safeName = ({ host, interface: name }: TracedInterface): string =>
  `${host}_${name}`.replace(/[^A-Za-z0-9.-]+/g, "_").slice(-nameAtMost);

/**
 * Saves a trace's packets, and those sent back because of it, as capture files for Wireshark and `tcpdump -r`: one for
 * each interface that saw any, with right checksums. Node only.
 *
 *     saveTrace(lab.tracePing(pod.id, "10.13.1.4"), "captures");
 *     // captures/kubenetcluster_default_whereami-564765b89-d8rdb_eth0.pcap, ...
 * @param folder where to save them; made where there is none. Each file is written whole or not at all.
 * @param startsAt the time of the first packet, seconds since the epoch
 * @returns the paths of the files, in the order in which their interfaces saw the first packet
 * @throws InputError when the folder cannot be made
 */
export const saveTrace = (trace: Trace, folder: string, startsAt = 0): readonly string[] => {
  makeFolder(folder, "folder");
  const taken = new Set<string>();
  return tracePackets(trace, startsAt).map(seen => {
    const name = safeName(seen);
    let free = name;
    // Some file systems take names that differ in case only for the same.
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${name}-${number}`;
    taken.add(free.toLowerCase());
    const path = join(folder, `${free}.pcap`);
    writeWhole(path, writePcap(seen.packets));
    return path;
  });
};

/**
 * Saves what a capture saw as a capture file for Wireshark and `tcpdump -r`, with right checksums. Node only.
 *
 *     const capture = await lab.capture("testvm", "eth0");
 *     await lab.ping(pod.id, "10.13.1.4");
 *     saveCapture(await capture.stop(), "testvm.pcap");
 * @param file where to save it, whole or not at all; folders are made where there are none
 * @throws InputError when its folder cannot be made
 */
export const saveCapture = (captured: readonly Timed[], file: string): void => writeWhole(file, writePcap(captured));
