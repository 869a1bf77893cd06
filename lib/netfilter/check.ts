import { InputError } from "../errors.js";
import type { Chain, Hook, Match, Rule, Ruleset, Table, TableName, Target } from "./types.js";

/** The hooks at which each table has a chain, in the order that `iptables-save` prints. */
export const builtIns: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

const byName = (a: Chain, b: Chain): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The chains of a table as iptables keeps them: every built-in one in hook order, then the user's by name. */
export const chainsOf = (table: Table): readonly Chain[] => {
  const hooks: readonly string[] = builtIns[table.name];
  return [
    ...hooks.map(
      (name): Chain => table.chains.find(chain => chain.name === name) ?? { name, policy: "ACCEPT", rules: [] },
    ),
    ...table.chains.filter(chain => !hooks.includes(chain.name)).sort(byName),
  ];
};

/** Where a rule stands, for an error: a line of a file, or table and chain. */
export type Locate = (table: Table, chain: Chain, number?: number) => string;

const place: Locate = (table, chain, number) =>
  `${table.name} ${chain.name}${number === undefined ? "" : ` rule ${number}`}`;

const specialNames = ["ACCEPT", "DROP", "RETURN", "QUEUE"];

/** What is wrong with a chain's name; undefined when nothing is. */
export const chainNameProblem = (name: string): string | undefined => {
  if (name === "") return "is empty";
  if (name.length > 28) return "is longer than 28 characters";
  if (/^[-!]/.test(name)) return "starts with - or !";
  if (/[\s"\\]/.test(name)) return "holds white space, a quote or a backslash";
  if (specialNames.includes(name)) return "is the name of a target";
  return undefined;
};

/** The tables and hooks that a target may be met at; undefined: any. */
const home = (kind: Target["kind"]): { readonly table: TableName; readonly hooks: readonly Hook[] } | undefined => {
  switch (kind) {
    case "MASQUERADE":
      return { table: "nat", hooks: ["POSTROUTING"] };
    case "SNAT":
      return { table: "nat", hooks: ["INPUT", "POSTROUTING"] };
    case "DNAT":
      return { table: "nat", hooks: ["PREROUTING", "OUTPUT"] };
    case "REJECT":
      return { table: "filter", hooks: ["INPUT", "FORWARD", "OUTPUT"] };
    default:
      return undefined;
  }
};

/** What chains can be reached from a hook. */
const reachable = (chains: ReadonlyMap<string, Chain>, from: Chain): Set<Chain> => {
  const seen = new Set<Chain>();
  const waiting = [from];
  for (let chain = waiting.pop(); chain !== undefined; chain = waiting.pop()) {
    if (seen.has(chain)) continue;
    seen.add(chain);
    for (const { target } of chain.rules) {
      const next = target.kind === "jump" || target.kind === "goto" ? chains.get(target.chain) : undefined;
      if (next !== undefined) waiting.push(next);
    }
  }
  return seen;
};

/** The first jump that closes a circle. */
const findLoop = (
  chains: ReadonlyMap<string, Chain>,
): { readonly chain: Chain; readonly number: number; readonly target: string } | undefined => {
  const done = new Set<Chain>();
  for (const start of chains.values()) {
    const path: { chain: Chain; next: number }[] = [{ chain: start, next: 0 }];
    const onPath = new Set<Chain>([start]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const rule = done.has(top.chain) ? undefined : top.chain.rules[top.next++];
      if (rule === undefined) {
        done.add(top.chain);
        onPath.delete(top.chain);
        path.pop();
      } else if (rule.target.kind === "jump" || rule.target.kind === "goto") {
        const chain = chains.get(rule.target.chain);
        if (chain === undefined) continue;
        if (onPath.has(chain)) return { chain: top.chain, number: top.next, target: chain.name };
        path.push({ chain, next: 0 });
        onPath.add(chain);
      }
    }
  }
  return undefined;
};

const protocolOf = (rule: Rule): (Match & { readonly kind: "protocol" }) | undefined =>
  rule.matches.find((match): match is Match & { readonly kind: "protocol" } => match.kind === "protocol");

const needsPorts = (target: Target): boolean =>
  (target.kind === "MASQUERADE" || target.kind === "SNAT" || target.kind === "DNAT") && target.ports !== undefined;

/** Why a chain's rules cannot ask for an interface, `+` for any included; undefined where they can. */
export const interfaceProblem = (
  chain: string,
  side: "in" | "out",
): { readonly problem: string; readonly expected: string } | undefined => {
  const problem = `cannot be known in ${chain}`;
  if (side === "in" && (chain === "OUTPUT" || chain === "POSTROUTING"))
    return { problem, expected: "-i in PREROUTING, INPUT, FORWARD or a user chain" };
  if (side === "out" && (chain === "PREROUTING" || chain === "INPUT"))
    return { problem, expected: "-o in FORWARD, OUTPUT, POSTROUTING or a user chain" };
  return undefined;
};

/** What is wrong within one rule; undefined when nothing is. */
const ruleProblem = (
  rule: Rule,
  chain: Chain,
): { readonly value: string; readonly problem: string; readonly expected: string } | undefined => {
  const protocol = protocolOf(rule);
  const proto = protocol === undefined || protocol.not ? undefined : protocol.proto;
  const heads = new Set<Match["kind"]>();
  for (const match of rule.matches) {
    if (match.kind === "sport" || match.kind === "dport") {
      if (match.proto !== proto)
        return { value: `-m ${match.proto}`, problem: "needs the protocol named", expected: `-p ${match.proto}` };
    } else if (match.kind === "multiport") {
      if (proto !== "tcp" && proto !== "udp")
        return { value: "-m multiport", problem: "needs a protocol with ports", expected: "-p tcp or -p udp" };
      const places = match.ports.reduce((sum, range) => sum + (range.first === range.last ? 1 : 2), 0);
      if (rule.matches.some(other => other.kind === "multiport" && other.on !== match.on))
        return {
          value: `--${match.on}`,
          problem: "cannot stand beside another kind of multiport",
          expected: "--sports, --dports or --ports in one rule",
        };
      if (places === 0 || places > 15)
        return {
          value: `-m multiport with ${places} ports`,
          problem: "is not possible",
          expected: "1 to 15 ports, a range counting as two",
        };
    } else if (
      match.kind === "source" ||
      match.kind === "destination" ||
      match.kind === "in" ||
      match.kind === "out" ||
      match.kind === "protocol"
    ) {
      if (heads.has(match.kind))
        return {
          value: match.kind,
          problem: "is matched twice",
          expected: "each of source, destination, in, out and protocol at most once",
        };
      heads.add(match.kind);
      const unknowable =
        match.kind === "in" || match.kind === "out" ? interfaceProblem(chain.name, match.kind) : undefined;
      if ((match.kind === "in" || match.kind === "out") && unknowable !== undefined)
        return { value: `${match.kind === "in" ? "-i" : "-o"} ${match.interface}`, ...unknowable };
    }
  }
  if (needsPorts(rule.target) && protocol === undefined)
    return { value: rule.target.kind, problem: "with ports needs a protocol", expected: "-p tcp, -p udp or -p icmp" };
  if (
    (rule.target.kind === "SNAT" || rule.target.kind === "DNAT") &&
    rule.target.addresses === undefined &&
    rule.target.ports === undefined
  )
    return { value: rule.target.kind, problem: "does not say to what", expected: "addresses, ports or both" };
  if (rule.target.kind === "DNAT" && rule.target.randomFully)
    return { value: "--random-fully", problem: "is no option of DNAT", expected: "DNAT without it" };
  if (rule.target.kind === "REJECT" && rule.target.with === "tcp-reset" && proto !== "tcp")
    return { value: "--reject-with tcp-reset", problem: "answers TCP only", expected: "-p tcp" };
  return undefined;
};

const checkTable = (table: Table, locate: Locate): void => {
  const hooks: readonly string[] = builtIns[table.name];
  const chains = new Map<string, Chain>();
  for (const chain of table.chains) {
    const isBuiltIn = hooks.includes(chain.name);
    const problem = chains.has(chain.name) ? "is defined twice" : chainNameProblem(chain.name);
    if (problem !== undefined)
      throw new InputError({
        where: locate(table, chain),
        value: chain.name,
        problem,
        expected: "a chain name of its own",
      });
    if (!isBuiltIn && chain.policy !== undefined)
      throw new InputError({
        where: locate(table, chain),
        value: chain.policy,
        problem: "is a policy for a user chain",
        expected: `a policy only for ${hooks.join(", ")}`,
      });
    chains.set(chain.name, chain);
  }
  for (const chain of chains.values()) {
    chain.rules.forEach((rule, index) => {
      const { target } = rule;
      const where = locate(table, chain, index + 1);
      if (target.kind === "jump" || target.kind === "goto") {
        if (!chains.has(target.chain) || hooks.includes(target.chain))
          throw new InputError({
            where,
            value: target.chain,
            problem: `is no user chain of table ${table.name}`,
            expected: "a chain that the table defines",
          });
      }
      if (target.kind === "DROP" && table.name === "nat")
        throw new InputError({
          where,
          value: "DROP",
          problem: "is not allowed in the nat table, which is not for filtering",
          expected: "DROP in the filter table",
        });
      const found = ruleProblem(rule, chain);
      if (found !== undefined) throw new InputError({ where, ...found });
      const at = home(target.kind);
      if (at !== undefined && at.table !== table.name)
        throw new InputError({
          where,
          value: target.kind,
          problem: `is not possible in table ${table.name}`,
          expected: `table ${at.table}`,
        });
    });
  }
  const loop = findLoop(chains);
  if (loop !== undefined)
    throw new InputError({
      where: locate(table, loop.chain, loop.number),
      value: loop.target,
      problem: "leads back to itself",
      expected: "jumps that never come round",
    });
  for (const hook of builtIns[table.name]) {
    const start = chains.get(hook);
    if (start === undefined) continue;
    for (const chain of reachable(chains, start)) {
      chain.rules.forEach(({ target }, index) => {
        const at = home(target.kind);
        if (at !== undefined && !at.hooks.includes(hook))
          throw new InputError({
            where: locate(table, chain, index + 1),
            value: target.kind,
            problem: `is reached from ${hook}`,
            expected: `${target.kind} reached only from ${at.hooks.join(", ")}`,
          });
      });
    }
  }
};

/**
 * Refuses what iptables would: jumps to no chain or in circles, targets where they cannot work, matches that lack their protocol.
 * @throws InputError
 */
export const checkRuleset = (ruleset: Ruleset, locate: Locate = place): void => {
  const seen = new Set<TableName>();
  for (const table of ruleset.tables) {
    if (!Object.hasOwn(builtIns, table.name))
      throw new InputError({
        where: "ruleset",
        value: table.name,
        problem: "is no table",
        expected: Object.keys(builtIns).join(", "),
      });
    if (seen.has(table.name))
      throw new InputError({
        where: "ruleset",
        value: table.name,
        problem: "is there twice",
        expected: "each table once",
      });
    seen.add(table.name);
    checkTable(table, locate);
  }
};
