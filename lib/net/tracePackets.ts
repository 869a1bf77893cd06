import { within } from "../checks.js";
import type { Timed } from "../packet/pcap.js";
import type { Trace } from "./trace.js";

/** What was seen at one interface while a trace's packets passed, ready for `writePcap`. */
export interface TracedInterface {
  readonly host: string;
  readonly interface: string;
  readonly packets: readonly Timed[];
}

/** A trace knows the order of things, not their times: each event comes this much after the one before, in seconds. */
const step = 1e-4;

/**
 * The packets of a trace and of all that was sent back because of it, interface by interface in the order first seen:
 * one capture file each.
 * @param startsAt the time of the first packet, seconds since the epoch
 * @throws InputError for a time that no capture file holds
 */
export const tracePackets = (trace: Trace, startsAt = 0): readonly TracedInterface[] => {
  const found = new Map<string, { readonly host: string; readonly interface: string; readonly packets: Timed[] }>();
  within("startsAt", startsAt, startsAt >= 0 && startsAt < 2 ** 32, "seconds since the epoch that 32 bits hold");
  let events = 0;
  const see = (host: string, name: string | undefined, packet: Timed["packet"]): void => {
    if (name === undefined) return;
    const key = `${host} ${name}`;
    const entry = found.get(key) ?? { host, interface: name, packets: [] };
    found.set(key, entry);
    entry.packets.push({ time: startsAt + step * events++, packet });
  };
  const follow = ({ hops, replies }: Trace): void => {
    for (const hop of hops) {
      if (hop.kind !== "host") continue;
      see(hop.place, hop.in, hop.before);
      see(hop.place, hop.out, hop.after);
    }
    for (const reply of replies) follow(reply);
  };
  follow(trace);
  return [...found.values()];
};
