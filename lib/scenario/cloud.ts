import {
  type LoadBalancer,
  type LoadBalancingRule,
  balancerTranslator,
  outboundFrontends,
  standaloneTranslator,
} from "../azure/balancer.js";
import { snatPorts } from "../azure/snat.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import type { Cluster, Service } from "../kube/cluster.js";
import type { Translator } from "../net/network.js";
import { type Random, seeded, subseed } from "../random.js";
import type { ClusterPlan } from "./clusterPlan.js";
import type { BuiltLoadBalancer } from "./scenario.js";

/** A public address given to a cluster, and the service that it is for; with Standard also those for outbound flows. */
export interface GivenAddress {
  readonly address: Addr;
  /** `namespace/name`; absent for an outbound address. */
  readonly service?: string;
}

/** What a cluster's load balancer is to Azure and to the fabric. */
export interface Cloud {
  readonly loadBalancer: BuiltLoadBalancer;
  readonly translator: Translator;
}

const hexadecimal = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => random.int(0, 15).toString(16)).join("");

/** The cloud provider names a service's frontend after its UID: an a and 31 hexadecimal digits. */
const frontendName = ({ service }: GivenAddress, index: number, plan: ClusterPlan, seed: number): string =>
  service === undefined
    ? `outbound-${index}`
    : `a${hexadecimal(seeded(subseed(seed, `uid of ${plan.spec.name}/${service}`)), 31)}`;

const rulesOf = (service: Service, frontend: string): readonly LoadBalancingRule[] =>
  service.ports.map(({ port, protocol }) => ({
    name: `${frontend}-${protocol}-${port}`,
    frontend,
    port,
    proto: protocol === "TCP" ? "tcp" : "udp",
  }));

/** The load balancer of a cluster: outbound addresses, then the services' in the order they were given, rules with floating IP. */
const balancerOf = (
  plan: ClusterPlan,
  cluster: Cluster,
  given: readonly GivenAddress[],
  seed: number,
): LoadBalancer => {
  const frontends = given.map((entry, i) => ({ ...entry, name: frontendName(entry, i, plan, seed) }));
  const services = new Map(cluster.services.map(service => [`${service.namespace}/${service.name}`, service]));
  const { sku, allocatedOutboundPorts, idleTimeoutMinutes, tcpReset } = plan.balancer;
  const outbound = frontends.filter(({ service }) => service === undefined).map(({ name }) => name);
  return {
    name: `${plan.spec.name}/kubernetes`,
    sku,
    frontends,
    backendPool: cluster.nodes.map(node => node.internalIp),
    rules: frontends.flatMap(({ service, name }) =>
      service === undefined ? [] : rulesOf(services.get(service)!, name),
    ),
    ...(sku === "Standard"
      ? { outboundRule: { frontends: outbound, allocatedOutboundPorts, idleTimeoutMinutes, tcpReset } }
      : {}),
  };
};

/**
 * The load balancer of a cluster as Azure describes it and as the fabric runs it.
 * A Basic one without a frontend translates nothing: the nodes then leave by an address that Azure picks.
 * @param given the public addresses in the order they were given
 * @param standalone asked for the address that Azure picks, if it comes to that
 */
export const buildCloud = (
  plan: ClusterPlan,
  cluster: Cluster,
  given: readonly GivenAddress[],
  standalone: () => Addr,
  seed: number,
): Cloud => {
  const balancer = balancerOf(plan, cluster, given, seed);
  const { sku, selection, era, surge, allocatedOutboundPorts: allocated } = plan.balancer;
  const chosen = outboundFrontends(balancer, selection, seeded(subseed(seed, `frontend of ${plan.spec.name}`)));
  const translator =
    chosen.length > 0
      ? balancerTranslator(balancer, { frontends: chosen, era, surge, where: `${plan.where}.loadBalancer` })
      : standaloneTranslator(`${plan.spec.name}/outbound`, standalone(), balancer.backendPool, era);
  const nodes = cluster.nodes.length;
  const ports = snatPorts({ sku, nodes, frontends: Math.max(1, chosen.length), allocated, surge, era });
  const outbound =
    chosen.length > 0 ? chosen.map(({ address }) => address) : [translator.allocations[0]!.ranges[0]!.address];
  return {
    loadBalancer: {
      name: "kubernetes",
      sku,
      frontends: given.map(({ address, service }, i) => ({
        name: balancer.frontends[i]!.name,
        address: formatAddr(address),
        ...(service === undefined ? {} : { service }),
      })),
      outboundFrontends: outbound.map(formatAddr),
      portsPerNode: ports.kind === "rejected" ? 0 : ports.perNode,
      basis: ports.basis,
    },
    translator,
  };
};
