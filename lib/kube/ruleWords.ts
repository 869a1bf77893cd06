import type { Cidr } from "../ip/cidr.js";
import type {
  Chain,
  ConntrackState,
  Hook,
  Match,
  RejectWith,
  Rule,
  Ruleset,
  Table,
  TableName,
  Target,
} from "../netfilter/ruleset.js";

/** Short words for the rules that nodes have. */

export const rule = (target: Target, ...matches: readonly Match[]): Rule => ({ matches, target });
export const jump = (name: string): Target => ({ kind: "jump", chain: name });
export const accept: Target = { kind: "ACCEPT" };
export const drop: Target = { kind: "DROP" };
export const returns: Target = { kind: "RETURN" };
export const masquerade: Target = { kind: "MASQUERADE", randomFully: false };
export const rejectWith = (how: RejectWith): Target => ({ kind: "REJECT", with: how });
/** Sets the bits of `value`, and leaves the others (--or-mark). */
export const setMark = (value: number): Target => ({ kind: "MARK", value, mask: value });

export const comment = (text: string): Match => ({ kind: "comment", text });
export const source = (cidr: Cidr, not = false): Match => ({ kind: "source", not, cidr });
export const destination = (cidr: Cidr, not = false): Match => ({ kind: "destination", not, cidr });
export const inBy = (name: string): Match => ({ kind: "in", not: false, interface: name });
export const outBy = (name: string, not = false): Match => ({ kind: "out", not, interface: name });
export const protocol = (proto: "tcp" | "udp"): Match => ({ kind: "protocol", not: false, proto });
export const dport = (proto: "tcp" | "udp", port: number): Match => ({
  kind: "dport",
  not: false,
  proto,
  ports: { first: port, last: port },
});
/** `-m tcp` without an option, as kube-proxy writes it. */
export const anyPort = (proto: "tcp" | "udp"): Match => ({
  kind: "dport",
  not: false,
  proto,
  ports: { first: 0, last: 65535 },
});
export const dstLocal: Match = { kind: "addrtype", not: false, on: "destination", types: ["LOCAL"] };
export const dstNotLocal: Match = { kind: "addrtype", not: true, on: "destination", types: ["LOCAL"] };
export const mark = (value: number): Match => ({ kind: "mark", not: false, value, mask: value });
export const conntrack = (...states: readonly ConntrackState[]): Match => ({
  kind: "conntrack",
  not: false,
  module: "conntrack",
  states,
});

export const chain = (name: string, rules: readonly Rule[]): Chain => ({ name, rules });
export const table = (name: TableName, chains: readonly Chain[]): Table => ({ name, chains });

/** The built-in chains of the tables that nodes use, in the order that iptables-save prints. */
const builtIn: Readonly<Record<"nat" | "filter", readonly Hook[]>> = {
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

/**
 * Rules of several programs in one set: within a chain in the order given.
 * Built-in chains come first, with policy ACCEPT, then the others by name, as iptables (legacy) keeps them.
 */
export const combine = (parts: readonly Ruleset[]): Ruleset => ({
  tables: (["nat", "filter"] as const).map(name => {
    const own = new Map<string, Rule[]>(builtIn[name].map(hook => [hook, []]));
    for (const part of parts)
      for (const { name: tableName, chains } of part.tables)
        if (tableName === name)
          for (const { name: chainName, rules } of chains) {
            const known = own.get(chainName);
            if (known === undefined) own.set(chainName, [...rules]);
            else for (const one of rules) known.push(one);
          }
    const user = [...own.keys()].slice(builtIn[name].length).sort();
    return table(name, [
      ...builtIn[name].map(hook => ({ name: hook, policy: "ACCEPT" as const, rules: own.get(hook)! })),
      ...user.map(chainName => chain(chainName, own.get(chainName)!)),
    ]);
  }),
});
