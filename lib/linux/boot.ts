import { known } from "../checks.js";
import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import type { Capture, Captured, ConnectOptions, ConnectResult, Lab, PingOptions, PingResult } from "../net/lab.js";
import { pingDestination, pingNumbers, pingResult, portNumber, resolveName, waitSeconds } from "../net/options.js";
import { hostRoutes } from "../net/routing.js";
import { failureOf, type SocketError } from "../net/socketError.js";
import { destinationMeant, isLoopback } from "../net/specialAddresses.js";
import type { Host, Network } from "../net/network.js";
import { printSave } from "../netfilter/print.js";
import { withChecksum } from "../packet/emit.js";
import { ethernetFrame, packetIn, pcapOfFrames, readPcap, type Wire } from "../packet/pcap.js";
import type { Packet } from "../packet/packet.js";
import { type Agent, type Ran, startAgent } from "./agent.js";
import { parseConntrack, parseCounted, parsePing, pingErrors } from "./parseOutput.js";
import { type NamespacePlan, optionalSysctls, type Plan, planLinux } from "./namespacePlan.js";
import { requireTools } from "./tools.js";

export interface LinuxOptions {
  /** Called as namespaces become ready, to show progress. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Seconds after which `connect` gives up. Default 3.5: the first SYN and its repetitions after 1 and 3 seconds. */
  readonly connectTimeout?: number;
}

/** A network of real namespaces. Beside what every lab does, it lets one look in and send what no program would. */
export interface LinuxLab extends Lab {
  readonly engine: "linux";
  /** Whether it runs in a user namespace, without being root outside. */
  readonly unprivileged: boolean;
  /** A shell command that opens a shell in a host, for as long as the lab is open; it runs a command that is put after it. */
  enter(host: string): string;
  /** Runs a program in a host: `["ip", "route"]`. */
  run(
    host: string,
    command: readonly string[],
    input?: string,
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  /** Captures at all interfaces of a host at once, in the order seen. */
  captureHost(host: string): Promise<HostCapture>;
  /** Packets as a capture file of what the host would put on the wire at an interface, by its routes: for `tcpreplay`. */
  frames(host: string, interfaceName: string, packets: readonly Packet[], identification?: number): Uint8Array;
  /** From now on {@link inject} tells what comes in at this interface. */
  tap(host: string, interfaceName: string): Promise<void>;
  /**
   * Puts a packet on the wire at an interface as if the host had sent it, past its rules but by its routes, and gives what
   * came in at tapped interfaces since the last time.
   * @param identification of the IP header, by which captures can tell what became of it
   */
  inject(host: string, interfaceName: string, packet: Packet, identification?: number): Promise<readonly Arrival[]>;
  /** Sends a packet from a raw socket of a host, by its rules and routes, and gives the same. What the host refuses is not sent. */
  sendRaw(host: string, packet: Packet, identification?: number): Promise<readonly Arrival[]>;
}

export interface HostCaptured extends Captured {
  readonly wire: Wire;
  /** The identification of its IP header. */
  readonly identification: number;
}

export interface HostCapture {
  /** Ends it and gives what was seen. A second call gives the same. */
  stop(): Promise<readonly HostCaptured[]>;
}

/** A packet that came in at a tapped interface. */
export interface Arrival {
  readonly host: string;
  readonly interface: string;
  readonly packet: Packet;
}

const text = ({ code, stdout, stderr }: Ran) => ({ code, stdout: Buffer.from(stdout).toString("latin1"), stderr });

/** Runs a program that has to succeed. */
const must = async (agent: Agent, namespace: string, command: readonly string[], input = ""): Promise<string> => {
  const { code, stdout, stderr } = text(await agent.run(namespace, command, input));
  if (code !== 0)
    throw new Error(`${command[0]} in ${namespace || "the lab"} ended with ${code}: ${stderr.trim().split("\n")[0]}`);
  return stdout;
};

const setSysctls = async (agent: Agent, namespace: string, values: NamespacePlan["sysctls"]): Promise<void> => {
  if (values.length === 0) return;
  const failed = (await agent.ask("sysctl", namespace, ...values.flat()))
    .map(String)
    .filter(name => !optionalSysctls.has(name));
  if (failed.length === 0) return;
  const hint = failed.some(name => name.startsWith("net/bridge"))
    ? "load the kernel module br_netfilter: modprobe br_netfilter"
    : "this kernel does not let a lab set it";
  throw new Error(`cannot set ${failed.join(", ")}: ${hint}`);
};

/** From a user namespace the kernel takes 208 KiB of rules at once (`net.core.wmem_default`): this many of any length fit. */
const rulesAtOnce = 100;

/** The same rules for `iptables-restore --noflush`, committed a part at a time. */
const inParts = (rules: string): string =>
  rules
    .split(/^(?=\*)/m)
    .flatMap(section => {
      const [table, ...lines] = section.trimEnd().split("\n").slice(0, -1);
      return Array.from({ length: Math.ceil(lines.length / rulesAtOnce) }, (_, part) => [
        table,
        ...lines.slice(part * rulesAtOnce, (part + 1) * rulesAtOnce),
        "COMMIT\n",
      ]);
    })
    .map(part => part.join("\n"))
    .join("");

const restore = async (agent: Agent, namespace: string, rules: string): Promise<void> => {
  if (rules !== "") await must(agent, namespace, ["iptables-restore", "--noflush"], inParts(rules));
};

/** Milliseconds after which what the kernel does at once will never be done, however busy the machine is. */
const standstill = 120_000;

const prepare = async (agent: Agent, plan: NamespacePlan, host: Host | undefined): Promise<void> => {
  await must(agent, plan.namespace, ["ip", "-batch", "-"], plan.ip.join("\n"));
  if (plan.bridges !== undefined) {
    const late = await agent.ask("settle", plan.namespace, standstill, ...plan.bridges.ports);
    if (late.length > 0) throw new Error(`${late.join(", ")} did not come up in ${plan.namespace}`);
    await must(agent, plan.namespace, ["ip", "-batch", "-"], plan.bridges.ip.join("\n"));
  }
  await setSysctls(agent, plan.namespace, plan.interfaceSysctls);
  await restore(agent, plan.namespace, plan.rules);
  if (host === undefined) return;
  if (host.rules.tables.length > 0) await restore(agent, plan.namespace, printSave(host.rules));
  for (const { proto, port, answer } of host.listeners)
    await agent.ask(
      "listen",
      plan.namespace,
      host.id,
      proto,
      port,
      answer.kind,
      answer.kind === "text" ? answer.text : "",
      ...host.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => formatAddr(address))),
    );
};

/**
 * Boots a network on this machine's kernel: a network namespace per host, with real interfaces, routes and iptables rules.
 * All of it is inside namespaces that belong to one process and end with it, so nothing is left behind however the program ends,
 * the machine's own network is not touched, and nothing in the lab reaches it. Needs root, or unprivileged user namespaces.
 * @throws LinuxUnavailable with what to install or allow, where it cannot run
 */
export const bootLinux = async (network: Network, options: LinuxOptions = {}): Promise<LinuxLab> => {
  requireTools();
  const plan = planLinux(network);
  const agent = await startAgent();
  try {
    await must(
      agent,
      "",
      ["ip", "-batch", "-"],
      plan.namespaces.map(({ namespace }) => `netns add ${namespace}`).join("\n"),
    );
    await Promise.all(plan.namespaces.map(({ namespace, sysctls }) => setSysctls(agent, namespace, sysctls)));
    await must(agent, "", ["ip", "-batch", "-"], plan.links.join("\n"));
    let done = 0;
    await Promise.all(
      plan.namespaces.map(async (part, index) => {
        await prepare(agent, part, network.hosts[index]);
        options.onProgress?.(++done, plan.namespaces.length);
      }),
    );
    return linuxLab(network, agent, plan, options);
  } catch (error) {
    await agent.close();
    throw error;
  }
};

/** An Ethernet type for local experiments: no IP stack looks at it. */
const experimentalType = 0x88b5;

/** A frame by which bridges learn where a card is, as they would from its ARP. */
const announcement = (source: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(60);
  frame.set(source, 6);
  frame[12] = experimentalType >> 8;
  frame[13] = experimentalType & 0xff;
  return pcapOfFrames([{ time: 0, frame }]);
};

/** The longest time that JavaScript's timers can wait, in seconds: beyond it they fire at once. */
const timerAtMost = 2_147_483;

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds));

const linuxLab = (network: Network, agent: Agent, plan: Plan, options: LinuxOptions): LinuxLab => {
  const names = new Map(network.names.map(({ name, address }) => [name, address]));
  const hosts = new Map(network.hosts.map(host => [host.id, host]));
  const sockets = new Map<string, Promise<number>>();
  const rawSockets = new Map<string, Promise<number>>();
  const taps = new Map<number, { readonly host: string; readonly interface: string }>();

  const hostOf = (id: string): Host => {
    const host = hosts.get(id);
    if (host === undefined)
      throw new InputError({
        where: "host",
        value: id,
        problem: "is not in this network",
        expected: `one of ${known([...hosts.keys()])}`,
      });
    return host;
  };
  const namespace = (id: string): string => plan.namespaceOf.get(hostOf(id).id)!;
  const resolve = (to: string): Addr => resolveName(names, to);
  /** An address that the host has a route to. */
  const reachable = (from: string, to: string): Addr => {
    const host = hostOf(from);
    const address = resolve(to);
    const own =
      isLoopback(destinationMeant(address)) ||
      host.interfaces.some(({ addresses }) => addresses.some(entry => entry.address === address));
    if (!own && hostRoutes(host).lookup(address) === undefined)
      throw new InputError({
        where: `destination of ${from}`,
        value: to,
        problem: "has no route there",
        expected: "an address that a route of the host covers",
      });
    return address;
  };
  const checkInterface = (id: string, name: string): void => {
    const interfaces = ["lo", ...hostOf(id).interfaces.map(entry => entry.name)];
    if (!interfaces.includes(name))
      throw new InputError({
        where: `interface of ${id}`,
        value: name,
        problem: "does not exist",
        expected: `one of ${known(interfaces)}`,
      });
  };
  const socket = (id: string, interfaceName: string): Promise<number> => {
    const key = `${id} ${interfaceName}`;
    let handle = sockets.get(key);
    if (handle === undefined)
      sockets.set(key, (handle = agent.ask("raw", namespace(id), interfaceName, 0).then(([number]) => Number(number))));
    return handle;
  };

  const ping = async (from: string, to: string, wanted: PingOptions): Promise<PingResult> => {
    const numbers = pingNumbers(wanted);
    const { count, size, ttl, broadcast } = numbers;
    const address = pingDestination(hostOf(from), reachable(from, to), broadcast);
    const [watch] = await agent.ask("watch-icmp", namespace(from));
    const command = [
      "ping",
      "-n",
      "-c",
      count,
      "-i",
      broadcast ? 1 : 0.01,
      "-W",
      1,
      "-t",
      ttl,
      "-s",
      size,
      ...(broadcast ? ["-b"] : []),
      formatAddr(address),
    ].map(String);
    const { stdout, stderr, code } = text(await agent.run(namespace(from), command));
    if (code > 1) throw new Error(`ping: ${stderr.trim()}`);
    const errors = pingErrors(await agent.ask("unwatch", String(watch)), address);
    const replies = [...parsePing(stdout), ...errors].sort((a, b) => a.seq - b.seq);
    return pingResult(from, address, numbers, replies);
  };

  const connect = async (from: string, to: string, port: number, wanted: ConnectOptions): Promise<ConnectResult> => {
    const asked = reachable(from, to);
    const meant = destinationMeant(asked);
    const address = formatAddr(asked);
    const proto = wanted.proto ?? "tcp";
    const request =
      wanted.request ??
      (proto === "udp"
        ? "egress-lab\n"
        : `GET / HTTP/1.1\r\nHost: ${to}\r\nUser-Agent: egress-lab\r\nAccept: */*\r\n\r\n`);
    const [sourcePort, kind, peer, peerPort, server, body] = (
      await agent.ask(
        "connect",
        namespace(from),
        proto,
        wanted.sourcePort === undefined ? 0 : portNumber("sourcePort", wanted.sourcePort),
        address,
        portNumber("port", port),
        Buffer.from(request, "latin1"),
        wanted.close ?? "fin",
        (options.connectTimeout ?? 3.5) * 1000,
        waitSeconds(wanted.silence ?? 0) * 1000,
      )
    ).map(field => field.toString("latin1"));
    const at = { to: address, port, sourcePort: Number(sourcePort) };
    if (kind === "connected") {
      // What no server noted was said by the socket to itself.
      if (server === "" && port === at.sourcePort)
        return { kind, ...at, seenAs: { address: formatAddr(meant), port }, server: from, body: body! };
      return { kind, ...at, seenAs: { address: peer!, port: Number(peerPort) }, server: server!, body: body! };
    }
    return { ...failureOf(peer as SocketError), ...at };
  };

  const frames = (host: string, interfaceName: string, packets: readonly Packet[], identification = 0): Uint8Array => {
    checkInterface(host, interfaceName);
    return pcapOfFrames(
      packets.map((packet, i) => ({
        time: i / 1e6,
        frame: ethernetFrame(packet, plan.linkFor(host, interfaceName, packet.dst), identification),
      })),
    );
  };

  const captureHost = async (host: string): Promise<HostCapture> => {
    const nameOf = new Map(
      ["lo", ...hostOf(host).interfaces.map(({ name }) => name)].map(name => [plan.interfaceIndex(host, name), name]),
    );
    const [handle] = await agent.ask("capture", namespace(host));
    const stop = async (): Promise<readonly HostCaptured[]> => {
      const [file] = await agent.ask("captured", handle!);
      const { records } = readPcap(file!, `capture at ${host}`);
      return records.flatMap(({ time, direction, interfaceIndex, packet, wire, identification }) => {
        const name = nameOf.get(interfaceIndex!);
        return packet === undefined || wire === undefined || name === undefined
          ? []
          : { time, direction: direction!, packet, wire, interface: name, identification: identification! };
      });
    };
    let stopped: Promise<readonly HostCaptured[]> | undefined;
    return { stop: () => (stopped ??= stop()) };
  };

  const capture = async (host: string, interfaceName: string): Promise<Capture> => {
    const any = interfaceName === "any";
    if (!any) checkInterface(host, interfaceName);
    const all = await captureHost(host);
    // As tcpdump does: only a promiscuous bridge sees what merely crosses it.
    const bridges = hostOf(host).interfaces.filter(
      ({ name, kind }) => kind === "bridge" && (any || name === interfaceName),
    );
    const promiscuous = async (mode: "on" | "off") => {
      for (const { name } of bridges)
        await must(agent, namespace(host), ["ip", "link", "set", "dev", name, "promisc", mode]);
    };
    await promiscuous("on");
    const stop = async () => {
      const seen = await all.stop();
      await promiscuous("off");
      return seen
        .filter(entry => any || entry.interface === interfaceName)
        .map(({ time, direction, interface: name, packet, wire }) => ({
          time,
          direction,
          interface: name,
          packet,
          wire: { ...wire, bytes: withChecksum(wire.bytes) },
        }));
    };
    let stopped: Promise<readonly Captured[]> | undefined;
    return { host, interface: interfaceName, stop: () => (stopped ??= stop()) };
  };

  /** Bridges learn where the fabric is, as they would from its ARP. */
  const announceFabric = async (): Promise<void> => {
    for (const port of plan.portsBehindBridges) {
      const [handle] = await agent.ask("raw", port.namespace, port.interface, 0);
      await agent.ask("inject", handle!, announcement(port.mac), 0);
    }
  };
  let fabricAnnounced: Promise<void> | undefined;

  /** What came in at tapped interfaces, as the agent tells it. */
  const arrivals = (came: readonly Buffer[]): readonly Arrival[] =>
    came.flatMap((field, i) => {
      if (i % 2 === 0) return [];
      const arrived = packetIn(field);
      return arrived === undefined ? [] : { ...taps.get(Number(came[i - 1]))!, packet: arrived };
    });

  return {
    engine: "linux",
    network,
    unprivileged: agent.unprivileged,
    now: () => Date.now() / 1000,
    ping: (from, to, wanted = {}) => ping(from, to, wanted),
    connect: (from, to, port, wanted = {}) => connect(from, to, port, wanted),
    capture,
    captureHost,
    conntrack: async host => parseConntrack(await must(agent, namespace(host), ["conntrack", "-L"])),
    counters: async host =>
      parseCounted(await must(agent, namespace(host), ["iptables-save", "-c"]), `rules of ${host}`),
    async wait(seconds) {
      await pause(waitSeconds(seconds, timerAtMost) * 1000);
    },
    close: () => agent.close(),
    enter: host => agent.enter(namespace(host)),
    run: async (host, command, input) => text(await agent.run(namespace(host), command, input)),
    async tap(host, interfaceName) {
      checkInterface(host, interfaceName);
      const [handle] = await agent.ask("raw", namespace(host), interfaceName, 1);
      await (fabricAnnounced ??= announceFabric());
      // A bridge must know where the host is, as it would from its ARP, or it sends what is for the host to all.
      const { source } = plan.linkFor(host, interfaceName, 0 as Addr);
      await agent.ask("inject", await socket(host, interfaceName), announcement(source), 0);
      taps.set(Number(handle), { host, interface: interfaceName });
    },
    frames,
    async inject(host, interfaceName, packet, identification = 0) {
      const pcap = frames(host, interfaceName, [packet], identification);
      return arrivals(
        await agent.ask("inject", await socket(host, interfaceName), pcap, taps.size > 0 ? arrivalWait : 0),
      );
    },
    async sendRaw(host, packet, identification = 0) {
      let handle = rawSockets.get(host);
      if (handle === undefined)
        rawSockets.set(host, (handle = agent.ask("raw-ip", namespace(host)).then(([number]) => Number(number))));
      const bytes = ethernetFrame(packet, undefined, identification).subarray(14);
      return arrivals(
        await agent.ask("emit", await handle, bytes, formatAddr(packet.dst), taps.size > 0 ? arrivalWait : 0),
      );
    },
  };
};

/** Milliseconds to wait for a packet to arrive: as a rule it has before the sending call returns. */
const arrivalWait = 1;
