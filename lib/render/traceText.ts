import { formatAddr } from "../ip/addr.js";
import { formatCidr } from "../ip/cidr.js";
import type { DropReason } from "../netfilter/netfilter.js";
import { formatRule } from "../netfilter/print.js";
import type { Reason, Step, Hop, Disposition, Trace } from "../net/trace.js";
import type { Route, UserRoute } from "../net/network.js";
import type { Flow } from "../packet/flow.js";
import type { Packet } from "../packet/packet.js";
import { wrap } from "./wrap.js";

/** One direction of a conversation in one line: `tcp 10.13.76.13:40000 > 1.2.3.4:80`; for a ping the id stands with the asking side. */
export const formatFlow = ({ proto, src, sport, dst, dport }: Flow): string => {
  if (proto !== "icmp") return `${proto} ${formatAddr(src)}:${sport} > ${formatAddr(dst)}:${dport}`;
  return `icmp ${formatAddr(src)} > ${formatAddr(dst)} id ${sport || dport}`;
};

/** A packet in one line: addresses, ports, what it is, TTL. */
export const formatPacket = (packet: Packet): string => {
  const ends = `${formatAddr(packet.src)} > ${formatAddr(packet.dst)}`;
  const ttl = `ttl ${packet.ttl}`;
  switch (packet.proto) {
    case "tcp":
      return `tcp ${formatAddr(packet.src)}:${packet.sport} > ${formatAddr(packet.dst)}:${packet.dport} ${packet.flags.join(",")}, ${ttl}`;
    case "udp":
      return `udp ${formatAddr(packet.src)}:${packet.sport} > ${formatAddr(packet.dst)}:${packet.dport}, ${ttl}`;
    case "icmp":
      return "quoted" in packet
        ? `icmp ${ends} ${packet.type} code ${packet.code}, ${ttl}`
        : `icmp ${ends} ${packet.type} id ${packet.id} seq ${packet.seq}, ${ttl}`;
  }
};

const formatRoute = (route: Route): string => {
  const to = route.to.prefix === 0 ? "default" : formatCidr(route.to);
  return `${to}${route.via === undefined ? "" : ` via ${formatAddr(route.via)}`} dev ${route.dev}`;
};

const formatUserRoute = (route: UserRoute): string => {
  const next = route.nextHop.kind === "appliance" ? formatAddr(route.nextHop.address) : route.nextHop.kind;
  return `user-defined route ${route.name}, ${formatCidr(route.to)} to ${next}`;
};

const hex = (mark: number): string => `0x${mark.toString(16)}`;

/** What happened at one place, as a label and its reason. */
const describe = (step: Step): readonly [string, string] => {
  switch (step.kind) {
    case "track":
      return ["track", `${step.state}${step.original === undefined ? "" : `, original ${formatFlow(step.original)}`}`];
    case "rule":
      return ["rule", `${step.hook} ${step.table} ${step.chain} ${step.number}: ${formatRule(step.rule)}`];
    case "policy":
      return ["policy", `${step.hook} ${step.table}: ${step.policy}`];
    case "mark":
      return ["mark", `${hex(step.before)} becomes ${hex(step.after)}`];
    case "nat":
      return [
        step.which === "source" ? "snat" : "dnat",
        `${formatFlow(step.before)} becomes ${formatFlow(step.after)} (${step.by === "rule" ? "by the rule" : "as the connection began"})`,
      ];
    case "route":
      return ["route", `${formatRoute(step.route)}${step.onLink ? ", on the link" : ""}`];
    case "local":
      return ["local", `${formatAddr(step.address)} is an address of this host`];
    case "bridge":
      return ["bridge", `${step.bridge}: ${step.from} to ${step.to}${step.filtered ? ", seen by iptables" : ""}`];
    case "ttl":
      return ["ttl", `${step.before} becomes ${step.after}`];
    case "fabric-route":
      return [
        "route",
        `${typeof step.route === "string" ? `system route, ${step.route}` : formatUserRoute(step.route)}, for ${formatAddr(step.to)}`,
      ];
    case "translate":
      return [
        step.before.src === step.after.src ? "dnat" : "snat",
        `${formatFlow(step.before)} becomes ${formatFlow(step.after)} (${step.fresh ? "a port taken" : "the mapping it has"}, ${step.portsInUse} of ${step.portsAllotted} in use)`,
      ];
    case "public-address":
      return ["nat", `${formatFlow(step.before)} becomes ${formatFlow(step.after)} (the card's own public address)`];
    case "inbound":
      return ["inbound", `rule ${step.rule} to ${formatAddr(step.backend)}`];
  }
};

const describeDrop = (drop: DropReason): string => {
  switch (drop.kind) {
    case "rule":
      return `rule ${drop.number} of ${drop.table} ${drop.chain}`;
    case "policy":
      return `policy of ${drop.table} ${drop.chain}`;
    case "ports-exhausted":
      return `NAT found no free port for ${formatFlow(drop.wanted)}`;
    case "no-source":
      return `MASQUERADE on ${drop.interface}, which has no address`;
  }
};

/** Why a packet went no further, in a short clause. */
export const formatReason = (reason: Reason): string => {
  switch (reason.kind) {
    case "netfilter":
      return describeDrop(reason.drop);
    case "no-route":
      return `no route to ${formatAddr(reason.destination)}`;
    case "hairpin":
      return `bridge ${reason.bridge} does not send a frame back out of ${reason.port}`;
    case "no-neighbour":
      return `nobody on ${reason.dev} answers for ${formatAddr(reason.address)}`;
    case "not-forwarding":
      return "it is for another host, and this one does not forward";
    case "no-nic":
      return `no card of the fabric has ${formatAddr(reason.address)}`;
    case "martian":
      return `${formatAddr(reason.source)} is this host's own address, so it cannot have come from outside`;
    case "martian-source":
      return `no packet may come from ${formatAddr(reason.source)}`;
    case "martian-destination":
      return `no packet from outside may be for ${formatAddr(reason.destination)}`;
    case "not-joined":
      return `this host has not joined the multicast group ${formatAddr(reason.group)}`;
    case "for-the-link":
      return "it was sent to all on the link, so it is not forwarded";
    case "unicast-only":
      return `the fabric carries no broadcast and no multicast, so nothing for ${formatAddr(reason.destination)}`;
    case "spoofed":
      return `${formatAddr(reason.source)} is not an address of the card that sends it, and IP forwarding is off`;
    case "user-route-none":
      return `${formatUserRoute(reason.route)}`;
    case "no-translation":
      return `nothing translates ${formatAddr(reason.source)} towards the Internet`;
    case "untranslatable":
      return `${reason.translator} does not translate ${reason.proto}`;
    case "unknown-flow":
      return `${reason.translator} knows no flow that it belongs to${reason.reset ? ", and says so with RST" : ""}`;
    case "ports-exhausted":
      return `${reason.translator} has none of the ${reason.ports} ports of ${formatAddr(reason.source)} left for this destination`;
    case "no-inbound":
      return `nothing waits at ${formatAddr(reason.address)} port ${reason.port}`;
    case "no-site":
      return `no Internet site has ${formatAddr(reason.address)}`;
  }
};

/** How a packet's way ended, in a short clause. */
export const formatDisposition = (disposition: Disposition): string => {
  switch (disposition.kind) {
    case "delivered":
      return `delivered to ${disposition.host}`;
    case "dropped":
      return `dropped at ${disposition.place}: ${formatReason(disposition.reason)}`;
    case "rejected":
      return `rejected at ${disposition.place} with ${disposition.with}`;
    case "ttl-exceeded":
      return `TTL exceeded at ${disposition.place}`;
    case "copied":
      return `copied at ${disposition.place} for all that it is meant for: ${disposition.copies.map(copy => formatDisposition(copy.disposition)).join("; ")}`;
    case "loop":
      return `caught in a loop at ${disposition.place}`;
  }
};

const describeHop = (hop: Hop, number: number): readonly string[] => {
  const interfaces = [hop.in === undefined ? "" : ` in ${hop.in}`, hop.out === undefined ? "" : ` out ${hop.out}`].join(
    "",
  );
  const place = hop.place === hop.kind ? hop.kind : `${hop.kind} ${hop.place}`;
  const before = formatPacket(hop.before);
  const after = formatPacket(hop.after);
  return [
    ...wrap(`${String(number).padStart(2)}  ${place}${interfaces}`, 6),
    ...hop.steps.map(describe).flatMap(([label, reason]) => wrap(`      ${label.padEnd(8)}${reason}`, 16)),
    ...wrap(`      ${after === before ? "unchanged" : `now     ${after}`}`, 16),
  ];
};

const describeTrace = (trace: Trace, title: string): readonly string[] => [
  ...wrap(`${title}${formatPacket(trace.packet)}`, 4),
  ...trace.hops.flatMap((hop, index) => describeHop(hop, index + 1)),
  ...wrap(`=>  ${formatDisposition(trace.disposition)}`, 4),
  ...trace.replies.flatMap(reply => ["", ...describeTrace(reply, "reply: ")]),
];

/**
 * A trace to read: each hop with every step and what decided it, how it ended, then what was sent back because of it.
 * No line is longer than 100 columns.
 */
export const formatTrace = (trace: Trace): string => describeTrace(trace, "").join("\n");
