import { parseAddr } from "../ip/addr.js";
import { isBroadcastFor } from "../net/options.js";
import { printList, printSave } from "../netfilter/print.js";
import type { TableName } from "../netfilter/ruleset.js";
import { printAddresses, printRoutes } from "../render/ipText.js";
import { printConntrack } from "../render/conntrack.js";
import { curlFailure, printCurl } from "../render/curl.js";
import { printPing } from "../render/ping.js";
import { printKubeletStatus } from "../render/systemctl.js";
import { builtins } from "./builtins.js";
import { type Arguments, fail, readFlags, toggle, value, wholeNumber } from "./flags.js";
import { runScript } from "./interpreter.js";
import { type Output, text } from "./output.js";
import { tcpdump } from "./tcpdump.js";
import type { Command, Machine } from "./command.js";

const only = (where: string, { rest }: Arguments, usage: string): string =>
  rest.length === 1 ? rest[0]! : fail(where, rest.join(" "), "is not one destination", usage);

const ping: Command = async ({ session, host, tty }, args) => {
  const read = readFlags("ping", args, {
    "-b": toggle("broadcast"),
    "-c": value("count"),
    "-s": value("size"),
    "-t": value("ttl"),
  });
  const name = only("ping", read, "ping [-b] [-c COUNT] [-s SIZE] [-t TTL] DESTINATION");
  const { count, size, ttl } = read.flags;
  const broadcast = "broadcast" in read.flags;
  const address = session.resolve(host, name) ?? parseAddr(name);
  const toAll = address !== undefined && isBroadcastFor(host, address);
  if (toAll && !broadcast)
    return text("ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules", 2);
  const result = await session.ping(host.id, name, {
    count: count === undefined ? session.pingCount : wholeNumber("ping -c", count, 1, 10000),
    ...(size !== undefined && { size: wholeNumber("ping -s", size, 0, 65507) }),
    ...(ttl !== undefined && { ttl: wholeNumber("ping -t", ttl, 1, 255) }),
    broadcast,
  });
  const printed = printPing(result, { name, end: count !== undefined ? "done" : tty ? "interrupted" : "cut" });
  return text(toAll ? `WARNING: pinging broadcast address\n${printed}` : printed, result.received > 0 ? 0 : 1);
};

const curl: Command = async ({ session, host }, args) => {
  const read = readFlags("curl", args, {
    "-s": toggle("silent"),
    "--silent": toggle("silent"),
    "-S": toggle("showError"),
    "--show-error": toggle("showError"),
  });
  const url = only("curl", read, "curl [-s] [-S] URL");
  const before = session.now;
  const result = await session.curl(host.id, url);
  const failure = curlFailure(result, session.now - before);
  const silent = "silent" in read.flags && !("showError" in read.flags);
  return text(
    printCurl(failure ?? { body: result.kind === "connected" ? result.body : "" }, { silent }),
    failure?.code ?? 0,
  );
};

const tableNames: readonly TableName[] = ["raw", "mangle", "nat", "filter"];
const tableName = (where: string, name: string): TableName =>
  tableNames.find(each => each === name) ?? fail(where, name, "is not a table", tableNames.join(", "));

const iptables: Command = async ({ session, host }, args) => {
  const { flags, rest } = readFlags("iptables", args, {
    "-t": value("table"),
    "--table": value("table"),
    "-L": toggle("list"),
    "--list": toggle("list"),
    "-v": toggle("verbose"),
    "-x": toggle("exact"),
    "-n": toggle("numeric"),
  });
  const usage = "iptables [-t TABLE] -vxnL [CHAIN], which lists; rules come from the scenario";
  const [chain, ...more] = rest;
  if (more.length > 0 || !["list", "verbose", "exact", "numeric"].every(flag => flag in flags))
    fail("iptables", args.join(" "), "is not known", usage);
  const rules = await session.iptables(host.id);
  return text(printList(rules, tableName("iptables -t", flags["table"] ?? "filter"), chain).replace(/\n$/, ""));
};

const iptablesSave: Command = async ({ session, host }, args) => {
  const { flags, rest } = readFlags("iptables-save", args, { "-t": value("table"), "-c": toggle("counters") });
  if (rest.length > 0) fail("iptables-save", rest.join(" "), "is not known", "iptables-save [-t TABLE] [-c]");
  const table = flags["table"] === undefined ? undefined : tableName("iptables-save -t", flags["table"]);
  const rules = await session.iptables(host.id);
  return text(
    printSave(table === undefined ? rules : { tables: rules.tables.filter(({ name }) => name === table) }, {
      counters: "counters" in flags,
    }).trimEnd(),
  );
};

const conntrack: Command = async ({ session, host }, args) => {
  const { flags, rest } = readFlags("conntrack", args, { "-L": toggle("list"), "-p": value("proto") });
  if (rest.length > 0 || !("list" in flags))
    fail("conntrack", args.join(" "), "is not known", "conntrack -L [-p tcp|udp|icmp]");
  const { proto } = flags;
  if (proto !== undefined && !["tcp", "udp", "icmp"].includes(proto))
    fail("conntrack -p", proto, "is not known", "tcp, udp, icmp");
  const entries = await session.conntrack(host.id);
  return text(
    printConntrack(proto === undefined ? entries : entries.filter(({ original }) => original.proto === proto)),
  );
};

const ip: Command = async ({ host }, args) => {
  const { rest } = readFlags("ip", args, { "-4": toggle("ipv4") });
  const [object = "", action = "show", ...more] = rest;
  const listing = more.length === 0 && ["show", "list"].includes(action);
  if (listing && ["a", "addr", "address"].includes(object)) return text(printAddresses(host));
  if (listing && ["r", "route"].includes(object)) return text(printRoutes(host));
  return fail("ip", args.join(" "), "is not known", "ip addr, ip route");
};

const hostname: Command = async ({ host }, args) =>
  args.length === 0 ? text(host.hostname) : fail("hostname", args.join(" "), "is not known", "hostname");

const systemctl: Command = async ({ session, host }, args) => {
  const [action, unit, ...more] = args;
  if (action !== "status" || more.length > 0 || !["kubelet", "kubelet.service"].includes(unit ?? ""))
    fail("systemctl", args.join(" "), "is not known", "systemctl status kubelet");
  const node = session.built.clusters
    .flatMap(({ cluster }) => cluster.nodes)
    .find(({ name }) => name === host.hostname);
  return node === undefined
    ? fail("systemctl status kubelet", host.hostname, "runs no kubelet", "a node")
    : text(printKubeletStatus(node, session.now));
};

/**
 * The pods' image is a CentOS without tcpdump. The lab hears a pod's packets all the same, so listening needs no
 * installation; one who types it sees what yum says.
 */
const yum: Command = async ({ session, host }, args) => {
  const usage = "yum install -y tcpdump";
  const { flags, rest } = readFlags("yum", args, { "-y": toggle("yes") });
  const [action, name, ...more] = rest;
  if (action !== "install" || name !== "tcpdump" || more.length > 0) fail("yum", rest.join(" "), "is not known", usage);
  const inPod = session.built.clusters.some(({ cluster }) => cluster.pods.some(pod => pod.name === host.hostname));
  if (!inPod) fail("yum", host.hostname, "is not a CentOS machine", "a pod, at its prompt or by kubectl exec");
  if (!("yes" in flags)) fail("yum", rest.join(" "), "would ask, and nobody answers here", usage);
  const entry = `${host.id} ${name}`;
  if (session.installed.has(entry)) return text(`Package ${name} already installed and latest version\nNothing to do`);
  session.installed.add(entry);
  return text(
    [
      "Resolving Dependencies",
      "--> Running transaction check",
      `---> Package ${name}.x86_64 will be installed`,
      "--> Finished Dependency Resolution",
      "",
      "Installed:",
      `  ${name}.x86_64`,
      "",
      "Complete!",
    ].join("\n"),
  );
};

/**
 * A shell: `-c` runs what follows it. One without is opened at a terminal, where it prints nothing by itself, as the
 * lines typed into it come with its prompt.
 */
const shell =
  (name: string): Command =>
  async (machine, args) => {
    const usage = `${name} -c 'COMMAND', or ${name} alone at a terminal`;
    const { flags, rest } = readFlags(name, args, { "-c": value("command") });
    if (rest.length > 0) fail(name, rest.join(" "), "is not known", usage);
    const { command } = flags;
    if (command !== undefined)
      return runScript(command, {
        variables: new Map(),
        command: (program, programArgs) => runOn(machine, program, programArgs),
      });
    return machine.tty ? text("") : fail(name, "", "has no terminal to read from", `kubectl exec -it, or ${usage}`);
  };

const sudo: Command = (machine, [command, ...args]) =>
  command === undefined ? fail("sudo", "", "lacks a command", "sudo COMMAND") : runOn(machine, command, args);

const commands: Readonly<Record<string, Command>> = {
  ping,
  curl,
  tcpdump,
  iptables,
  "iptables-save": iptablesSave,
  conntrack,
  ip,
  hostname,
  systemctl,
  sudo,
  yum,
  bash: shell("bash"),
  sh: shell("sh"),
};

/** Runs a program on a machine of the lab. @throws InputError naming the programs there are */
export const runOn = (machine: Machine, name: string, args: readonly string[]): Promise<Output> => {
  const program = name.replace(/^(?:\/usr)?(?:\/local)?\/s?bin\//, "");
  const builtin = builtins.get(program);
  if (builtin !== undefined) return builtin(machine.session, args);
  const command = Object.hasOwn(commands, program) ? commands[program]! : undefined;
  return command === undefined
    ? fail(
        `command on ${machine.host.hostname}`,
        name,
        "is not known",
        [...Object.keys(commands), ...builtins.keys()].join(", "),
      )
    : command(machine, args);
};
