import { type Addr, addr, formatAddr } from "../../lib/ip/addr.js";
import type { Network } from "../../lib/net/network.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { printSave } from "../../lib/netfilter/print.js";
import type { Ruleset } from "../../lib/netfilter/ruleset.js";

/**
 * A network as JSON that one can read: addresses with dots, blocks with a slash, rules as iptables-save prints them.
 * What is new in {@link Network} needs nothing new here, as long as an address stands under one of these names.
 */
const addressKeys = new Set(["address", "via", "source", "publicAddress", "addresses", "backends"]);

const write = (key: string, value: unknown): unknown => {
  if (typeof value === "number") return addressKeys.has(key) ? formatAddr(value as Addr) : value;
  if (Array.isArray(value)) return value.map(entry => write(key, entry));
  if (typeof value !== "object" || value === null) return value;
  if ("tables" in value)
    return printSave(value as Ruleset)
      .trimEnd()
      .split("\n")
      .filter(isRule);
  const { base, address, prefix, ...rest } = value as Record<string, unknown>;
  const block = base ?? address;
  if (typeof block === "number" && typeof prefix === "number" && Object.keys(rest).length === 0)
    return `${formatAddr(block as Addr)}/${prefix}`;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, write(name, entry)]));
};

const isRule = (line: string): boolean => !/^:\S+ ACCEPT /.test(line);

const read = (key: string, value: unknown): unknown => {
  if (key === "rules" && Array.isArray(value)) return parseSave(value.map(line => `${String(line)}\n`).join(""));
  if (Array.isArray(value)) return value.map(entry => read(key, entry));
  if (typeof value === "string") {
    if (/^\d+\.\d+\.\d+\.\d+$/.test(value)) return addr(value);
    const [, base, prefix] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(value) ?? [];
    if (base === undefined) return value;
    return { [key === "addresses" ? "address" : "base"]: addr(base), prefix: Number(prefix) };
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, read(name, entry)]));
};

/** What a host, an interface or a network has when nothing is said. */
const usual: readonly (readonly [string, unknown])[] = [
  ["forwarding", false],
  ["bridgeNfCallIptables", false],
  ["hairpin", false],
  ["routes", []],
  ["rules", []],
  ["listeners", []],
  ["names", []],
  ["fabric", { addressSpace: [], subnets: [], nics: [], translators: [] }],
];

const isUsual = (key: string, value: unknown): boolean =>
  usual.some(([name, other]) => name === key && JSON.stringify(other) === JSON.stringify(value));

const withUsual = (of: object, ...names: readonly string[]): object => ({
  ...Object.fromEntries(usual.filter(([name]) => names.includes(name))),
  ...of,
});

const withoutUsual = (of: object): object => Object.fromEntries(Object.entries(of).filter(entry => !isUsual(...entry)));

/** The network as it is recorded: what is as usual is left out. */
export const networkToJson = (network: Network): unknown => {
  const written = write("", network) as {
    readonly hosts: readonly (object & { readonly interfaces: readonly object[] })[];
  };
  const hosts = written.hosts.map(host => ({ ...withoutUsual(host), interfaces: host.interfaces.map(withoutUsual) }));
  return { ...withoutUsual(written), hosts };
};

export const networkFromJson = (json: unknown): Network => {
  const { hosts, ...rest } = json as { readonly hosts: readonly object[] };
  const hostKeys = ["forwarding", "bridgeNfCallIptables", "routes", "rules", "listeners"];
  return read(
    "",
    withUsual({ ...rest, hosts: hosts.map(host => withUsual(host, ...hostKeys)) }, "names", "fabric"),
  ) as Network;
};
