import { type Addr, formatAddr } from "../../lib/ip/addr.js";
import { bootLinux, type HostCaptured, type LinuxLab } from "../../lib/linux/boot.js";
import { bootModel } from "../../lib/net/model.js";
import type { Hop, Trace } from "../../lib/net/trace.js";
import type { Lab } from "../../lib/net/lab.js";
import type { Host, Network } from "../../lib/net/network.js";
import type { ConntrackEntry } from "../../lib/netfilter/netfilter.js";
import { printSave } from "../../lib/netfilter/print.js";
import type { CountedRuleset, PortRange } from "../../lib/netfilter/ruleset.js";
import type { Flow } from "../../lib/packet/flow.js";
import type { Packet } from "../../lib/packet/packet.js";
import type { Random } from "../../lib/random.js";
import { converse } from "./converse.js";
import type { Case, Sent } from "./generate.js";
import { packetText } from "./packetText.js";

/** All that can be seen of a network while packets pass it, as sorted lines of text to compare. */
export interface Observation {
  /** What was seen at every interface. */
  readonly seen: readonly string[];
  readonly conntrack: readonly string[];
  /** Every rule and policy that met a packet, with its counters, per host. */
  readonly counters: readonly string[];
}

export interface Kernel extends Observation {
  readonly sent: readonly Sent[];
  /** Seconds after the first packet was sent at which the tables were read. */
  readonly readAfter: number;
  /** Ports that translated packets left a host with, by host and number of the packet sent. */
  readonly ports: ReadonlyMap<string, ReadonlySet<number>>;
  /** Where and how packets passed, by number of the packet sent. */
  readonly passed: ReadonlyMap<number, ReadonlySet<string>>;
  /** Ports that its connections expect answers at, by host: those of packets that went no further are seen nowhere else. */
  readonly tracked: ReadonlyMap<string, readonly number[]>;
  /** Where rules draw by chance: the counters of their hosts after each packet, which tell what was drawn. */
  readonly countersAfter: readonly string[];
  /** Numbers of packets that were still under way when the next one was sent. */
  readonly overtaken: readonly number[];
  /** Seconds after the first packet was sent at which the kernel had come back from sending each. */
  readonly back: readonly number[];
  /** The same at which the tables had been read. */
  readonly readUntil: number;
}

const seenText = (
  host: string,
  entry: { readonly interface: string; readonly direction: "in" | "out"; readonly packet: Packet },
): string => `${host} ${entry.interface} ${entry.direction} ${packetText(entry.packet)}`;

const flowText = ({ proto, src, sport, dst, dport }: Flow): string =>
  `${proto} ${formatAddr(src)}:${sport} > ${formatAddr(dst)}:${dport}`;

const entryText = (host: string, { original, reply, tcpState, unreplied, assured, timeout }: ConntrackEntry): string =>
  `${host} ${flowText(original)} | ${flowText(reply)}${tcpState === undefined ? "" : ` ${tcpState}`}${unreplied ? " UNREPLIED" : ""}${assured ? " ASSURED" : ""} ${timeout} s`;

const counterLines = (host: string, rules: CountedRuleset): string[] =>
  printSave({ tables: [...rules.tables].sort((a, b) => (a.name < b.name ? -1 : 1)) }, { counters: true })
    .split("\n")
    .filter(line => line !== "" && line !== "COMMIT")
    .map((line, index) => `${host} ${String(index).padStart(3, "0")} ${line}`)
    .filter(line => /\[[1-9]\d*:\d+\]/.test(line));

/** Endpoints only drop; their rules are not of interest. */
const routers = (network: Network) => network.hosts.filter(({ role }) => role === "node");

/**
 * Ports that a load balancer gives out, by the order in which they are first used: netfilter, which plays it on Linux, keeps a
 * port that is in range, the model takes the lowest. That they are equal or not, and where they are seen, is compared.
 */
class GivenPorts {
  readonly #frontends: ReadonlySet<string>;
  readonly #numbers = new Map<string, number>();

  constructor({ fabric }: Network) {
    this.#frontends = new Set(
      fabric.translators.flatMap(({ allocations }) =>
        allocations.flatMap(({ ranges }) => ranges.map(({ address }) => formatAddr(address))),
      ),
    );
  }

  /** Ports get their numbers as they are met. */
  rename(text: string): string {
    if (this.#frontends.size === 0) return text;
    return text.replace(/(tcp|udp) ([\d.]+):(\d+) > ([\d.]+):(\d+)/g, (whole: string, ...ends: string[]) => {
      const [proto, src, sport, dst, dport] = ends as [string, string, string, string, string];
      if (this.#frontends.has(src))
        return `${proto} ${src}:${this.#number(proto, src, sport, dst, dport)} > ${dst}:${dport}`;
      if (this.#frontends.has(dst))
        return `${proto} ${src}:${sport} > ${dst}:${this.#number(proto, dst, dport, src, sport)}`;
      return whole;
    });
  }

  /** Lines in an order that is the same whatever ports were given, so that those met nowhere before get the same numbers. */
  renameAll(lines: readonly string[]): string[] {
    const masked = (line: string) =>
      line.replace(/([\d.]+):\d+/g, (end, address: string) => (this.#frontends.has(address) ? address : end));
    const keyed = lines.map(line => ({ line, key: this.#frontends.size === 0 ? line : masked(line) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ line }) => this.rename(line));
  }

  /** The number of the given port that a packet is sent to, or that what it quotes came from. */
  numberOf(packet: Packet): number | undefined {
    const end = givenEnd(packet);
    if (end === undefined || !this.#frontends.has(end.frontend)) return undefined;
    return this.#numbers.get(end.key(end.port));
  }

  /** The packet sent to the port that has a number here. */
  withPort(packet: Packet, number: number): Packet {
    const key = [...this.#numbers].find(([, known]) => known === number)?.[0];
    const port = Number(key?.split(" ")[2]);
    if (key === undefined) return packet;
    if (packet.proto !== "icmp") return { ...packet, dport: port };
    if (!("quoted" in packet) || packet.quoted.proto === "icmp") return packet;
    return { ...packet, quoted: { ...packet.quoted, sport: port } };
  }

  #number(...key: readonly string[]): string {
    const name = key.join(" ");
    let number = this.#numbers.get(name);
    if (number === undefined) this.#numbers.set(name, (number = this.#numbers.size + 1));
    return `(${number})`;
  }
}

const givenEnd = (packet: Packet) => {
  const toward = (proto: string, frontend: Addr, port: number, other: Addr, otherPort: number) => ({
    frontend: formatAddr(frontend),
    port,
    key: (at: number) => [proto, formatAddr(frontend), at, formatAddr(other), otherPort].join(" "),
  });
  if (packet.proto !== "icmp") return toward(packet.proto, packet.dst, packet.dport, packet.src, packet.sport);
  if (!("quoted" in packet) || packet.quoted.proto === "icmp") return undefined;
  const { proto, src, sport, dst, dport } = packet.quoted;
  return toward(proto, src, sport, dst, dport);
};

/** Whether rules of a host match by chance. */
const drawsInRules = ({ rules }: Host): boolean =>
  rules.tables.some(({ chains }) =>
    chains.some(chain =>
      chain.rules.some(({ matches }) =>
        matches.some(
          match =>
            match.kind === "statistic" && match.mode === "random" && match.probability > 0 && match.probability < 1,
        ),
      ),
    ),
  );

const countersOf = async (lab: Lab, hosts: readonly Host[]): Promise<string> =>
  (await Promise.all(hosts.map(async ({ id }) => counterLines(id, await lab.counters(id))))).flat().join("\n");

/**
 * An end of a wire. What a bridge sees itself depends on whether it is promiscuous and on what Linux has cached of its
 * neighbours; its ports see the same packets.
 */
const isPort = (network: Network, host: string, name: string): boolean =>
  network.hosts.find(({ id }) => id === host)!.interfaces.some(entry => entry.name === name && entry.kind !== "bridge");

const pause = (milliseconds: number) => new Promise(done => setTimeout(done, milliseconds));

/** The addresses that a host can reach on a link without a router. */
const neighboursOf = (
  { hosts }: Network,
  { interfaces }: Host,
): readonly { readonly dev: string; readonly address: Addr }[] =>
  interfaces.flatMap(entry =>
    entry.kind !== "veth"
      ? []
      : hosts
          .find(({ id }) => id === entry.peer.host)!
          .interfaces.filter(({ name }) => name === entry.peer.interface)
          .flatMap(({ addresses }) => addresses.map(({ address }) => ({ dev: entry.master ?? entry.name, address }))),
  );

/**
 * Lets routers ask who is on their links before anything is sent, as the model knows it from the start: Linux would ask for the
 * first packet, and in its name, which nobody answers if that came from 127.0.0.0/8 (one of the known mismatches).
 */
const meetNeighbours = async (lab: LinuxLab, network: Network): Promise<void> => {
  await Promise.all(
    routers(network).map(async host => {
      const lines = neighboursOf(network, host).map(
        ({ dev, address }) => `neigh replace ${formatAddr(address)} dev ${dev} use`,
      );
      if (lines.length === 0) return;
      const { code, stderr } = await lab.run(host.id, ["ip", "-batch", "-"], lines.join("\n"));
      if (code !== 0) throw new Error(`${host.id} cannot ask for its neighbours: ${stderr}`);
    }),
  );
};

export interface KernelOptions {
  /** Packets to send as they are, in place of a case's conversations. */
  readonly replay?: readonly Sent[];
  /** Send them no sooner than they were sent before. */
  readonly paced?: boolean;
  /** Read the counters of every host after every packet, also where nothing is drawn: tells at which packet something went another way. */
  readonly slowly?: boolean;
}

/** Runs a case on the kernel: packets are injected one by one, and every interface is watched. */
export const runKernel = async (
  of: Case,
  { replay, paced = false, slowly = false }: KernelOptions = {},
): Promise<Kernel> => {
  const lab = await bootLinux(of.network);
  try {
    await meetNeighbours(lab, of.network);
    const captures = await Promise.all(
      of.network.hosts.map(async ({ id }) => ({ id, capture: await lab.captureHost(id) })),
    );
    for (const { host } of of.endpoints) await lab.tap(host, "eth0");
    const sent: Sent[] = [];
    const talk = converse(of);
    const chancy = routers(of.network).filter(host => slowly || drawsInRules(host));
    const countersAfter: string[] = [];
    const sending: { readonly from: number; readonly to: number }[] = [];
    const start = lab.now();
    const elapsed = () => Math.round((lab.now() - start) * 1000) / 1000;
    const given = new GivenPorts(of.network);
    let wait = 0;
    for (const step of replay ?? of.actions) {
      if ("kind" in step && step.kind === "wait") {
        wait += step.seconds;
        continue;
      }
      const next = "packet" in step ? step : talk.act(step, sent.length);
      if (next === undefined) continue;
      wait += next.wait ?? 0;
      if (paced) wait = Math.max(wait, (next.after ?? 0) - elapsed());
      if (wait > 0) await pause(wait * 1000);
      const packet = next.given === undefined ? next.packet : given.withPort(next.packet, next.given);
      const number = given.numberOf(packet);
      given.rename(packetText(packet));
      sent.push({
        ...next,
        packet,
        after: elapsed(),
        ...(wait > 0 && !paced && { wait }),
        ...(number !== undefined && { given: number }),
      });
      wait = 0;
      const from = lab.now();
      const arrivals = await (next.program === true
        ? lab.sendRaw(next.host, packet, sent.length)
        : lab.inject(next.host, "eth0", packet, sent.length));
      sending.push({ from, to: lab.now() });
      for (const arrival of arrivals) given.rename(packetText(arrival.packet));
      if (!("packet" in step)) for (const { host, packet } of arrivals) talk.observe(step, host, packet);
      if (chancy.length > 0) countersAfter.push(await countersOf(lab, chancy));
    }
    if (wait > 0) await pause(wait * 1000);
    await pause(2); // a straggler of the last packet
    const seen = (
      await Promise.all(
        captures.map(async ({ id, capture }) => (await capture.stop()).map(entry => ({ host: id, ...entry }))),
      )
    ).flat();
    const withRules = routers(of.network).filter(({ rules }) => rules.tables.length > 0);
    const read = lab.now();
    const [entries, counters] = await Promise.all([
      Promise.all(withRules.map(async ({ id }) => ({ id, entries: await lab.conntrack(id) }))),
      Promise.all(withRules.map(async ({ id }) => counterLines(id, await lab.counters(id)))),
    ]);
    const haveRead = lab.now();
    const moments = momentsOf(seen, sent, sending);
    const begin = moments[0] ?? 0;
    return {
      sent: sent.map((one, index) => ({ ...one, after: Math.round((moments[index]! - begin) * 1e6) / 1e6 })),
      readAfter: Math.round((read - begin) * 1e6) / 1e6,
      countersAfter,
      overtaken: overtaken(seen, sent),
      back: sending.map(({ to }) => Math.round((to - begin) * 1e6) / 1e6),
      readUntil: Math.round((haveRead - begin) * 1e6) / 1e6,
      ports: portsOf(seen),
      passed: passedOf(seen),
      tracked: new Map(
        entries.map(({ id, entries: list }) => [
          id,
          [...new Set(list.flatMap(({ reply }) => [reply.dport, reply.sport]))],
        ]),
      ),
      seen: given
        .renameAll(
          seen
            .filter(entry => isPort(of.network, entry.host, entry.interface))
            .map(entry => seenText(entry.host, entry)),
        )
        .sort(),
      conntrack: given
        .renameAll(entries.flatMap(({ id, entries: list }) => list.map(entry => entryText(id, entry))))
        .sort(),
      counters: counters.flat(),
    };
  } finally {
    await lab.close();
  }
};

/**
 * When packets were sent, in seconds since the epoch: as the kernel saw them leave, since a busy machine may let time pass before
 * and after. What the host's own rules stopped left nowhere.
 */
const momentsOf = (
  seen: readonly (HostCaptured & { readonly host: string })[],
  sent: readonly Sent[],
  sending: readonly { readonly from: number; readonly to: number }[],
): readonly number[] => {
  const clockTick = 0.002; // between the clock that is asked and the one that packets are stamped by
  const left = new Map<string, number[]>();
  for (const { host, direction, identification, time } of seen) {
    if (direction !== "out") continue;
    const key = `${host} ${identification}`;
    left.set(key, [...(left.get(key) ?? []), time]);
  }
  let last = 0;
  return sent.map(({ host }, index) => {
    const { from, to } = sending[index]!;
    const times = (left.get(`${host} ${index + 1}`) ?? []).filter(
      time => time >= from - clockTick && time <= to + clockTick,
    );
    return (last = Math.max(last, times.length === 0 ? from : Math.min(...times)));
  });
};

/** By the packets that both engines make of one sent: others have numbers of their own, which may be the same. */
const overtaken = (seen: readonly HostCaptured[], sent: readonly Sent[]): readonly number[] => {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  for (const { identification, time, packet } of seen) {
    if (packet.proto !== sent[identification - 1]?.packet.proto || "quoted" in packet) continue;
    first.set(identification, Math.min(first.get(identification) ?? Infinity, time));
    last.set(identification, Math.max(last.get(identification) ?? 0, time));
  }
  return [...last].filter(([number, time]) => time > (first.get(number + 1) ?? Infinity)).map(([number]) => number);
};

const portsOf = (seen: readonly (HostCaptured & { readonly host: string })[]): Map<string, Set<number>> => {
  const ports = new Map<string, Set<number>>();
  for (const { host, direction, identification, packet } of seen) {
    if (direction !== "out" || "quoted" in packet) continue;
    const key = `${host} ${identification}`;
    const known = ports.get(key) ?? new Set();
    ports.set(key, known);
    for (const port of packet.proto === "icmp" ? [packet.id] : [packet.sport, packet.dport]) known.add(port);
  }
  return ports;
};

const passedOf = (seen: readonly (HostCaptured & { readonly host: string })[]): Map<number, Set<string>> => {
  const passed = new Map<number, Set<string>>();
  for (const entry of seen) {
    const lines = passed.get(entry.identification) ?? new Set();
    passed.set(entry.identification, lines.add(seenText(entry.host, entry)));
  }
  return passed;
};

/** Where the kernel may look for a port: a rule's range, or the one of the three that a port belongs to. */
const rangesOf = (network: Network, host: string): readonly PortRange[] => {
  const rules =
    network.hosts
      .find(({ id }) => id === host)
      ?.rules.tables.flatMap(({ chains }) => chains.flatMap(chain => chain.rules)) ?? [];
  const named = rules.flatMap(({ target }) => ("ports" in target && target.ports !== undefined ? [target.ports] : []));
  return [
    ...named,
    { first: 1, last: 511 },
    { first: 600, last: 1023 },
    { first: 1024, last: 65535 },
    { first: 0, last: 65535 },
  ].sort((a, b) => a.last - a.first - (b.last - b.first));
};

/** Ports that rules give to destinations. */
const destinationPorts = (network: Network): readonly number[] =>
  network.hosts.flatMap(({ rules }) =>
    rules.tables.flatMap(({ chains }) =>
      chains.flatMap(chain =>
        chain.rules.flatMap(({ target }) => {
          if (target.kind !== "DNAT" || target.ports === undefined) return [];
          const { first, last } = target.ports;
          return Array.from({ length: Math.min(last - first + 1, 16) }, (_, i) => first + i);
        }),
      ),
    ),
  );

/** More repetitions than a case needs whose draws show in packets: what only counters tell of may take more than there is time for. */
const mostRepetitions = 2000;

/** A model's run, and whether chance left more open than what was seen can settle. */
export interface ModelRun extends Observation {
  readonly undetermined: boolean;
  /** What chance gave, draw by draw. */
  readonly draws: readonly number[];
  /** Which of its candidates each draw took. */
  readonly decided: readonly number[];
}

/** A packet that goes in circles between translations draws at every turn; which turn drew what cannot be told any more. */
const mostDraws = 4;

/**
 * Runs what the kernel was sent on the model. Where the kernel drew a port by chance the model is made to draw the same:
 * whether it may, and what follows from it, is what is compared.
 */
export const runModel = async (
  of: Case,
  kernel: Kernel,
  most = mostRepetitions,
  first: readonly number[] = [],
): Promise<ModelRun> => {
  const decided = [...first]; // which candidate each draw takes; tried like the digits of a number
  let best: { readonly run: ModelRun; readonly differences: number } | undefined;
  for (let repetition = 0; repetition < most; repetition++) {
    await new Promise(setImmediate); // whoever wants to stop it is heard
    const { observation, draws, wrong = Infinity } = await runModelOnce(of, kernel, decided);
    const perPacket = new Map<number, number>();
    for (const { packet } of draws) perPacket.set(packet, (perPacket.get(packet) ?? 0) + 1);
    const run = {
      ...observation,
      undetermined: Math.max(0, ...perPacket.values()) > mostDraws,
      draws: draws.map(({ drawn }) => drawn),
      decided: [...decided],
    };
    const found = differences(kernel, observation).length;
    if (best === undefined || found < best.differences) best = { run, differences: found };
    if (found === 0 || run.undetermined) break;
    // Change the last draw, up to the first packet that went wrong, which has another candidate; any draw where that is of
    // no use, as a packet may have been under way when the counters were read that say it went wrong.
    const isOpen = (candidates: number, index: number) => (decided[index] ?? 0) + 1 < candidates;
    const until = draws.findLastIndex(({ packet, candidates }, index) => packet <= wrong && isOpen(candidates, index));
    const i = until >= 0 ? until : draws.findLastIndex(({ candidates }, index) => isOpen(candidates, index));
    if (i < 0) break;
    const next = (decided[i] ?? 0) + 1;
    while (decided.length < i) decided.push(0);
    decided.length = i;
    decided.push(next);
    if (repetition + 1 === most) return { ...best.run, undetermined: true };
  }
  return best!.run;
};

/** A packet's hops, and those of its copies. */
const hopsOf = ({ hops, disposition }: Trace): readonly Hop[] =>
  disposition.kind === "copied" ? [...hops, ...disposition.copies.flatMap(hopsOf)] : hops;

/** A draw that no share is larger than. */
const almostOne = 1 - 2 ** -31;

const runModelOnce = async (of: Case, kernel: Kernel, decided: readonly number[]) => {
  const draws: { readonly packet: number; readonly candidates: number; readonly drawn: number }[] = [];
  let current = 0;
  const settled = destinationPorts(of.network);
  let used = new Set<number>();
  let before = 0;
  const randomOf = (host: string): Random => {
    const ranges = rangesOf(of.network, host);
    return {
      float: () => {
        const drawn = decided[draws.length] === 1 ? almostOne : 0;
        draws.push({ packet: current, candidates: 2, drawn });
        return drawn;
      },
      int: () => {
        // The likeliest first: in the order seen, a port that neither the packet nor a destination rule had and no earlier draw took.
        const seen = kernel.ports.get(`${host} ${current}`) ?? new Set<number>();
        const likely = [...new Set([...seen, ...(kernel.tracked.get(host) ?? [])])].sort(
          (a, b) => Number(used.has(a)) - Number(used.has(b)),
        );
        const choices = likely.flatMap(port =>
          ranges
            .filter(({ first, last }) => port >= first && port <= last)
            .map(({ first }) => ({ port, offset: port - first })),
        );
        const offsets = choices.filter(
          ({ offset }, index) => choices.findIndex(other => other.offset === offset) === index,
        );
        const chosen = offsets[decided[draws.length] ?? 0];
        if (chosen !== undefined) used.add(chosen.port);
        const drawn = chosen?.offset ?? 0;
        draws.push({ packet: current, candidates: offsets.length, drawn });
        return drawn;
      },
    };
  };
  let wrong: number | undefined;
  const chancy = of.network.hosts.filter(drawsInRules);
  const observation = await playModel(of.network, kernel, randomOf, {
    before({ packet }, number) {
      current = number;
      before = draws.length;
      used = new Set([
        ...settled,
        ...(packet.proto !== "icmp" ? [packet.sport, packet.dport] : "quoted" in packet ? [] : [packet.id]),
      ]);
    },
    async after(trace, lab) {
      if (wrong !== undefined || draws.length === before) return;
      const counters = kernel.countersAfter[current - 1];
      if (
        (counters !== undefined && counters !== (await countersOf(lab, chancy))) ||
        !hopsOf(trace).every(hop => passesAsSeen(of.network, hop, kernel.passed.get(current)))
      )
        wrong = current;
    },
  });
  return { observation, draws, wrong };
};

/** Told of every packet that the model is given, with its number, and of what became of it. */
interface Witness {
  before(sent: Sent, number: number): void;
  after(trace: Trace, lab: Lab): Promise<void>;
}

/** What the model does when it is sent the same, at the same times. */
export const playModel = async (
  network: Network,
  { sent, readAfter }: Pick<Kernel, "sent" | "readAfter">,
  randomOf: (host: string) => Random,
  witness?: Witness,
): Promise<Observation> => {
  const lab = bootModel(network, 0, randomOf);
  const captures = await Promise.all(
    network.hosts.flatMap(({ id, interfaces }) =>
      interfaces.filter(({ kind }) => kind !== "bridge").map(({ name }) => lab.capture(id, name)),
    ),
  );
  let clock = 0;
  const until = async (time: number) => {
    await lab.wait(Math.max(0, time - clock));
    clock = time;
  };
  let number = 0;
  const given = new GivenPorts(network);
  const ends = new Set(network.hosts.filter(({ role }) => role !== "node").map(({ id }) => id));
  const meet = ({ hops, replies }: Trace): void => {
    for (const { kind, place, in: from, before } of hops)
      if (kind === "host" && from !== undefined && ends.has(place)) given.rename(packetText(before));
    replies.forEach(meet);
  };
  for (const step of sent) {
    await until(step.after ?? clock);
    witness?.before(step, ++number);
    const { host, program } = step;
    const packet = step.given === undefined ? step.packet : given.withPort(step.packet, step.given);
    given.rename(packetText(packet));
    const trace = program === true ? lab.sendRaw(host, packet) : lab.inject(host, "eth0", packet);
    meet(trace);
    await witness?.after(trace, lab);
  }
  await until(readAfter);
  const seen = (
    await Promise.all(
      captures.map(async capture =>
        (await capture.stop()).map(entry => seenText(capture.host, { ...entry, interface: capture.interface })),
      ),
    )
  ).flat();
  const withRules = routers(network).filter(({ rules }) => rules.tables.length > 0);
  return {
    seen: given.renameAll(seen).sort(),
    conntrack: given
      .renameAll(
        (
          await Promise.all(
            withRules.map(async ({ id }) => (await lab.conntrack(id)).map(entry => entryText(id, entry))),
          )
        ).flat(),
      )
      .sort(),
    counters: (await Promise.all(withRules.map(async ({ id }) => counterLines(id, await lab.counters(id))))).flat(),
  };
};

/** Whether a hop's packet came and left as the kernel's did; what leaves by a bridge is seen at its port, or by who gets it. */
const passesAsSeen = (network: Network, hop: Hop, passed: ReadonlySet<string> = new Set()): boolean =>
  hop.kind !== "host" ||
  (["in", "out"] as const).every(direction => {
    const name = hop[direction];
    if (name === undefined || !isPort(network, hop.place, name)) return true;
    return passed.has(
      seenText(hop.place, { interface: name, direction, packet: direction === "in" ? hop.before : hop.after }),
    );
  });

/** Lines of one that the other lacks, as often as they occur. */
const lacking = (of: readonly string[], other: readonly string[]): string[] => {
  const left = new Map<string, number>();
  for (const line of other) left.set(line, (left.get(line) ?? 0) + 1);
  return of.filter(line => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
};

/** Whether two lines of a connection table say the same; the seconds left may differ by what reading a table takes. */
const sameEntry = (a: string, b: string): boolean => {
  const left = / (\d+) s$/;
  const seconds = (line: string) => Number(left.exec(line)?.[1]);
  return a.replace(left, "") === b.replace(left, "") && Math.abs(seconds(a) - seconds(b)) <= 2;
};

/** What kernel and model do not agree on, line by line; empty when they do. */
export const differences = (kernel: Observation, model: Observation): readonly string[] =>
  (["seen", "conntrack", "counters"] as const).flatMap(part => {
    const only = lacking(kernel[part], model[part]);
    const other = lacking(model[part], kernel[part]).filter(line => {
      const same = part === "conntrack" ? only.findIndex(candidate => sameEntry(candidate, line)) : -1;
      if (same >= 0) only.splice(same, 1);
      return same < 0;
    });
    // What is forgotten within the second may be gone from one table and not yet from the other.
    const counts = (line: string) => part !== "conntrack" || !line.endsWith(" 0 s");
    return [
      ...only.filter(counts).map(line => `kernel only: ${line}`),
      ...other.filter(counts).map(line => `model only:  ${line}`),
    ];
  });

export interface Outcome {
  readonly packets: number;
  readonly kernel: Kernel;
  readonly draws: readonly number[];
  /** None when chance leaves the outcome open. */
  readonly differences: readonly string[];
  readonly undetermined: boolean;
}

/** Runs a case on both engines. */
export const compareCase = async (of: Case, options: KernelOptions = {}): Promise<Outcome> => {
  const kernel = await runKernel(of, options);
  const model = await runModel(of, kernel);
  const found = differences(kernel, model);
  const undetermined = model.undetermined && found.length > 0;
  const { draws } = model;
  return { packets: kernel.sent.length, kernel, draws, differences: undetermined ? [] : found, undetermined };
};
