import { formatAddr } from "../ip/addr.js";
import type { Lab } from "./lab.js";
import type { Trace } from "./trace.js";

/** A packet as it was seen first at one interface. */
export type Sighting = {
  /** The host's id. */
  readonly place: string;
  readonly interface: string;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
};

/** The interfaces of hosts that a packet passed, in order: where it came in, where it left. */
const interfacesOf = (trace: Trace): readonly { readonly place: string; readonly interface: string }[] =>
  trace.hops.flatMap(({ kind, place, in: came, out: left }) =>
    kind !== "host" ? [] : [came, left].flatMap(name => (name === undefined ? [] : [{ place, interface: name }])),
  );

/**
 * Captures at every interface on a trace's way while something happens, and tells the first packet seen at each.
 * Any engine will do: with the way taken from the model, it shows whether a kernel sends the packet along the same one.
 * @param lab where to look
 * @param way a trace of the same packet, from the model
 * @param action what sends the packet
 */
export const watchWay = async (lab: Lab, way: Trace, action: () => Promise<unknown>): Promise<readonly Sighting[]> => {
  const places = interfacesOf(way);
  const captures = await Promise.all(places.map(({ place, interface: name }) => lab.capture(place, name)));
  await action();
  const seen = await Promise.all(captures.map(capture => capture.stop()));
  return places.flatMap((place, i) => {
    const first = seen[i]![0]?.packet;
    return first === undefined
      ? []
      : [{ ...place, source: formatAddr(first.src), destination: formatAddr(first.dst), ttl: first.ttl }];
  });
};
