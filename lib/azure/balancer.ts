import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import type { InboundRule, PortAllocation, Translator } from "../net/network.js";
import type { PortRange } from "../netfilter/ruleset.js";
import type { Random } from "../random.js";
import { figures } from "../figures.js";
import { type Era, newestEra } from "./era.js";
import { type Sku, snatPorts } from "./snat.js";
import { type Surge, defaultSurge } from "./surge.js";

/** A public address of a load balancer. */
export interface Frontend {
  readonly name: string;
  readonly address: Addr;
}

/** A public port spread over the backend pool. */
export interface LoadBalancingRule {
  readonly name: string;
  /** The frontend's name. */
  readonly frontend: string;
  readonly proto: "tcp" | "udp";
  readonly port: number;
  /** The port it is sent to; absent with floating IP: address and port stay as they are. */
  readonly backendPort?: number;
}

/** What Standard adds: the frontends for outbound flows and the ports that each machine gets. */
export interface OutboundRule {
  /** Names of frontends, used in this order. */
  readonly frontends: readonly string[];
  /** A multiple of 8 from 0 to 64,000; 0: the default table. */
  readonly allocatedOutboundPorts: number;
  /** 4-120. */
  readonly idleTimeoutMinutes: number;
  /** Whether both ends of a TCP flow are told, by RST, that it was idle for too long; of the rules' flows too. */
  readonly tcpReset: boolean;
}

/** A public load balancer with one backend pool. */
export interface LoadBalancer {
  readonly name: string;
  readonly sku: Sku;
  /** In the order configured. */
  readonly frontends: readonly Frontend[];
  /** The primary addresses of the machines' cards. Only these get ports. */
  readonly backendPool: readonly Addr[];
  readonly rules: readonly LoadBalancingRule[];
  /** Standard only. */
  readonly outboundRule?: OutboundRule;
}

const { firstPort, portsPerFrontend, portBlock, idleTimeout, holdAfterFin, holdAfterRst } = figures.loadBalancer;

/** The ports of a frontend that can go to outbound flows: 64,000 from 1024. */
export const outboundPorts: PortRange = { first: firstPort.value, last: firstPort.value + portsPerFrontend.value - 1 };

/**
 * The outbound ports of a frontend less what its rules take: the whole block of 8 around a rule's port.
 * A rule on a port outside 1024-65023, such as 80, takes none of them.
 */
export const freePorts = (rulePorts: readonly number[]): readonly PortRange[] => {
  const taken = [...new Set(rulePorts.map(port => port - (port % portBlock.value)))].sort((a, b) => a - b);
  const ranges: PortRange[] = [];
  let first = outboundPorts.first;
  for (const block of taken) {
    if (block < outboundPorts.first || block > outboundPorts.last) continue;
    if (block > first) ranges.push({ first, last: block - 1 });
    first = block + portBlock.value;
  }
  if (first <= outboundPorts.last) ranges.push({ first, last: outboundPorts.last });
  return ranges;
};

type Cut = PortAllocation["ranges"];

/** Cuts pieces of a given size off a row of ranges that hold enough, from the start; a piece may end in one range and go on in the next. */
const cutter = (supply: Cut): ((ports: number) => Cut) => {
  let index = 0;
  let next = supply[0]?.first ?? 0;
  return ports => {
    const pieces: Cut[number][] = [];
    for (let wanted = ports; wanted > 0;) {
      const { address, last: end } = supply[index]!;
      const last = Math.min(next + wanted - 1, end);
      pieces.push({ address, first: next, last });
      wanted -= last - next + 1;
      next = last + 1;
      if (next > end) next = supply[++index]?.first ?? 0;
    }
    return pieces;
  };
};

const supplyOf = (balancer: LoadBalancer, frontend: Frontend): Cut =>
  freePorts(balancer.rules.filter(rule => rule.frontend === frontend.name).map(rule => rule.port)).map(range => ({
    address: frontend.address,
    ...range,
  }));

const portsIn = (supply: Cut): number => supply.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** By default every frontend gives each machine the table's ports, in the order of the frontends, until it has its number. */
const cutByDefault = (
  supplies: readonly Cut[],
  backends: readonly Addr[],
  perFrontend: number,
): readonly PortAllocation[] => {
  const cutters = supplies.map(cutter);
  return backends.map(source => ({ source, ranges: cutters.flatMap(cut => cut(perFrontend)) }));
};

/** An outbound rule's ports are cut from all its frontends in a row. */
const cutByRule = (supplies: readonly Cut[], backends: readonly Addr[], perNode: number): readonly PortAllocation[] => {
  const cut = cutter(supplies.flat());
  return backends.map(source => ({ source, ranges: cut(perNode) }));
};

const refuse = (where: string, allocated: number, reason: string, expected: string): never => {
  throw new InputError({
    where: `${where}.allocatedOutboundPorts`,
    value: allocated,
    problem: `is refused: ${reason}`,
    expected,
  });
};

const fewer = "fewer ports, fewer nodes or more outbound addresses";

/** The rules may have taken so much of the frontends that less is left than the ports ask for. */
const checkSupply = (supply: Cut, needed: number, where: string, allocated: number): void => {
  const left = portsIn(supply);
  if (left < needed)
    refuse(where, allocated, `${needed} ports are needed but only ${left} are left beside the inbound rules`, fewer);
};

/** How outbound flows leave a load balancer. */
export interface OutboundOptions {
  /** The frontends in use, in order: one with Basic, those of the outbound rule with Standard. */
  readonly frontends: readonly Frontend[];
  /** Default: the newest. */
  readonly era?: Era;
  /** The node pool's maxSurge, which Azure counts when it checks an outbound rule's ports. Default: the era's. */
  readonly surge?: Surge;
  /** The place to name in an error. */
  readonly where?: string;
}

/**
 * Every machine's own ports on the frontends in use: 1024-2047 for the first of a small pool, 2048-3071 for the second.
 * Ranges never overlap on a frontend, start and end with a block of 8, and lie within 1024-65023.
 * Blocks that inbound rules have taken are stepped over, so a machine's count stays whole and the frontend gives fewer in all.
 * @throws InputError when the pool is too large for the default table, or an outbound rule promises more than there is
 */
export const portAllocations = (
  balancer: LoadBalancer,
  { frontends, era = newestEra, surge = defaultSurge(era), where = "loadBalancer" }: OutboundOptions,
): readonly PortAllocation[] => {
  const backends = balancer.backendPool;
  if (backends.length === 0 || frontends.length === 0) return [];
  const allocated = balancer.outboundRule?.allocatedOutboundPorts ?? 0;
  const { sku } = balancer;
  const ports = snatPorts({ sku, nodes: backends.length, frontends: frontends.length, allocated, surge, era });
  if (ports.kind === "rejected" && sku === "Basic")
    throw new InputError({
      where: `${where}.sku`,
      value: sku,
      problem: `does not go: ${ports.reason}`,
      expected: "fewer nodes, or Standard",
    });
  if (ports.kind === "rejected")
    return refuse(
      where,
      allocated,
      ports.reason,
      ports.because === "pool-too-large" ? "a multiple of 8 set by hand" : fewer,
    );
  const supplies = frontends.map(frontend => supplyOf(balancer, frontend));
  if (ports.kind === "default") {
    const perFrontend = ports.tier.ports;
    const used = supplies.slice(0, Math.ceil(ports.perNode / perFrontend));
    for (const supply of used) checkSupply(supply, perFrontend * backends.length, where, allocated);
    return cutByDefault(used, backends, perFrontend);
  }
  checkSupply(supplies.flat(), ports.perNode * backends.length, where, allocated);
  return cutByRule(supplies, backends, ports.perNode);
};

/** How a Basic load balancer picks one of several frontends for outbound flows; see `frontendSelection` in the ledger. */
export type Selection = "random" | "first";

/**
 * The frontends that outbound flows use: with Basic one, drawn or the first configured; with Standard those of the outbound rule.
 * None when the load balancer has none.
 */
export const outboundFrontends = (
  balancer: LoadBalancer,
  selection: Selection,
  random: Random,
): readonly Frontend[] => {
  const { frontends, outboundRule } = balancer;
  if (balancer.sku === "Standard")
    return (outboundRule?.frontends ?? []).flatMap(name => frontends.filter(frontend => frontend.name === name));
  if (frontends.length === 0) return [];
  return [frontends[selection === "first" ? 0 : random.int(0, frontends.length - 1)]!];
};

const inboundRules = (balancer: LoadBalancer): readonly InboundRule[] => {
  const byName = new Map(balancer.frontends.map(frontend => [frontend.name, frontend.address]));
  return balancer.rules.map(({ name, frontend, port, proto, backendPort }) => {
    const address = byName.get(frontend);
    if (address === undefined)
      throw new InputError({
        where: `rule ${name}`,
        value: frontend,
        problem: "is no frontend of the load balancer",
        expected: [...byName.keys()].join(", ") || "a frontend",
      });
    return {
      name,
      address,
      port,
      proto,
      backends: balancer.backendPool,
      idle: idleTimeout.value * 60,
      ...(backendPort === undefined ? {} : { backendPort }),
    };
  });
};

const portHolding = (
  era: Era,
  idleTimeoutMinutes: number,
): Pick<Translator, "protocols" | "udpPortPer" | "timeouts"> => ({
  protocols: ["tcp", "udp"],
  udpPortPer: era === "2018" ? "flow" : "destination",
  timeouts: { idle: idleTimeoutMinutes * 60, fin: holdAfterFin.value, rst: holdAfterRst.value },
});

/** A load balancer as the fabric runs it: outbound ports for every machine of the pool, inbound rules. */
export const balancerTranslator = (balancer: LoadBalancer, options: OutboundOptions): Translator => ({
  name: balancer.name,
  ...portHolding(options.era ?? newestEra, balancer.outboundRule?.idleTimeoutMinutes ?? idleTimeout.value),
  allocations: portAllocations(balancer, options),
  ...(balancer.outboundRule?.tcpReset === true && { tcpReset: true }),
  inbound: inboundRules(balancer),
});

/**
 * Outbound flows of machines that have neither a public address nor a load balancer's frontend: Azure picks an address,
 * which nobody configures, and the machines of one availability set share its ports by the default table.
 * Source: azure-docs load-balancer-outbound-connections.md (2019-08), scenario 3. Never with a Standard load balancer.
 * @param machines primary addresses of the machines that share it, 1-1,000
 */
export const standaloneTranslator = (
  name: string,
  address: Addr,
  machines: readonly Addr[],
  era: Era = newestEra,
): Translator => {
  const frontend = { name: formatAddr(address), address };
  const pool: LoadBalancer = { name, sku: "Basic", frontends: [frontend], backendPool: machines, rules: [] };
  return {
    name,
    ...portHolding(era, idleTimeout.value),
    allocations: portAllocations(pool, { frontends: [frontend], era, where: name }),
    inbound: [],
  };
};
