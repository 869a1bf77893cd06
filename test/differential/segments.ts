import type { TcpFlag } from "../../lib/packet/packet.js";
import { seeded } from "../../lib/random.js";
import type { Sent } from "./generate.js";
import { address, smallCase, tcp } from "./small.js";

/**
 * TCP as no two stacks speak it: openings, acknowledgements and resets of both ends with numbers that fit, nearly fit, or are
 * half of all apart. What a tracker makes of them is decided by corners that an orderly conversation does not come to.
 */

const kinds: readonly (readonly TcpFlag[])[] = [
  ["SYN"],
  ["SYN"],
  ["SYN", "ACK"],
  ["ACK"],
  ["ACK"],
  ["ACK"],
  ["FIN", "ACK"],
  ["RST"],
  ["RST", "ACK"],
];
const offsets = [0, 1, 2, 100, 1000, 70000, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1];
const payloads = ["", "", "x", "hello"];

const states = ["INVALID", "NEW", "ESTABLISHED"].map(state => `-A FORWARD -m conntrack --ctstate ${state}`);

/** A router that counts what it takes each segment for. */
export const tracked = smallCase({ rules: `*filter\n${states.join("\n")}\nCOMMIT\n` });

/** Connections from a to b by ports of their own, a segment of each at a time. */
export const randomSegments = (seed: number, connections = 150): readonly Sent[] => {
  const random = seeded(seed);
  const below = (end: number) => random.int(0, end - 1);
  const one = <T>(of: readonly T[]): T => of[below(of.length)]!;
  const all = Array.from({ length: connections }, (_, index) => {
    const base = one([0, below(2 ** 32), 2 ** 32 - 50]);
    const told: number[] = offsets.map(offset => base + offset);
    return Array.from({ length: 2 + below(5) }, (_, turn) => {
      const flags = turn === 0 && below(8) > 0 ? kinds[0]! : one(kinds);
      const seq = one(told) % 2 ** 32;
      const ack = flags.includes("ACK") ? one(told) % 2 ** 32 : 0;
      const payload = flags.includes("SYN") || flags.includes("RST") ? "" : one(payloads);
      const ends = flags.includes("SYN") || flags.includes("FIN") ? 1 : 0;
      told.push(seq + payload.length + ends, seq + payload.length + ends, ack, ack); // likelier than the rest to come again
      const port = 1000 + index;
      return turn > 0 && below(2) === 0
        ? tcp("b", address.b, 80, address.a, port, flags, seq, ack, payload)
        : tcp("a", address.a, port, address.b, 80, flags, seq, ack, payload);
    });
  });
  return Array.from({ length: 6 }, (_, turn) => all.flatMap(segments => segments[turn] ?? [])).flat();
};
