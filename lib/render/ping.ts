import { largest, smallest } from "../extremes.js";
import type { PingReply, PingResult } from "../net/lab.js";

/** How a ping was started and how it ended. */
export interface PingTextOptions {
  /** The destination as typed, when it was a name. */
  readonly name?: string;
  /**
   * How it ended: it had sent all that `-c` asked for (`done`, the default); `^C` reached ping (`interrupted`), which
   * prints its statistics; or `^C` ended only the kubectl in front of it (`cut`), and no statistics come back.
   */
  readonly end?: "done" | "interrupted" | "cut";
}

/** A time as iputils prints it, with at least three digits: `0.676`, `1.49`, `12.3`, `123`. */
const formatMilliseconds = (milliseconds: number): string => {
  const micros = Math.round(milliseconds * 1000);
  const digits = micros >= 100_000 ? 0 : micros >= 10_000 ? 1 : micros >= 1000 ? 2 : 3;
  const scale = 10 ** (3 - digits);
  return (Math.floor(micros / scale) / 10 ** digits).toFixed(digits);
};

const unreachable: Readonly<Record<number, string>> = {
  0: "Destination Net Unreachable",
  1: "Destination Host Unreachable",
  2: "Destination Protocol Unreachable",
  3: "Destination Port Unreachable",
  9: "Destination Net Prohibited",
  10: "Destination Host Prohibited",
  13: "Packet filtered",
};

const formatReply = (reply: PingReply): string => {
  switch (reply.kind) {
    case "echo-reply":
      return `${reply.bytes} bytes from ${reply.from}: icmp_seq=${reply.seq} ttl=${reply.ttl} time=${formatMilliseconds(reply.milliseconds)} ms`;
    case "time-exceeded":
      return `From ${reply.from} icmp_seq=${reply.seq} Time to live exceeded`;
    case "unreachable":
      return `From ${reply.from} icmp_seq=${reply.seq} ${unreachable[reply.code ?? 1] ?? unreachable[1]}`;
  }
};

const formatMicros = (micros: number): string => (micros / 1000).toFixed(3);

const roundTrips = (echoes: readonly PingReply[]): string => {
  const micros = echoes.map(reply => Math.round(reply.milliseconds * 1000));
  const mean = Math.floor(micros.reduce((sum, each) => sum + each, 0) / micros.length);
  const meanSquare = micros.reduce((sum, each) => sum + each * each, 0) / micros.length;
  const deviation = Math.floor(Math.sqrt(Math.max(0, meanSquare - mean * mean)));
  return `rtt min/avg/max/mdev = ${[smallest(micros), mean, largest(micros), deviation].map(formatMicros).join("/")} ms`;
};

const statistics = (result: PingResult, name: string): readonly string[] => {
  const echoes = result.replies.filter(reply => reply.kind === "echo-reply");
  const errors = result.replies.length - echoes.length;
  const loss = result.sent === 0 ? 0 : Math.floor(((result.sent - result.received) * 100) / result.sent);
  const last = result.replies.at(-1);
  const time = Math.round(
    Math.max((result.sent - 1) * 1000, last === undefined ? 0 : (last.seq - 1) * 1000 + last.milliseconds),
  );
  return [
    `--- ${name} ping statistics ---`,
    `${result.sent} packets transmitted, ${result.received} received${errors > 0 ? `, +${errors} errors` : ""}, ${loss}% packet loss, time ${time}ms`,
    echoes.length > 0 ? roundTrips(echoes) : "",
  ];
};

/** A ping as iputils prints it: heading, a line per answer, statistics. */
export const printPing = (result: PingResult, options: PingTextOptions = {}): string => {
  const name = options.name ?? result.to;
  const end = options.end ?? "done";
  const lines = [
    `PING ${name} (${result.to}) ${result.size}(${result.size + 28}) bytes of data.`,
    ...result.replies.map(formatReply),
  ];
  if (end === "cut") return [...lines, "^C"].join("\n");
  return [...lines, end === "interrupted" ? "^C" : "", ...statistics(result, name)].join("\n").trimEnd();
};
