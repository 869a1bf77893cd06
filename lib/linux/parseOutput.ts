import { refuse } from "../errors.js";
import { type Addr, addr, formatAddr } from "../ip/addr.js";
import type { PingReply } from "../net/lab.js";
import type { ConntrackEntry } from "../netfilter/netfilter.js";
import { parseSave } from "../netfilter/parseSave.js";
import type { Counters, CountedRuleset } from "../netfilter/ruleset.js";
import { parsePacket } from "../packet/emit.js";
import { type Flow, isFlowPacket } from "../packet/flow.js";
import { packetLength, type Proto } from "../packet/packet.js";

const flow = (proto: Proto, text: string): Flow => {
  const field = (name: string): string | undefined => new RegExp(`\\b${name}=(\\S*)`).exec(text)?.[1];
  const number = (name: string): number => {
    const given = field(name);
    const value = given !== undefined && /^\d{1,5}$/.test(given) ? Number(given) : NaN;
    return value <= 0xffff
      ? value
      : refuse(`conntrack: ${name}`, given ?? text, "is no number of 16 bits", "0 to 65535");
  };
  const ends = { proto, src: addr(field("src") ?? "", "conntrack"), dst: addr(field("dst") ?? "", "conntrack") };
  if (proto !== "icmp") return { ...ends, sport: number("sport"), dport: number("dport") };
  return number("type") === 8 ? { ...ends, sport: number("id"), dport: 0 } : { ...ends, sport: 0, dport: number("id") };
};

/** Reads what `conntrack -L` prints. Other protocols than ICMP, TCP and UDP are left out. @throws InputError on a line of these that is not whole */
export const parseConntrack = (text: string): readonly ConntrackEntry[] =>
  text.split("\n").flatMap(line => {
    if (!/^(?:icmp|tcp|udp) /.test(line)) return [];
    const head =
      /^(icmp|tcp|udp) +\d+ (\d{1,10}) ([A-Z_0-9]+ )?/.exec(line) ??
      refuse("conntrack", line, "is no connection", "protocol, number, seconds, state, addresses");
    const proto = head[1] as Proto;
    const tuples = line.slice(head[0].length);
    const second = tuples.indexOf("src=", tuples.indexOf("src=") + 1);
    return {
      original: flow(proto, tuples.slice(0, second)),
      reply: flow(proto, tuples.slice(second)),
      ...(head[3] !== undefined && { tcpState: head[3].trim() }),
      unreplied: line.includes("[UNREPLIED]"),
      assured: line.includes("[ASSURED]"),
      timeout: Number(head[2]),
    };
  });

/** Reads the answers that `ping -n` prints. */
export const parsePing = (text: string): readonly PingReply[] =>
  [...text.matchAll(/^(\d+) bytes from ([0-9.]+): icmp_seq=(\d+) ttl=(\d+) time=([0-9.]+) ms/gm)].map(
    ([, bytes, from, seq, ttl, milliseconds]) => ({
      seq: Number(seq),
      from: from!,
      kind: "echo-reply",
      bytes: Number(bytes),
      ttl: Number(ttl),
      milliseconds: Number(milliseconds),
    }),
  );

/** The ICMP errors among received messages that are about pings to an address. What `ping` prints of them lacks their TTL. */
export const pingErrors = (messages: readonly Uint8Array[], to: Addr): readonly PingReply[] =>
  messages.flatMap(message => {
    const packet = parsePacket(message);
    if ("kind" in packet || isFlowPacket(packet) || packet.quoted.dst !== to || packet.quoted.proto !== "icmp")
      return [];
    return {
      seq: packet.quoted.seq,
      from: formatAddr(packet.src),
      kind: packet.type,
      code: packet.code,
      bytes: packetLength(packet) - 20,
      ttl: packet.ttl,
      milliseconds: 0,
    };
  });

const none: Counters = { packets: 0, bytes: 0 };

/** Reads the rules with the counters that `iptables-save -c` prints. @throws InputError on a rule that the library does not know */
export const parseCounted = (text: string, where: string): CountedRuleset => {
  const ofChain = new Map<string, Counters>();
  const ofRules = new Map<string, Counters[]>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const [, chain, chainPackets, chainBytes] = /^:(\S+) \S+ \[(\d+):(\d+)\]/.exec(line) ?? [];
    if (chain !== undefined)
      ofChain.set(`${table} ${chain}`, { packets: Number(chainPackets), bytes: Number(chainBytes) });
    const [, packets, bytes, of] = /^\[(\d+):(\d+)\] -A (\S+)/.exec(line) ?? [];
    if (of === undefined) continue;
    const key = `${table} ${of}`;
    const before = ofRules.get(key);
    const counters = { packets: Number(packets), bytes: Number(bytes) };
    if (before === undefined) ofRules.set(key, [counters]);
    else before.push(counters);
  }
  return {
    tables: parseSave(text, where).tables.map(({ name, chains }) => ({
      name,
      chains: chains.map(chain => {
        const key = `${name} ${chain.name}`;
        const rules = chain.rules.map((rule, index) => ({ ...rule, counters: ofRules.get(key)?.[index] ?? none }));
        return { ...chain, rules, counters: ofChain.get(key) ?? none };
      }),
    })),
  };
};
