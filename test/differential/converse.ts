import type { Addr } from "../../lib/ip/addr.js";
import { cidrOf, lastOf } from "../../lib/ip/cidr.js";
import { flowOf, invert, isFlowPacket, rewrite } from "../../lib/packet/flow.js";
import type { IcmpEcho, Packet, Tcp, TcpFlag, Udp } from "../../lib/packet/packet.js";
import {
  type Action,
  type Case,
  type Conversation,
  type Endpoint,
  nowhere,
  type Place,
  type Sent,
  serviceAddresses,
  specialAddresses,
  type Style,
  wrongSources,
} from "./generate.js";

/** Where sequence numbers start: where they soon begin again at 0. */
const firstSequence = 0xffffff00;
/** More than an end of a connection offers to take, and more than one may lag behind. */
const beyond = 100_000;
const near = (seq: number, other: number): boolean => Math.abs((seq - other) | 0) < beyond / 2;

interface Side {
  /** Next sequence number to send. */
  seq: number;
  /** What it expects next from the other. */
  ack: number;
  last: Packet | undefined;
}

const routers = ({ network, endpoints }: Case) =>
  network.hosts.filter(({ id }) => !endpoints.some(({ host }) => host === id));

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length]!;

type Stage = readonly ["client" | "server", readonly TcpFlag[], ("data" | "fresh")?];
const closed: readonly Stage[] = [
  ["client", ["FIN", "ACK"]],
  ["server", ["FIN", "ACK"]],
  ["client", ["ACK"]],
];
const answered: readonly Stage[] = [
  ["client", ["SYN"], "fresh"],
  ["server", ["SYN", "ACK"], "fresh"],
  ["client", ["ACK"]],
  ["client", ["PSH", "ACK"], "data"],
  ["server", ["PSH", "ACK"], "data"],
];
const stages: Readonly<Record<Style, readonly Stage[]>> = {
  whole: [...answered, ...closed],
  "half-open": [
    ["client", ["SYN"], "fresh"],
    ["client", ["SYN"]],
    ["server", ["SYN", "ACK"], "fresh"],
    ["server", ["SYN", "ACK"]],
    ["client", ["SYN"], "fresh"],
  ],
  simultaneous: [
    ["client", ["SYN"], "fresh"],
    ["server", ["SYN"], "fresh"],
    ["client", ["SYN", "ACK"]],
    ["server", ["SYN", "ACK"]],
    ["client", ["ACK"]],
    ["server", ["PSH", "ACK"], "data"],
    ...closed,
  ],
  reset: [...answered, ["client", ["RST", "ACK"]]],
  turned: [
    ...answered,
    ...closed,
    ["server", ["SYN"], "fresh"],
    ["client", ["SYN", "ACK"], "fresh"],
    ["server", ["ACK"]],
  ],
};

/** A conversation between a client and whoever its packets reach, each end honest but for the odd actions asked of it. */
class Talk {
  private readonly client: Endpoint;
  private server: { readonly host: string; readonly seen: IcmpEcho | Tcp | Udp } | undefined;
  private readonly sides: { client: Side; server: Side };
  private stage = 0;
  private openings = 0;
  private speaker: "client" | "server" = "client";
  /** Whether the last packet reached the other end, and how often it has been repeated. */
  private delivered = true;
  private repeats = 0;

  constructor(
    private readonly spec: Conversation,
    private readonly of: Case,
  ) {
    this.client =
      spec.client.kind === "endpoint" ? pick(of.endpoints, spec.client.index) : this.router(spec.client.index);
    this.sides = {
      client: { seq: firstSequence, ack: firstSequence, last: undefined },
      server: { seq: firstSequence, ack: firstSequence, last: undefined },
    };
  }

  /** A router as an end of a conversation, by one of its addresses. */
  private router(index: number): Endpoint {
    const { id, interfaces } = pick(routers(this.of), index);
    const [address, ...others] = interfaces.flatMap(({ addresses }) => addresses.map(entry => entry.address));
    return { host: id, address: address!, others };
  }

  private get service(): Place {
    return pick(this.of.services ?? serviceAddresses.map(address => ({ address })), this.spec.to.index);
  }

  private get destination() {
    const { kind, index } = this.spec.to;
    const others = this.of.endpoints.filter(({ host }) => host !== this.client.host); // to oneself nothing takes the wire
    if (kind === "endpoint" && others.length > 0) return pick(addressesOf(pick(others, index)), index);
    if (kind === "service") return this.service.address;
    if (kind === "nowhere") return pick(nowhere, index);
    if (kind === "special") return pick(specialAddresses, index);
    return pick(
      pick(routers(this.of), index).interfaces.flatMap(({ addresses }) => addresses),
      index,
    ).address;
  }

  private has(host: string, address: Addr): boolean {
    const endpoint = this.of.endpoints.find(candidate => candidate.host === host);
    return endpoint !== undefined && addressesOf(endpoint).includes(address);
  }

  act(action: Exclude<Action, { kind: "wait" }>, number: number): Sent | undefined {
    const packet = action.kind === "step" ? this.step(number) : this.odd(action, number);
    if (packet === undefined) return undefined;
    const host = this.speaker === "client" ? this.client.host : this.server!.host;
    if (this.has(host, packet.dst)) return undefined; // a packet to oneself, which takes no wire
    if (isOwnBroadcast(this.of, host, packet.dst)) return undefined; // a frame for all, which nobody's routes decide about
    const side = this.sides[this.speaker];
    if (isFlowPacket(packet)) {
      side.last = packet;
      if (packet.proto === "tcp" && near(packet.seq, side.seq))
        side.seq =
          (packet.seq +
            packet.payload.length +
            (packet.flags.includes("SYN") || packet.flags.includes("FIN") ? 1 : 0)) >>>
          0;
    }
    this.delivered = false;
    return { host, packet, ...(!this.of.endpoints.some(endpoint => endpoint.host === host) && { program: true }) };
  }

  /** What has arrived because of the last packet. */
  observe(host: string, packet: Packet): void {
    if (!isFlowPacket(packet)) return;
    if (this.has(host, packet.src)) return; // sent back to itself as itself: no stack would answer that on the wire
    if (this.speaker === "client") this.server = { host, seen: packet };
    else if (host !== this.client.host) return;
    this.delivered = true;
    const other = this.sides[this.speaker === "client" ? "server" : "client"];
    if (packet.proto !== "tcp" || !near(packet.seq, other.ack)) return;
    other.ack =
      (packet.seq + packet.payload.length + (packet.flags.includes("SYN") || packet.flags.includes("FIN") ? 1 : 0)) >>>
      0;
  }

  private step(number: number): Packet | undefined {
    const waits = !this.delivered && (this.repeats < 2 || (this.of.honest === true && this.spec.proto === "tcp"));
    if (waits && this.sides[this.speaker].last !== undefined) {
      this.repeats++;
      return this.sides[this.speaker].last;
    }
    this.repeats = 0;
    if (this.of.honest === true && this.spec.proto === "tcp" && this.openings > 0 && this.stage === 0) return undefined;
    if (this.spec.proto !== "tcp") {
      this.speak(this.speaker === "client" && this.stage++ > 0 && this.server !== undefined ? "server" : "client");
      return this.spec.proto === "udp" ? this.udp(number) : this.echo(number);
    }
    const list = stages[this.spec.style];
    const [side, flags, what] = list[this.stage]!;
    this.stage = (this.stage + 1) % list.length;
    this.speak(side);
    if (what === "fresh") this.sides[this.speaker].seq = this.initial();
    return this.tcp(flags, what === "data" ? `data ${number}` : "");
  }

  private odd({ side, what }: Action & { kind: "odd" }, number: number): Packet | undefined {
    this.speak(side);
    const own = this.sides[this.speaker];
    if (what === "again") return own.last;
    if (what === "error") return this.error();
    if (this.spec.proto !== "tcp") return this.spec.proto === "udp" ? this.udp(number) : this.echo(number);
    switch (what) {
      case "rst":
        return this.tcp(number % 2 === 0 ? ["RST"] : ["RST", "ACK"], "");
      case "fin":
        return this.tcp(["FIN", "ACK"], "");
      case "syn":
        own.seq = this.initial();
        return this.tcp(["SYN"], "");
      case "ack":
        return this.tcp(["ACK"], "");
      case "data":
        return this.tcp(["PSH", "ACK"], `more ${number}`);
      case "stray":
        own.seq = (own.seq + 100) >>> 0;
        return this.tcp(["ACK"], `stray ${number}`);
      case "ahead":
        return this.outside(this.tcp(["PSH", "ACK"], `ahead ${number}`), { seq: beyond });
      case "behind":
        return this.outside(this.tcp(["PSH", "ACK"], `behind ${number}`), { seq: -beyond });
      case "early":
        return this.outside(this.tcp(["ACK"], ""), { ack: beyond });
    }
  }

  /** The server can speak only once something has reached it. */
  private speak(side: "client" | "server"): void {
    this.speaker = side === "server" && this.server !== undefined ? "server" : "client";
  }

  private initial(): number {
    return (this.sides[this.speaker].seq + 7 * this.openings++) >>> 0;
  }

  private get addresses() {
    const { source, client, sport, ttl } = this.spec;
    if (this.speaker === "client")
      return {
        // For a program that names no source the kernel names one.
        src:
          source === undefined || (client.kind === "router" && pick(wrongSources, source) === 0)
            ? pick(addressesOf(this.client), client.index + sport)
            : pick(wrongSources, source),
        dst: this.destination,
        ttl,
      };
    const { src, dst } = this.server!.seen;
    return { src: dst, dst: src, ttl: 64 };
  }

  private get ends() {
    if (this.speaker === "client") {
      const { sport, dport, to } = this.spec;
      return { ...this.addresses, sport, dport: (to.kind === "service" ? this.service.port : undefined) ?? dport };
    }
    const { sport, dport } = invert(flowOf(this.server!.seen));
    return { ...this.addresses, sport, dport };
  }

  private tcp(flags: readonly TcpFlag[], payload: string): Tcp {
    const { seq, ack } = this.sides[this.speaker];
    return { proto: "tcp", ...this.ends, flags, seq, ack: flags.includes("ACK") ? ack : 0, payload };
  }

  /** A segment outside the windows. */
  private outside(segment: Tcp, { seq = 0, ack = 0 }: { readonly seq?: number; readonly ack?: number }): Tcp {
    return { ...segment, seq: (segment.seq + seq) >>> 0, ack: (segment.ack + ack) >>> 0 };
  }

  private udp(number: number): Udp {
    return { proto: "udp", ...this.ends, payload: `datagram ${number}` };
  }

  private echo(number: number): IcmpEcho {
    const seen = this.server?.seen;
    if (this.speaker === "client")
      return {
        proto: "icmp",
        type: "echo-request",
        ...this.addresses,
        id: this.spec.sport,
        seq: number & 0xffff,
        size: 8,
      };
    return rewrite({ ...(seen as IcmpEcho), type: "echo-reply", ttl: 64 }, { ...invert(flowOf(seen!)) }) as IcmpEcho;
  }

  /** "Nobody listens there", about what the speaker got last. */
  private error(): Packet | undefined {
    const about = this.speaker === "client" ? undefined : this.server!.seen;
    if (about === undefined || (about.proto === "icmp" && about.type === "echo-reply")) return undefined;
    return { proto: "icmp", type: "unreachable", code: 3, src: about.dst, dst: about.src, ttl: 64, quoted: about };
  }
}

const addressesOf = ({ address, others = [] }: Endpoint): readonly Addr[] => [address, ...others];

const isOwnBroadcast = ({ network }: Case, host: string, address: Addr): boolean =>
  network.hosts
    .find(({ id }) => id === host)!
    .interfaces.some(({ addresses }) =>
      addresses.some(entry => {
        const block = cidrOf(entry.address, entry.prefix);
        return entry.prefix < 31 && (address === block.base || address === lastOf(block));
      }),
    );

/** All conversations of a case: what each action sends, given what has arrived so far. */
export const converse = (of: Case) => {
  const talks = of.conversations.map(spec => new Talk(spec, of));
  return {
    act: (action: Exclude<Action, { kind: "wait" }>, number: number): Sent | undefined =>
      pick(talks, action.conversation).act(action, number),
    observe: (action: Exclude<Action, { kind: "wait" }>, host: string, packet: Packet): void =>
      pick(talks, action.conversation).observe(host, packet),
  };
};
