import { broadcastAddresses, isLoopback, isMulticast, limitedBroadcast } from "../../lib/net/specialAddresses.js";
import { flowKey, flowOf, invert, isFlowPacket } from "../../lib/packet/flow.js";
import type { Case, Sent } from "./generate.js";
import type { Kernel } from "./run.js";

/** What a random network may show that only few networks do: in how many it was met tells whether anything was compared. */

const flagsOf = ({ packet }: Sent): readonly string[] => (packet.proto === "tcp" ? packet.flags : []);

/** Whether a connection that both ends had closed was opened again from the same port. */
const reopens = (sent: readonly Sent[]): boolean => {
  const fins = new Map<string, number>();
  return sent.some(one => {
    if (one.packet.proto !== "tcp" || !isFlowPacket(one.packet)) return false;
    const flow = flowOf(one.packet);
    const [there, back] = [flowKey(flow), flowKey(invert(flow))];
    if (flagsOf(one).includes("FIN")) fins.set(there, (fins.get(there) ?? 0) + 1);
    return flagsOf(one).join() === "SYN" && fins.has(there) && fins.has(back);
  });
};

/** Whether an end that was asked for a connection asked for it too before it answered. */
const opensTwice = (sent: readonly Sent[]): boolean => {
  const asked = new Set<string>();
  return sent.some(one => {
    if (one.packet.proto !== "tcp" || !isFlowPacket(one.packet)) return false;
    const flow = flowOf(one.packet);
    if (flagsOf(one).join() !== "SYN") {
      asked.delete(flowKey(invert(flow)));
      return false;
    }
    asked.add(flowKey(flow));
    return asked.has(flowKey(invert(flow)));
  });
};

/** What a line of a capture says without who the packet is from and for: `udp ttl 64 "datagram 3"`. */
const withoutEnds = (line: string): string => line.replace(/\S+ > \S+ /g, "");

/** Interfaces of a host that a packet left by as another than it came in by any. */
const passages = ({ seen }: Kernel) => {
  const came = new Map<string, Set<string>>();
  const went: { readonly host: string; readonly interface: string; readonly what: string }[] = [];
  for (const line of seen) {
    const [, host, name, direction, what] = /^(\S+) (\S+) (in|out) (.*)$/.exec(line)!;
    if (direction === "in") came.set(`${host} ${name}`, (came.get(`${host} ${name}`) ?? new Set()).add(what!));
    else went.push({ host: host!, interface: name!, what: what! });
  }
  return { came, went };
};

const errorsTranslated = (kernel: Kernel): boolean => {
  const { came, went } = passages(kernel);
  const ofHost = (host: string) =>
    [...came].filter(([key]) => key.startsWith(`${host} `)).flatMap(([, set]) => [...set]);
  return went.some(({ host, what }) => {
    if (!what.includes(" about {")) return false;
    const others = ofHost(host);
    return (
      !others.includes(what) && others.some(other => withoutTtl(withoutEnds(other)) === withoutTtl(withoutEnds(what)))
    );
  });
};

const withoutTtl = (text: string): string => text.replace(/ttl \d+ /g, "");

const goesBack = (kernel: Kernel): boolean => {
  const { came, went } = passages(kernel);
  return went.some(
    ({ host, interface: name, what }) =>
      !host.startsWith("e") &&
      [...(came.get(`${host} ${name}`) ?? [])].some(
        other => withoutTtl(withoutEnds(other)) === withoutTtl(withoutEnds(what)) && !what.includes(" about {"),
      ),
  );
};

const counted = ({ counters }: Kernel, rule: RegExp): boolean =>
  counters.some(line => !/\[0:\d+\]/.test(line) && rule.test(line));

const kinds: Readonly<Record<string, (of: Case, kernel: Kernel) => boolean>> = {
  "FORWARD drops": (_, kernel) => counted(kernel, /:FORWARD DROP|-A FORWARD\S* .*-j DROP$/),
  "a rule rejects": (_, kernel) => counted(kernel, /-j REJECT/),
  "an ICMP error is translated": (_, kernel) => errorsTranslated(kernel),
  "a packet leaves where it came in": (_, kernel) => goesBack(kernel),
  "a connection stays half open": (_, { conntrack }) => conntrack.some(line => / SYN_(SENT|RECV) /.test(line)),
  "both ends open at once": (_, { sent }) => opensTwice(sent),
  "closed, then opened again from the same port": (_, { sent }) => reopens(sent),
  "time passes and connections are forgotten": (_, { sent }) => sent.some(({ wait }) => wait !== undefined),
  "an ip-masq-agent chain masquerades": (_, kernel) => counted(kernel, /-A IP-MASQ-AGENT .*-j MASQUERADE/),
  "SNAT to several addresses or ports": (_, kernel) => counted(kernel, /-j SNAT --to-source (\S+-|\S+:\d+-)/),
  "two nodes of kubenet": of => nodesOf(of, "kubenet") > 1,
  "two nodes of azure-cni": of => nodesOf(of, "azure") > 1,
  "the fabric and its NAT devices": ({ network }) => network.fabric.translators.length > 0,
  "a packet from a source that its sender has not": ({ network }, { sent }) =>
    sent.some(({ host, packet }) =>
      network.hosts.every(
        ({ id, interfaces }) =>
          id !== host || interfaces.every(({ addresses }) => addresses.every(({ address }) => address !== packet.src)),
      ),
    ),
  "a router sends by itself": (_, { sent }) => sent.some(({ program }) => program === true),
  "several addresses on an interface": ({ network }) =>
    network.hosts.some(({ interfaces }) => interfaces.some(({ addresses }) => addresses.length > 1)),
  "a router that does not forward": ({ network }) =>
    network.hosts.some(({ role, forwarding }) => role === "node" && !forwarding),
  "to 127.0.0.0/8": (_, { sent }) => sent.some(({ packet }) => isLoopback(packet.dst)),
  "to a group": (_, { sent }) => sent.some(({ packet }) => isMulticast(packet.dst)),
  "to all": ({ network }, { sent }) =>
    sent.some(
      ({ packet }) =>
        packet.dst === limitedBroadcast || network.hosts.some(host => broadcastAddresses(host).has(packet.dst)),
    ),
  "a rule draws": (_, kernel) => counted(kernel, /--mode random --probability 0\.[0-9]*[1-9]/),
};

const nodesOf = ({ network }: Case, plugin: string): number =>
  network.fabric.translators.length === 0
    ? 0
    : network.hosts.filter(
        ({ role, interfaces }) =>
          role === "node" && interfaces.some(({ name }) => name === (plugin === "kubenet" ? "cbr0" : "azure0")),
      ).length;

export const kindNames: readonly string[] = Object.keys(kinds);

/** Those that a network has shown, as the kernel played it. */
export const kindsMet = (of: Case, kernel: Kernel): readonly string[] =>
  Object.entries(kinds).flatMap(([name, isMet]) => (isMet(of, kernel) ? [name] : []));
