/**
 * The one form that a rule has once the kernel has taken it, whatever way it was written: what reads rules brings them
 * into it, what prints and what runs them counts on it. It follows iptables' own printers of each extension
 * (`extensions/libxt_*.c`) and the order in which `iptables-save` writes a rule.
 */

import type { ConntrackState, Match, PortRange } from "./ruleset.js";

/** The order in which the states of `conntrack` and `state` are printed, whatever order they were given in. */
export const stateOrder: readonly (ConntrackState | "SNAT" | "DNAT")[] = [
  "INVALID",
  "NEW",
  "RELATED",
  "ESTABLISHED",
  "UNTRACKED",
  "SNAT",
  "DNAT",
];

/** The order in which the types of `addrtype` are printed. */
export const addrTypeOrder = ["UNICAST", "LOCAL", "BROADCAST", "MULTICAST"] as const;

/** Every port: what `-m tcp` without an option matches. */
export const isEveryPort = (ports: PortRange): boolean => ports.first === 0 && ports.last === 65535;

/** The probability as the kernel keeps it, in units of 2^-31. */
export const keptProbability = (probability: number): number => Math.round(probability * 0x80000000) / 0x80000000;

/** The order of the conditions that iptables keeps apart from its extensions. */
const headRank: Readonly<Partial<Record<Match["kind"], number>>> = {
  source: 0,
  destination: 1,
  in: 2,
  out: 3,
  protocol: 4,
};
const extensionRank = 5;
const rankOf = (match: Match): number => headRank[match.kind] ?? extensionRank;

/** Conditions that everything meets, `-i +` and `-s 0.0.0.0/0`: iptables takes them and forgets them. */
const isVacuous = (match: Match): boolean => {
  if (match.kind === "in" || match.kind === "out") return match.interface === "+" && !match.not;
  return (match.kind === "source" || match.kind === "destination") && match.cidr.prefix === 0 && !match.not;
};

const isInOrder = (matches: readonly Match[]): boolean => {
  let before = 0;
  for (const match of matches) {
    const rank = rankOf(match);
    if (rank < before || isVacuous(match)) return false;
    before = rank;
  }
  return true;
};

/** The conditions that iptables keeps apart from its extensions, in the order it prints them, then the extensions in theirs. */
export const matchesInOrder = (matches: readonly Match[]): readonly Match[] =>
  isInOrder(matches) ? matches : matches.filter(match => !isVacuous(match)).sort((a, b) => rankOf(a) - rankOf(b));
