import { known, within, wholeNumber } from "../checks.js";
import { InputError } from "../errors.js";
import { type Addr, addr, formatAddr } from "../ip/addr.js";
import { broadcastAddresses, destinationMeant, limitedBroadcast } from "./specialAddresses.js";
import type { Host } from "./network.js";
import type { PingOptions, PingReply, PingResult } from "./lab.js";

/** What a ping is told, with what it is not told filled in. @throws InputError for a number out of range */
export const pingNumbers = ({
  count = 1,
  size = 56,
  ttl = 64,
  broadcast = false,
}: PingOptions): Required<PingOptions> => ({
  count: wholeNumber("count", count, { least: 1, most: 10_000 }, "requests"),
  size: wholeNumber("size", size, { least: 0, most: 65_507 }, "bytes"),
  ttl: wholeNumber("ttl", ttl, { least: 1, most: 255 }, "for a TTL"),
  broadcast,
});

/** Whether an address stands for everybody on a link of the host: what `ping` asks before, and a UDP socket may not connect to. */
export const isBroadcastFor = (host: Host, address: Addr): boolean =>
  address === limitedBroadcast || broadcastAddresses(host).has(address);

/** Where a ping goes. @throws InputError for a broadcast address that is not meant to be one */
export const pingDestination = (host: Host, address: Addr, broadcast: boolean): Addr => {
  if (!broadcast && isBroadcastFor(host, address))
    throw new InputError({
      where: `destination of ping at ${host.id}`,
      value: formatAddr(address),
      problem: "is a broadcast address",
      expected: "broadcast: true (ping -b), or the address of one host",
    });
  return destinationMeant(address);
};

/** What a ping gives once all that came back is known. */
export const pingResult = (
  from: string,
  to: Addr,
  { count, size }: Required<PingOptions>,
  replies: readonly PingReply[],
): PingResult => ({
  from,
  to: formatAddr(to),
  size,
  sent: count,
  received: replies.filter(({ kind }) => kind === "echo-reply").length,
  replies,
});

/** A TCP or UDP port. @throws InputError for a number out of range */
export const portNumber = (where: string, value: number): number =>
  wholeNumber(where, value, { least: 1, most: 65_535 }, "for a port");

/** What a destination means: a name of the network's public DNS, or an address. @throws InputError when it is neither */
export const resolveName = (names: ReadonlyMap<string, Addr>, to: string): Addr => {
  const named = names.get(to);
  if (named === undefined && /[^0-9.]/.test(to) && !to.includes(":"))
    throw new InputError({
      where: "destination",
      value: to,
      problem: "is no known name",
      expected: `an IPv4 address or one of ${known([...names.keys()])}`,
    });
  return named ?? addr(to, "destination");
};

/** A hundred years: what has waited that long has forgotten everything, and a date still has four digits. */
const century = 100 * 365.25 * 86_400;

/** How long to wait, in seconds. @param most what the engine's clock can do @throws InputError for a number out of range, or none */
export const waitSeconds = (seconds: number, most = century): number => {
  within("wait", seconds, seconds >= 0 && seconds <= most, `seconds, 0 to ${most}`);
  return seconds;
};
