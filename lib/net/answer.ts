import { formatAddr } from "../ip/addr.js";
import type { IcmpEcho, Packet, Tcp, TcpFlag, Udp } from "../packet/packet.js";
import type { Listener } from "./network.js";

/** What the far end of a packet answers it with. Each answer is a new packet of the answering host, TTL 64. */
export const answer = {
  echo: (request: IcmpEcho): IcmpEcho => ({
    ...request,
    type: "echo-reply",
    src: request.dst,
    dst: request.src,
    ttl: 64,
  }),

  reset: (packet: Tcp): Tcp =>
    packet.flags.includes("ACK")
      ? segment(packet, ["RST"], { seq: packet.ack, ack: 0 })
      : segment(packet, ["RST", "ACK"], { seq: 0, ack: next(packet) }),

  /** A server without memory: what it sends follows from the segment or datagram alone. */
  serve(packet: Tcp | Udp, listener: Listener | undefined): readonly Packet[] {
    if (packet.proto === "udp")
      return listener === undefined
        ? []
        : [
            {
              ...packet,
              src: packet.dst,
              sport: packet.dport,
              dst: packet.src,
              dport: packet.sport,
              ttl: 64,
              payload: body(listener, packet),
            },
          ];
    if (packet.flags.includes("RST")) return [];
    if (listener === undefined) return [answer.reset(packet)];
    if (packet.flags.includes("SYN"))
      return [segment(packet, ["SYN", "ACK"], { seq: serverSequence(packet), ack: next(packet) })];
    if (packet.payload.length > 0)
      return [
        // The kernel acknowledges the request before the program has read it.
        segment(packet, ["ACK"], { seq: packet.ack, ack: next(packet) }),
        segment(packet, ["ACK", "PSH"], { seq: packet.ack, ack: next(packet) }, http(body(listener, packet), packet)),
      ];
    if (packet.flags.includes("FIN")) return [segment(packet, ["FIN", "ACK"], { seq: packet.ack, ack: next(packet) })];
    return [];
  },
};

/** The sequence number that follows a segment: its data, and one each for SYN and FIN. */
export const next = ({ seq, payload, flags }: Tcp): number =>
  (seq + payload.length + (flags.includes("SYN") ? 1 : 0) + (flags.includes("FIN") ? 1 : 0)) >>> 0;

const segment = (
  to: Tcp,
  flags: readonly TcpFlag[],
  numbers: { readonly seq: number; readonly ack: number },
  payload = "",
): Tcp => ({
  proto: "tcp",
  src: to.dst,
  sport: to.dport,
  dst: to.src,
  dport: to.sport,
  ttl: 64,
  flags,
  ...numbers,
  payload,
});

/** Any number would do; this one needs no memory and differs between clients. */
const serverSequence = (packet: Tcp): number => Math.imul(packet.seq ^ packet.sport, 0x9e3779b1) >>> 0;

const body = (listener: Listener, caller: Tcp | Udp): string =>
  listener.answer.kind === "text" ? listener.answer.text : `${formatAddr(caller.src)}\n`;

/** The header that tells who the server saw; a client reads its own translated address and port there. */
const callerHeader = "X-Caller";

const http = (text: string, caller: Tcp): string =>
  [
    "HTTP/1.1 200 OK",
    "Content-Type: text/plain",
    `Content-Length: ${text.length}`,
    `${callerHeader}: ${formatAddr(caller.src)}:${caller.sport}`,
    "",
    text,
  ].join("\r\n");
