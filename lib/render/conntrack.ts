import { formatAddr } from "../ip/addr.js";
import type { ConntrackEntry } from "../netfilter/netfilter.js";
import type { Flow } from "../packet/flow.js";

const numbers = { tcp: 6, udp: 17, icmp: 1 } as const;

/** One tuple; `asks` tells an echo request from its reply. */
const formatTuple = (flow: Flow, asks: boolean): string => {
  const ends = `src=${formatAddr(flow.src)} dst=${formatAddr(flow.dst)}`;
  if (flow.proto !== "icmp") return `${ends} sport=${flow.sport} dport=${flow.dport}`;
  return `${ends} type=${asks ? 8 : 0} code=0 id=${asks ? flow.sport : flow.dport}`;
};

const formatEntry = (entry: ConntrackEntry): string => {
  const { proto } = entry.original;
  return [
    `${proto.padEnd(8)} ${numbers[proto]} ${Math.max(0, Math.floor(entry.timeout))}`,
    ...(entry.tcpState === undefined ? [] : [entry.tcpState]),
    formatTuple(entry.original, true),
    ...(entry.unreplied ? ["[UNREPLIED]"] : []),
    formatTuple(entry.reply, false),
    ...(entry.assured ? ["[ASSURED]"] : []),
    "mark=0 use=1",
  ].join(" ");
};

/** A host's connections as `conntrack -L` lists them, with its closing count. Connection marks are not modelled: always 0. */
export const printConntrack = (entries: readonly ConntrackEntry[]): string =>
  [
    ...entries.map(formatEntry),
    `conntrack v1.4.4 (conntrack-tools): ${entries.length} flow entries have been shown.`,
  ].join("\n");
