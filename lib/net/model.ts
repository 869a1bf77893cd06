import { known, moment } from "../checks.js";
import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { type Flow, flowKey, flowOf, isFlowPacket } from "../packet/flow.js";
import { packetLength, type Packet, type Tcp, type TcpFlag } from "../packet/packet.js";
import { subseed } from "../random.js";
import { next } from "./answer.js";
import { Engine, socketKey } from "./engine.js";
import type { Captured, ConnectOptions, ConnectResult, ModelLab, PingOptions, PingReply, PingResult } from "./lab.js";
import type { Random } from "../random.js";
import { pingDestination, pingNumbers, pingResult, portNumber, resolveName, waitSeconds } from "./options.js";
import { errorOfMany, errorTold, failureOf, type SocketError } from "./socketError.js";
import { destinationMeant, isMulticast } from "./specialAddresses.js";
import type { Trace } from "./trace.js";
import type { Network } from "./network.js";

/** Linux's ports for clients that ask for none: net.ipv4.ip_local_port_range. */
const ephemeral = { first: 32768, last: 60999 };

/** What a socket sends to a multicast group unless told otherwise: IP_MULTICAST_TTL. */
const multicastTtl = 1;

/**
 * Boots a network on the in-process engine. Nothing runs by itself: packets move when a method sends one,
 * and the clock advances by what they take.
 * @param startsAt where the clock starts, seconds since the epoch
 * @param randomOf the chance that a host's netfilter draws from; by default seeded by the network's seed and the host
 */
export const bootModel = (network: Network, startsAt = 0, randomOf?: (host: string) => Random): ModelLab => {
  const engine = new Engine(network, moment("startsAt", startsAt) * 1000, randomOf);
  const names = new Map(network.names.map(({ name, address }) => [name, address]));
  const hostIds = new Set(network.hosts.map(({ id }) => id));
  const nextPort = new Map<string, number>();
  let nextId = 1;

  const host = (id: string): string => {
    if (!hostIds.has(id))
      throw new InputError({
        where: "host",
        value: id,
        problem: "is not in this network",
        expected: `one of ${known([...hostIds])}`,
      });
    return id;
  };
  const resolve = (to: string): Addr => resolveName(names, to);
  const source = (from: string, to: Addr): Addr | undefined => engine.source(host(from), to);

  const clientPort = (from: string, wanted: number | undefined): number => {
    if (wanted !== undefined) return portNumber("sourcePort", wanted);
    const port =
      nextPort.get(from) ??
      ephemeral.first + ((subseed(network.seed, from) >>> 0) % (ephemeral.last - ephemeral.first + 1));
    nextPort.set(from, port === ephemeral.last ? ephemeral.first : port + 1);
    return port;
  };

  /** Connections that programs have left open. */
  const open = new Set<string>();
  const openKey = (from: string, flow: Flow): string => `${from} ${flowKey(flow)}`;

  /** Does something as if it took no time, so that many packets can be followed at one moment. */
  const atOnce = (follow: () => Trace): Trace => {
    const now = engine.clock;
    const followed = follow();
    engine.clock = now;
    return followed;
  };

  const trace = (from: string, packet: Packet): Trace =>
    atOnce(() =>
      isFlowPacket(packet)
        ? exchange(host(from), flowOf(packet), [packet], true).trace!
        : engine.send(host(from), packet, true).trace,
    );

  const interfaceOf = (at: string, name: string) => {
    const state = engine.state(host(at));
    const entry = state.interfaces.get(name);
    if (entry !== undefined) return entry;
    throw new InputError({
      where: `interface of ${at}`,
      value: name,
      problem: "does not exist",
      expected: `one of ${known(["lo", ...state.interfaces.keys()])}`,
    });
  };

  /** Sends while somebody waits for what comes back, and so many seconds more; gives the trace and what arrived. */
  const exchange = (
    from: string,
    flow: Flow,
    packets: readonly Packet[],
    record: boolean,
    silence = 0,
  ): { readonly trace: Trace | undefined; readonly inbox: readonly Packet[]; readonly error?: SocketError } => {
    const key = socketKey(from, flow);
    const outer = engine.sockets.get(key);
    const inbox: Packet[] = [];
    engine.sockets.set(key, inbox);
    let trace: Trace | undefined;
    let error: SocketError | undefined;
    for (const packet of packets) {
      const sent = engine.send(from, packet, record);
      trace = sent.trace;
      error ??= sent.error;
    }
    if (silence > 0) engine.wait(silence * 1000);
    if (outer === undefined) engine.sockets.delete(key);
    else engine.sockets.set(key, outer);
    return { trace, inbox, ...(error !== undefined && { error }) };
  };

  const echo = (to: Addr, src: Addr, id: number, seq: number, { ttl, size }: Required<PingOptions>): Packet => ({
    proto: "icmp",
    type: "echo-request",
    src,
    dst: to,
    ttl,
    id,
    seq,
    size,
  });

  const noRoute = (to: string, from: string): never => {
    throw new InputError({
      where: `destination of ${from}`,
      value: to,
      problem: "has no route there",
      expected: "an address that a route of the host covers",
    });
  };

  const ping = (from: string, to: string, options: PingOptions): PingResult => {
    const numbers = pingNumbers(options);
    const address = pingDestination(engine.state(host(from)).host, resolve(to), numbers.broadcast);
    const src = source(from, address) ?? noRoute(to, from);
    const id = nextId++ & 0xffff;
    const replies: PingReply[] = [];
    for (let seq = 1; seq <= numbers.count; seq++) {
      const sent = engine.clock;
      const request = echo(address, src, id, seq, numbers);
      const { inbox } = exchange(from, flowOf(request as Extract<Packet, { type: "echo-request" }>), [request], false);
      for (const packet of inbox) {
        if (packet.proto !== "icmp") continue;
        replies.push({
          seq,
          from: formatAddr(packet.src),
          kind: packet.type === "echo-request" ? "echo-reply" : packet.type,
          ...("quoted" in packet && { code: packet.code }),
          bytes: packetLength(packet) - 20,
          ttl: packet.ttl,
          milliseconds: engine.clock - sent,
        });
      }
      engine.clock = Math.max(engine.clock, sent + 1000);
    }
    return pingResult(from, address, numbers, replies);
  };

  /** Serves both protocols: what a client does after its first packet was answered. */
  const connect = (from: string, to: string, port: number, options: ConnectOptions): ConnectResult => {
    const asked = resolve(to);
    const address = destinationMeant(asked);
    const src = source(from, address) ?? noRoute(to, from);
    const sport = clientPort(from, options.sourcePort);
    const proto = options.proto ?? "tcp";
    const state = engine.state(from);
    const ttl = isMulticast(address) ? multicastTtl : 64;
    const base = { src, sport, dst: address, dport: portNumber("port", port), ttl };
    const at = { to: formatAddr(asked), port, sourcePort: sport };
    const flow: Flow = { proto, src, sport, dst: address, dport: port };
    const failed = (error: SocketError = "ETIMEDOUT"): ConnectResult => ({ ...failureOf(error), ...at });

    const refused = state.reachesMany(address) ? errorOfMany(proto, state.isBroadcast(address)) : undefined;
    if (refused !== undefined) return failed(refused);
    if (proto === "udp") {
      const seen = watch(from, flow);
      const datagram: Packet = { proto, ...base, payload: options.request ?? "egress-lab\n" };
      const { inbox, error } = exchange(from, flow, [datagram], false);
      const reply = inbox.find(packet => packet.proto === "udp");
      if (reply?.proto !== "udp") return failed(error ?? errorTold(proto, inbox));
      return { kind: "connected", ...at, ...seen(), body: reply.payload };
    }

    if (options.sourcePort !== undefined && state.listener("tcp", sport) !== undefined) return failed("EADDRINUSE");
    if (open.has(openKey(from, flow))) return failed("EADDRNOTAVAIL");
    const seen = watch(from, flow);
    const segment = (flags: readonly TcpFlag[], seq: number, ack: number, payload = ""): Tcp => ({
      proto: "tcp",
      ...base,
      flags,
      seq,
      ack,
      payload,
    });
    const syn = segment(["SYN"], engine.initialSequence(flow), 0);
    const opened = exchange(from, flow, [syn], false).inbox;
    const accepted = opened.find((packet): packet is Tcp => packet.proto === "tcp" && packet.flags.includes("SYN"));
    if (accepted === undefined) return failed(errorTold(proto, opened));
    const request = options.request ?? `GET / HTTP/1.1\r\nHost: ${to}\r\nUser-Agent: egress-lab\r\nAccept: */*\r\n\r\n`;
    const question = segment(["ACK", "PSH"], next(syn), next(accepted), request);
    const acknowledged = segment(["ACK"], next(syn), next(accepted));
    const isReset = (packet: Packet) => packet.proto === "tcp" && packet.flags.includes("RST");
    const meanwhile = exchange(from, flow, [acknowledged], false, waitSeconds(options.silence ?? 0)).inbox;
    if (meanwhile.some(isReset)) return failed("ECONNRESET");
    const answers = exchange(from, flow, [question], false).inbox;
    const reply = answers.find((packet): packet is Tcp => packet.proto === "tcp" && packet.payload.length > 0);
    if (reply === undefined) return failed(answers.some(isReset) ? "ECONNRESET" : "ETIMEDOUT");
    const close = options.close ?? "fin";
    const done = segment(["ACK"], next(question), next(reply));
    const closing =
      close === "open"
        ? [done]
        : close === "rst"
          ? [segment(["RST", "ACK"], next(question), next(reply))]
          : [done, segment(["FIN", "ACK"], next(question), next(reply))];
    const closed = exchange(from, flow, closing, false).inbox;
    if (close === "open") open.add(openKey(from, flow));
    const fin = closed.find((packet): packet is Tcp => packet.proto === "tcp" && packet.flags.includes("FIN"));
    if (fin !== undefined) exchange(from, flow, [segment(["ACK"], (next(question) + 1) >>> 0, next(fin))], false);
    return {
      kind: "connected",
      ...at,
      ...seen(),
      body: reply.payload.slice(reply.payload.indexOf("\r\n\r\n") + 4),
    };
  };

  /** Notes who serves the next conversation, and how the server sees the caller: nobody where a socket talks to itself. */
  const watch = (from: string, { src, sport }: Flow) => {
    engine.served = undefined;
    return () => {
      const { host: server, packet } = engine.served ?? { host: from, packet: { src, sport } };
      return { server, seenAs: { address: formatAddr(packet.src), port: packet.sport } };
    };
  };

  return {
    engine: "model",
    network,
    now: () => engine.clock / 1000,
    ping: async (from, to, options = {}) => ping(host(from), to, options),
    connect: async (from, to, port, options = {}) => connect(host(from), to, port, options),
    async capture(at, interfaceName) {
      const state = engine.state(host(at));
      const any = interfaceName === "any";
      if (!any && interfaceName !== "lo") interfaceOf(at, interfaceName);
      const seen: Captured[] = [];
      const listener = (captured: Captured): void => {
        if (any || captured.interface === interfaceName) seen.push(captured);
      };
      state.captures.add(listener);
      return {
        host: at,
        interface: interfaceName,
        async stop() {
          state.captures.delete(listener);
          return seen;
        },
      };
    },
    conntrack: async at => engine.state(host(at)).netfilter?.conntrack() ?? [],
    counters: async at => engine.state(host(at)).netfilter?.counters() ?? { tables: [] },
    async wait(seconds) {
      engine.wait(waitSeconds(seconds) * 1000);
    },
    close: async () => undefined,
    trace,
    sendRaw: (from, packet) => atOnce(() => engine.send(host(from), packet, true).trace),
    inject: (from, name, packet) => atOnce(() => engine.inject(from, interfaceOf(from, name), packet)),
    tracePing(from, to, options = {}) {
      const address = destinationMeant(resolve(to));
      const request = echo(
        address,
        source(from, address) ?? noRoute(to, from),
        nextId++ & 0xffff,
        1,
        pingNumbers(options),
      );
      return trace(from, request);
    },
    traceConnect(from, to, port, options = {}) {
      const address = destinationMeant(resolve(to));
      const sport = clientPort(host(from), options.sourcePort);
      const base = {
        src: source(from, address) ?? noRoute(to, from),
        sport,
        dst: address,
        dport: portNumber("port", port),
        ttl: 64,
      };
      return trace(
        from,
        options.proto === "udp"
          ? { proto: "udp", ...base, payload: "egress-lab\n" }
          : {
              proto: "tcp",
              ...base,
              flags: ["SYN"],
              seq: engine.initialSequence({ proto: "tcp", src: base.src, sport, dst: address, dport: port }),
              ack: 0,
              payload: "",
            },
      );
    },
    portUse: () =>
      engine.translators.flatMap(state =>
        state.use().map(row => ({
          translator: state.translator.name,
          source: formatAddr(row.source),
          proto: row.proto,
          inUse: row.inUse,
          allotted: row.allotted,
          ports: row.ports,
        })),
      ),
  };
};
