import type { Packet } from "../packet/packet.js";

/** What `connect`, `send` or `recv` reports to a program, by the name that errno(3) has for it. */
export type SocketError =
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ETIMEDOUT"
  | "ENETUNREACH"
  | "EHOSTUNREACH"
  | "EHOSTDOWN"
  | "ENONET"
  | "ENOPROTOOPT"
  | "EOPNOTSUPP"
  | "EMSGSIZE"
  | "EPERM"
  | "EACCES"
  | "EINVAL"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL";

/**
 * What a program is told when no conversation comes about. `refused`: nobody listens (ECONNREFUSED). `unreachable`: there is
 * no way, or it is closed. `reset`: the connection was there and is no more (ECONNRESET). `denied`: its own host does not send the packet (also
 * when the source port is one that the host listens at, EADDRINUSE, or the same connection is still open, EADDRNOTAVAIL). `timeout`: nothing; so also for UDP where the network
 * says "net unreachable", "host unreachable" or "time exceeded", of which Linux tells TCP only.
 */
export type FailedConnect =
  | { readonly kind: "refused" | "reset" | "unreachable" | "denied"; readonly error: SocketError }
  | { readonly kind: "timeout" };

interface Told {
  readonly error: SocketError;
  /** Hard errors reach a connected UDP socket as well; of soft ones only a TCP connection in the making is told. */
  readonly hard: boolean;
}

const hard = (error: SocketError): Told => ({ error, hard: true });
const soft = (error: SocketError): Told => ({ error, hard: false });

/** What Linux makes of "destination unreachable", by its code: `icmp_err_convert` in net/ipv4/icmp.c. */
const unreachable: readonly Told[] = [
  soft("ENETUNREACH"),
  soft("EHOSTUNREACH"),
  hard("ENOPROTOOPT"),
  hard("ECONNREFUSED"),
  soft("EMSGSIZE"),
  soft("EOPNOTSUPP"),
  hard("ENETUNREACH"),
  hard("EHOSTDOWN"),
  hard("ENONET"),
  hard("ENETUNREACH"),
  hard("EHOSTUNREACH"),
  soft("ENETUNREACH"),
  soft("EHOSTUNREACH"),
  hard("EHOSTUNREACH"),
  hard("EHOSTUNREACH"),
  hard("EHOSTUNREACH"),
];

const timeExceeded = soft("EHOSTUNREACH");

/** The first thing among what came in that a program is told as an error: by `connect` for TCP, by `recv` on a connected UDP socket. */
export const errorTold = (proto: "tcp" | "udp", inbox: readonly Packet[]): SocketError | undefined => {
  for (const packet of inbox) {
    if (packet.proto === "tcp" && packet.flags.includes("RST")) return "ECONNREFUSED";
    if (packet.proto !== "icmp" || !("quoted" in packet)) continue;
    const told = packet.type === "time-exceeded" ? timeExceeded : unreachable[packet.code];
    if (told !== undefined && (told.hard || proto === "tcp")) return told.error;
  }
  return undefined;
};

/** What `connect` itself reports of a destination that stands for many: TCP has none such, UDP asks for a socket option first. */
export const errorOfMany = (proto: "tcp" | "udp", broadcast: boolean): SocketError | undefined =>
  proto === "tcp" ? "ENETUNREACH" : broadcast ? "EACCES" : undefined;

/** How a connection failed, by the error that the program got. */
export const failureOf = (error: SocketError): FailedConnect => {
  switch (error) {
    case "ECONNREFUSED":
      return { kind: "refused", error };
    case "ECONNRESET":
      return { kind: "reset", error };
    case "ETIMEDOUT":
      return { kind: "timeout" };
    case "EPERM":
    case "EACCES":
    case "EINVAL":
    case "EADDRINUSE":
    case "EADDRNOTAVAIL":
      return { kind: "denied", error };
    default:
      return { kind: "unreachable", error };
  }
};
