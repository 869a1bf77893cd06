import { InputError } from "../errors.js";
import type { Chain, Hook, Match, Rule, Ruleset, Table, TableName, Target } from "./ruleset.js";

/** The hooks at which each table has a chain, in the order that `iptables-save` prints. */
export const builtIns: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

const byName = (a: Chain, b: Chain): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const inOrder = (chains: readonly Chain[]): readonly Chain[] =>
  chains.every((chain, index) => index === 0 || byName(chains[index - 1]!, chain) <= 0)
    ? chains
    : [...chains].sort(byName);

/** The chains of a table as iptables keeps them: every built-in one in hook order, then the user's by name. */
export const chainsOf = (table: Table): readonly Chain[] => {
  const hooks: readonly string[] = builtIns[table.name];
  return [
    ...hooks.map(
      (name): Chain => table.chains.find(chain => chain.name === name) ?? { name, policy: "ACCEPT", rules: [] },
    ),
    ...inOrder(table.chains.filter(chain => !hooks.includes(chain.name))),
  ];
};

/** Where a rule stands, for an error: a line of a file, or table and chain. */
export type Locate = (table: Table, chain: Chain, number?: number) => string;

const place: Locate = (table, chain, number) =>
  `${table.name} ${chain.name}${number === undefined ? "" : ` rule ${number}`}`;

const specialNames = new Set(["ACCEPT", "DROP", "RETURN", "QUEUE"]);
const plainName = /^\w[\w-]*$/;

/** What is wrong with a chain's name; undefined when nothing is. */
export const chainNameProblem = (name: string): string | undefined => {
  if (name === "") return "is empty";
  if (name.length > 28) return "is longer than 28 characters";
  if (plainName.test(name)) return specialNames.has(name) ? "is the name of a target" : undefined;
  if (/^[-!]/.test(name)) return "starts with - or !";
  if (/[\s"\\]/.test(name)) return "holds white space, a quote or a backslash";
  return undefined;
};

/** Where a target may be met; one that is not here: anywhere. */
const homes: Readonly<Partial<Record<Target["kind"], { readonly table: TableName; readonly hooks: readonly Hook[] }>>> =
  {
    MASQUERADE: { table: "nat", hooks: ["POSTROUTING"] },
    SNAT: { table: "nat", hooks: ["INPUT", "POSTROUTING"] },
    DNAT: { table: "nat", hooks: ["PREROUTING", "OUTPUT"] },
    REJECT: { table: "filter", hooks: ["INPUT", "FORWARD", "OUTPUT"] },
  };

/** Which chains of a table jump where; a chain goes by its place among the table's chains. */
interface Jumps {
  /** The jumps of chain `i` are those from `starts[i]` to before `starts[i + 1]`. */
  readonly starts: readonly number[];
  readonly to: readonly number[];
  /** The rule that jumps; 1 is the first. */
  readonly numbers: readonly number[];
}

interface Order {
  /** Every chain after all that it jumps to. */
  readonly chains: readonly number[];
  /** The first jump that closes a circle. */
  readonly loop?: { readonly chain: number; readonly jump: number };
}

const orderOf = ({ starts, to }: Jumps): Order => {
  const count = starts.length - 1;
  const onPath = new Uint8Array(count);
  const done = new Uint8Array(count);
  const next = starts.slice(0, count);
  const chains: number[] = [];
  const path: number[] = [];
  for (let start = 0; start < count; start++) {
    if (done[start] !== 0) continue;
    path.push(start);
    onPath[start] = 1;
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const jump = next[top]!;
      if (jump === starts[top + 1]) {
        done[top] = 1;
        onPath[top] = 0;
        chains.push(top);
        path.pop();
        continue;
      }
      next[top] = jump + 1;
      const target = to[jump]!;
      if (onPath[target] === 1) return { chains, loop: { chain: top, jump } };
      if (done[target] === 1) continue;
      path.push(target);
      onPath[target] = 1;
    }
  }
  return { chains };
};

/** The hooks that each chain is reached from, as bits in the order of `hooks`. */
const reachedFrom = (
  names: ReadonlyMap<string, number>,
  hooks: readonly Hook[],
  { starts, to }: Jumps,
  order: readonly number[],
): Uint8Array => {
  const bits = new Uint8Array(order.length);
  hooks.forEach((hook, index) => {
    const chain = names.get(hook);
    if (chain !== undefined) bits[chain]! |= 1 << index;
  });
  for (let i = order.length - 1; i >= 0; i--) {
    const chain = order[i]!;
    for (let jump = starts[chain]!; jump < starts[chain + 1]!; jump++) bits[to[jump]!]! |= bits[chain]!;
  }
  return bits;
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

const headBit = { source: 1, destination: 2, in: 4, out: 8, protocol: 16 } as const;

/** A thing that iptables refuses. */
interface Found {
  readonly value: string;
  readonly problem: string;
  readonly expected: string;
}

/** What is wrong within one rule; undefined when nothing is. */
const ruleProblem = (rule: Rule, chain: Chain): Found | undefined => {
  const protocol = protocolOf(rule);
  const proto = protocol === undefined || protocol.not ? undefined : protocol.proto;
  let heads = 0;
  let multiportOn: "sports" | "dports" | "ports" | undefined;
  for (const match of rule.matches) {
    if (match.kind === "sport" || match.kind === "dport") {
      if (match.proto !== proto)
        return { value: `-m ${match.proto}`, problem: "needs the protocol named", expected: `-p ${match.proto}` };
    } else if (match.kind === "multiport") {
      if (proto !== "tcp" && proto !== "udp")
        return { value: "-m multiport", problem: "needs a protocol with ports", expected: "-p tcp or -p udp" };
      const places = match.ports.reduce((sum, range) => sum + (range.first === range.last ? 1 : 2), 0);
      multiportOn ??= match.on;
      if (match.on !== multiportOn)
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
      const head = headBit[match.kind];
      if ((heads & head) !== 0)
        return {
          value: match.kind,
          problem: "is matched twice",
          expected: "each of source, destination, in, out and protocol at most once",
        };
      heads |= head;
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
  const names = new Map<string, number>();
  table.chains.forEach((chain, index) => {
    const problem = names.has(chain.name) ? "is defined twice" : chainNameProblem(chain.name);
    if (problem !== undefined)
      throw new InputError({
        where: locate(table, chain),
        value: chain.name,
        problem,
        expected: "a chain name of its own",
      });
    if (chain.policy !== undefined && !hooks.includes(chain.name))
      throw new InputError({
        where: locate(table, chain),
        value: chain.policy,
        problem: "is a policy for a user chain",
        expected: `a policy only for ${hooks.join(", ")}`,
      });
    names.set(chain.name, index);
  });
  const jumps = { starts: [0], to: [] as number[], numbers: [] as number[] };
  const isHook = table.chains.map(({ name }) => hooks.includes(name));
  for (const chain of table.chains) {
    chain.rules.forEach((rule, index) => {
      const { target } = rule;
      const refuse = (found: Found): never => {
        throw new InputError({ where: locate(table, chain, index + 1), ...found });
      };
      if (target.kind === "jump" || target.kind === "goto") {
        const to = names.get(target.chain);
        if (to === undefined || isHook[to] === true)
          return refuse({
            value: target.chain,
            problem: `is no user chain of table ${table.name}`,
            expected: "a chain that the table defines",
          });
        jumps.to.push(to);
        jumps.numbers.push(index + 1);
      }
      if (target.kind === "DROP" && table.name === "nat")
        refuse({
          value: "DROP",
          problem: "is not allowed in the nat table, which is not for filtering",
          expected: "DROP in the filter table",
        });
      const found = ruleProblem(rule, chain);
      if (found !== undefined) refuse(found);
      const at = homes[target.kind];
      if (at !== undefined && at.table !== table.name)
        refuse({
          value: target.kind,
          problem: `is not possible in table ${table.name}`,
          expected: `table ${at.table}`,
        });
    });
    jumps.starts.push(jumps.to.length);
  }
  const order = orderOf(jumps);
  if (order.loop !== undefined)
    throw new InputError({
      where: locate(table, table.chains[order.loop.chain]!, jumps.numbers[order.loop.jump]),
      value: table.chains[jumps.to[order.loop.jump]!]!.name,
      problem: "leads back to itself",
      expected: "jumps that never come round",
    });
  const reached = reachedFrom(names, builtIns[table.name], jumps, order.chains);
  table.chains.forEach((chain, place) => {
    chain.rules.forEach(({ target }, index) => {
      const at = homes[target.kind];
      const hook =
        at === undefined
          ? undefined
          : builtIns[table.name].find((name, bit) => (reached[place]! & (1 << bit)) !== 0 && !at.hooks.includes(name));
      if (at !== undefined && hook !== undefined)
        throw new InputError({
          where: locate(table, chain, index + 1),
          value: target.kind,
          problem: `is reached from ${hook}`,
          expected: `${target.kind} reached only from ${at.hooks.join(", ")}`,
        });
    });
  });
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
