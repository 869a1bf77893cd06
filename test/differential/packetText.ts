import { addr, formatAddr } from "../../lib/ip/addr.js";
import type { IcmpEcho, IcmpError, Packet, Tcp, TcpFlag, Udp } from "../../lib/packet/packet.js";

const flagOrder: readonly TcpFlag[] = ["FIN", "SYN", "RST", "PSH", "ACK"];

/** A packet as one line that says all of it. */
export const packetText = (packet: Packet): string => {
  const ends = (port: "sport" | "dport") => (packet.proto !== "icmp" ? `:${packet[port]}` : "");
  const head = `${packet.proto} ${formatAddr(packet.src)}${ends("sport")} > ${formatAddr(packet.dst)}${ends("dport")} ttl ${packet.ttl}`;
  if (packet.proto === "udp") return `${head} ${JSON.stringify(packet.payload)}`;
  if (packet.proto === "tcp")
    return `${head} [${flagOrder.filter(flag => packet.flags.includes(flag)).join(" ")}] seq ${packet.seq} ack ${packet.ack} ${JSON.stringify(packet.payload)}`;
  if ("quoted" in packet) return `${head} ${packet.type} ${packet.code} about { ${packetText(packet.quoted)} }`;
  return `${head} ${packet.type} id ${packet.id} seq ${packet.seq} size ${packet.size}`;
};

const line = /^(icmp|tcp|udp) ([\d.]+)(?::(\d+))? > ([\d.]+)(?::(\d+))? ttl (\d+) (.*)$/s;
const segment = /^\[([A-Z ]*)\] seq (\d+) ack (\d+) (".*")$/s;
const error = /^(time-exceeded|unreachable) (\d+) about \{ (.*) \}$/s;
const echo = /^(echo-request|echo-reply) id (\d+) seq (\d+) size (\d+)$/;

/** The packet of a line that {@link packetText} wrote. */
export const parsePacketText = (text: string): Packet => {
  const wrong = () => new Error(`no packet: ${text}`);
  const [, proto, src, sport, dst, dport, ttl, rest] = line.exec(text) ?? [];
  if (rest === undefined) throw wrong();
  const head = { src: addr(src!), dst: addr(dst!), ttl: Number(ttl) };
  const ports = { sport: Number(sport), dport: Number(dport) };
  if (proto === "udp") return { proto, ...head, ...ports, payload: JSON.parse(rest) as string } satisfies Udp;
  if (proto === "tcp") {
    const [, flags, seq, ack, payload] = segment.exec(rest) ?? [];
    if (payload === undefined) throw wrong();
    const numbers = { seq: Number(seq), ack: Number(ack), payload: JSON.parse(payload) as string };
    const list = flags!.split(" ").filter(flag => flag !== "") as TcpFlag[];
    return { proto, ...head, ...ports, flags: list, ...numbers } satisfies Tcp;
  }
  const [, type, code, quoted] = error.exec(rest) ?? [];
  if (quoted !== undefined)
    return {
      proto: "icmp",
      type: type as IcmpError["type"],
      code: Number(code),
      ...head,
      quoted: parsePacketText(quoted) as IcmpError["quoted"],
    };
  const [, kind, id, seq, size] = echo.exec(rest) ?? [];
  if (size === undefined) throw wrong();
  return {
    proto: "icmp",
    type: kind as IcmpEcho["type"],
    ...head,
    id: Number(id),
    seq: Number(seq),
    size: Number(size),
  };
};
