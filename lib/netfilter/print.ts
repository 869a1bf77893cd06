import { InputError } from "../errors.js";
import {
  type AddrRange,
  type CountedRuleset,
  type Counters,
  type Match,
  type PortRange,
  type Rule,
  type Ruleset,
  type TableName,
  type Target,
} from "./ruleset.js";
import { builtIns, chainsOf } from "./check.js";
import { addrTypeOrder, isEveryPort, keptProbability, matchesInOrder, stateOrder } from "./order.js";
import { formatAddr } from "../ip/addr.js";
import { type Cidr, formatCidr } from "../ip/cidr.js";

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
const bang = (not: boolean): string => (not ? "! " : "");
const portRange = (ports: PortRange, between: string): string =>
  ports.first === ports.last ? `${ports.first}` : `${ports.first}${between}${ports.last}`;
const addrRange = (range: AddrRange): string => `${formatAddr(range.first)}-${formatAddr(range.last)}`;
const masked = (value: number, mask: number): string =>
  mask >>> 0 === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`;
const inOrder = <T>(order: readonly T[], given: readonly T[]): string =>
  order.filter(item => given.includes(item)).join(",");

const probabilityText = (probability: number): string => keptProbability(probability).toFixed(11);

/** Quotes as iptables-save does: only what is not a plain word. */
const quote = (text: string): string =>
  /^[\w-]+$/.test(text) ? text : `"${text.replace(/["\\']/g, found => `\\${found}`)}"`;

const natDestination = (target: Target & { readonly kind: "SNAT" | "DNAT" }): string => {
  const { addresses, ports } = target;
  const address =
    addresses === undefined
      ? ""
      : addresses.first === addresses.last
        ? formatAddr(addresses.first)
        : addrRange(addresses);
  return ports === undefined ? address : `${address}:${portRange(ports, "-")}`;
};

/** Two matches that one `-m` can hold: sport then dport, source then destination. */
const joins = (before: Match | undefined, match: Match): boolean => {
  if (before === undefined) return false;
  if (before.kind === "sport" && match.kind === "dport") return before.proto === match.proto;
  if (
    (before.kind === "iprange" && match.kind === "iprange") ||
    (before.kind === "addrtype" && match.kind === "addrtype")
  )
    return before.on === "source" && match.on === "destination";
  return false;
};

const matchText = (match: Match, joined: boolean): string => {
  const module = (name: string, options: string): string =>
    joined ? options : `-m ${name}${options === "" ? "" : ` ${options}`}`;
  switch (match.kind) {
    case "source":
      return `${bang(match.not)}-s ${formatCidr(match.cidr)}`;
    case "destination":
      return `${bang(match.not)}-d ${formatCidr(match.cidr)}`;
    case "in":
      return `${bang(match.not)}-i ${match.interface}`;
    case "out":
      return `${bang(match.not)}-o ${match.interface}`;
    case "protocol":
      return `${bang(match.not)}-p ${match.proto}`;
    case "sport":
    case "dport":
      return module(
        match.proto,
        isEveryPort(match.ports) ? "" : `${bang(match.not)}--${match.kind} ${portRange(match.ports, ":")}`,
      );
    case "multiport":
      return module(
        "multiport",
        `${bang(match.not)}--${match.on} ${match.ports.map(ports => portRange(ports, ":")).join(",")}`,
      );
    case "iprange":
      return module(
        "iprange",
        `${bang(match.not)}--${match.on === "source" ? "src" : "dst"}-range ${addrRange(match.range)}`,
      );
    case "addrtype":
      return module(
        "addrtype",
        `${bang(match.not)}--${match.on === "source" ? "src" : "dst"}-type ${inOrder(addrTypeOrder, match.types)}`,
      );
    case "mark":
      return module("mark", `${bang(match.not)}--mark ${masked(match.value, match.mask)}`);
    case "comment":
      return module("comment", `--comment ${quote(match.text)}`);
    case "statistic":
      return match.mode === "random"
        ? module("statistic", `--mode random ${bang(match.not)}--probability ${probabilityText(match.probability)}`)
        : module("statistic", `--mode nth ${bang(match.not)}--every ${match.every} --packet ${match.packet}`);
    case "conntrack":
      return module(
        match.module,
        `${bang(match.not)}--${match.module === "conntrack" ? "ctstate" : "state"} ${inOrder(stateOrder, match.states)}`,
      );
  }
};

const targetText = (target: Target): string => {
  switch (target.kind) {
    case "none":
      return "";
    case "jump":
      return `-j ${target.chain}`;
    case "goto":
      return `-g ${target.chain}`;
    case "REJECT":
      return `-j REJECT --reject-with ${target.with}`;
    case "MARK":
      return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case "MASQUERADE":
      return `-j MASQUERADE${target.ports === undefined ? "" : ` --to-ports ${portRange(target.ports, "-")}`}${target.randomFully ? " --random-fully" : ""}`;
    case "SNAT":
    case "DNAT":
      return `-j ${target.kind} --to-${target.kind === "SNAT" ? "source" : "destination"} ${natDestination(target)}${target.randomFully ? " --random-fully" : ""}`;
    default:
      return `-j ${target.kind}`;
  }
};

/** A rule as `iptables-save` prints it after `-A CHAIN`; empty for one that matches everything and does nothing. */
export const formatRule = (rule: Rule): string => {
  let text = "";
  let before: Match | undefined;
  for (const match of matchesInOrder(rule.matches)) {
    const next = matchText(match, joins(before, match));
    if (next !== "") text = text === "" ? next : `${text} ${next}`;
    before = match;
  }
  const target = targetText(rule.target);
  return text === "" || target === "" ? text + target : `${text} ${target}`;
};

/** What {@link printSave} prints beside the rules. */
export interface SaveOptions {
  /** Prefix each rule with its counters, as `iptables-save -c` does. */
  readonly counters?: boolean;
  /** The time to print in comments around each table, `Mon Nov 23 02:49:40 2026`; without it there are no comments. */
  readonly generated?: string;
}

const noCounters: Counters = { packets: 0, bytes: 0 };
const countersOf = (of: object): Counters =>
  "counters" in of ? (of as { readonly counters: Counters }).counters : noCounters;
const countersText = (of: object): string => {
  const { packets, bytes } = countersOf(of);
  return `[${packets}:${bytes}]`;
};

/**
 * Rules as `iptables-save` of iptables 1.8.9 prints them: tables as they come, every built-in chain, user chains by name.
 * @param ruleset with the counters of a {@link CountedRuleset}, or zeros
 */
export const printSave = (ruleset: Ruleset | CountedRuleset, options: SaveOptions = {}): string => {
  const lines: string[] = [];
  const around = (what: string): void => {
    if (options.generated !== undefined) lines.push(`# ${what} on ${options.generated}`);
  };
  for (const table of ruleset.tables) {
    const chains = chainsOf(table);
    around("Generated by iptables-save v1.8.9");
    lines.push(`*${table.name}`);
    for (const chain of chains) {
      const policy = chain.policy ?? (isBuiltIn(table.name, chain.name) ? "ACCEPT" : "-");
      lines.push(`:${chain.name} ${policy} ${countersText(chain)}`);
    }
    for (const chain of chains) {
      const command = `-A ${chain.name}`;
      for (const rule of chain.rules) {
        const text = formatRule(rule);
        const line = text === "" ? command : `${command} ${text}`;
        lines.push(options.counters === true ? `${countersText(rule)} ${line}` : line);
      }
    }
    lines.push("COMMIT");
    around("Completed");
  }
  lines.push("");
  return lines.join("\n");
};

const isBuiltIn = (table: TableName, chain: string): boolean => (builtIns[table] as readonly string[]).includes(chain);

const listPorts = (name: string, { not, ports }: { readonly not: boolean; readonly ports: PortRange }): string =>
  isEveryPort(ports)
    ? ""
    : ` ${name}pt${ports.first === ports.last ? "" : "s"}:${not ? "!" : ""}${portRange(ports, ":")}`;

const listMatch = (match: Match, joined: boolean): string => {
  switch (match.kind) {
    case "sport":
    case "dport":
      return `${joined ? "" : ` ${match.proto}`}${listPorts(match.kind[0]!, match)}`;
    case "multiport":
      return ` multiport ${match.on} ${match.not ? " !" : ""}${match.ports.map(ports => portRange(ports, ":")).join(",")}`;
    case "iprange":
      return ` ${match.on} IP range ${bang(match.not)}${addrRange(match.range)}`;
    case "addrtype":
      return `${joined ? "" : " ADDRTYPE match"} ${match.on === "source" ? "src" : "dst"}-type ${match.not ? "!" : ""}${inOrder(addrTypeOrder, match.types)}`;
    case "mark":
      return ` mark match ${bang(match.not)}${masked(match.value, match.mask)}`;
    case "comment":
      return ` /* ${match.text} */`;
    case "statistic":
      return match.mode === "random"
        ? ` statistic mode random ${bang(match.not)}probability ${probabilityText(match.probability)}`
        : ` statistic mode nth ${bang(match.not)}every ${match.every}${match.packet === 0 ? "" : ` packet ${match.packet}`}`;
    case "conntrack":
      return ` ${bang(match.not)}${match.module === "conntrack" ? "ctstate" : "state"} ${inOrder(stateOrder, match.states)}`;
    default:
      return "";
  }
};

const listMark = (value: number, mask: number): string => {
  if (value >>> 0 === 0) return `and ${hex(~mask)}`;
  if (value >>> 0 === mask >>> 0) return `or ${hex(value)}`;
  if (mask >>> 0 === 0) return `xor ${hex(value)}`;
  return mask >>> 0 === 0xffffffff ? `set ${hex(value)}` : `xset ${hex(value)}/${hex(mask)}`;
};

const listTarget = (target: Target): string => {
  const fully = "randomFully" in target && target.randomFully ? " random-fully" : "";
  switch (target.kind) {
    case "REJECT":
      return ` reject-with ${target.with}`;
    case "MARK":
      return ` MARK ${listMark(target.value, target.mask)}`;
    case "MASQUERADE":
      return `${target.ports === undefined ? "" : ` masq ports: ${portRange(target.ports, "-")}`}${fully}`;
    case "SNAT":
    case "DNAT":
      return ` to:${natDestination(target)}${fully}`;
    default:
      return "";
  }
};

const targetName = (target: Target): string =>
  target.kind === "jump" || target.kind === "goto" ? target.chain : target.kind === "none" ? "" : target.kind;

const listAddress = (cidr: Cidr): string => (cidr.prefix === 32 ? formatAddr(cidr.base) : formatCidr(cidr));

const listRule = (rule: Rule): string => {
  const matches = matchesInOrder(rule.matches);
  const column = (
    kind: Match["kind"],
    any: string,
    show: (match: Match) => string,
  ): { readonly not: string; readonly text: string } => {
    const match = matches.find(candidate => candidate.kind === kind);
    return {
      not: match !== undefined && "not" in match && match.not ? "!" : "",
      text: match === undefined ? any : show(match),
    };
  };
  const address = (match: Match): string => ("cidr" in match ? listAddress(match.cidr) : "");
  const link = (match: Match): string => ("interface" in match ? match.interface : "");
  const proto = column("protocol", "all", match => ("proto" in match ? match.proto : ""));
  const from = column("in", "*", link);
  const to = column("out", "*", link);
  const source = column("source", "0.0.0.0/0", address);
  const destination = column("destination", "0.0.0.0/0", address);
  const interfaces = `${(from.not + from.text).padEnd(6)} ${(to.not + to.text).padEnd(6)}`;
  const { target } = rule;
  return [
    `${targetName(target).padEnd(9)} ${proto.not.padEnd(1)}${proto.text.padEnd(5)}--  ${interfaces} `,
    `${source.not.padEnd(1)}${source.text.padEnd(19)} ${destination.not.padEnd(1)}${destination.text.padEnd(19)} `,
    target.kind === "goto" ? "[goto] " : "",
    ...matches.map((match, index) => listMatch(match, joins(matches[index - 1], match))),
    listTarget(target),
  ].join("");
};

/** Counters stand under their headings only up to eight digits; longer ones push what follows, as in the real program. */
const listCounters = ({ packets, bytes }: Counters): string =>
  `${String(packets).padStart(8)} ${String(bytes).padStart(8)}`;

const heading = "    pkts      bytes target     prot opt in     out     source               destination         ";

/**
 * A table as `iptables -t TABLE -vxnL [CHAIN]` prints it. Protocols are named (`all`, `tcp`), as iptables printed them until
 * 1.8.8; 1.8.9 prints their numbers.
 * @throws InputError when the table or the chain does not exist
 */
export const printList = (ruleset: CountedRuleset, tableName: TableName, chainName?: string): string => {
  const table = ruleset.tables.find(candidate => candidate.name === tableName) ?? { name: tableName, chains: [] };
  if (!Object.hasOwn(builtIns, tableName))
    throw new InputError({
      where: "iptables -t",
      value: tableName,
      problem: "is no table",
      expected: Object.keys(builtIns).join(", "),
    });
  const chains = chainsOf(table);
  const shown = chainName === undefined ? chains : chains.filter(chain => chain.name === chainName);
  if (shown.length === 0)
    throw new InputError({
      where: `iptables -t ${tableName} -L`,
      value: chainName,
      problem: "is no chain of the table",
      expected: chains.map(chain => chain.name).join(", "),
    });
  const references = new Map<string, number>();
  for (const { target } of chains.flatMap(chain => chain.rules))
    if (target.kind === "jump" || target.kind === "goto")
      references.set(target.chain, (references.get(target.chain) ?? 0) + 1);
  return shown
    .map(chain => {
      const { packets, bytes } = countersOf(chain);
      const about = isBuiltIn(tableName, chain.name)
        ? `policy ${chain.policy ?? "ACCEPT"} ${packets} packets, ${bytes} bytes`
        : `${references.get(chain.name) ?? 0} references`;
      const rows = chain.rules.map(rule => `${listCounters(countersOf(rule))} ${listRule(rule)}`);
      return [`Chain ${chain.name} (${about})`, heading, ...rows].map(line => `${line}\n`).join("");
    })
    .join("\n");
};
