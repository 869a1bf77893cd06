import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { base32 } from "@scure/base";
import { formatAddr } from "../ip/addr.js";
import type { Addr } from "../ip/addr.js";
import { type Cidr, hostCidr } from "../ip/cidr.js";
import type { Match, Rule, Ruleset } from "../netfilter/ruleset.js";
import {
  accept,
  anyPort,
  chain,
  combine,
  comment,
  conntrack,
  destination,
  dport,
  drop,
  dstLocal,
  jump,
  mark,
  masquerade,
  protocol,
  rejectWith,
  rule,
  setMark,
  source,
  table,
} from "./ruleWords.js";
import type { Cluster, Endpoint, Service, ServicePort } from "./cluster.js";

/**
 * The hash in kube-proxy's chain names: base32 of sha256, the first 16 characters.
 * @param port `namespace/name:port`, with its colon also where the port has no name (the v1.11 era)
 * @param endpoint `ip:port` for a KUBE-SEP chain
 */
export const chainHash = (port: string, proto: "tcp" | "udp", endpoint = ""): string =>
  base32.encode(sha256(utf8ToBytes(port + proto + endpoint)).subarray(0, 10)); // 10 bytes make 16 characters

/** "Masquerade me on the way out." */
const masqueradeMark = 0x4000;
/** "Drop me." */
const dropMark = 0x8000;

/**
 * The probability of one of `left` endpoints as the kernel holds it: kube-proxy writes 1/left with five decimals,
 * iptables keeps that in 31 bits, so a third prints as 0.33332999982.
 */
const probability = (left: number): number => Math.round(Number((1 / left).toFixed(5)) * 0x80000000) / 0x80000000;

interface PortRules {
  readonly services: readonly Rule[];
  readonly nodePorts: readonly Rule[];
  readonly chains: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
  readonly rejects: readonly Rule[];
  readonly externalRejects: readonly Rule[];
}

const toMarkMasq = jump("KUBE-MARK-MASQ");
const toMarkDrop = jump("KUBE-MARK-DROP");
const reject = rejectWith("icmp-port-unreachable");

const endpointChain = (name: string, proto: "tcp" | "udp", note: Match, { ip, port }: Endpoint) => ({
  name,
  rules: [
    rule(toMarkMasq, source(hostCidr(ip)), note), // a pod that reaches itself through the service
    rule(
      { kind: "DNAT", addresses: { first: ip, last: ip }, ports: { first: port, last: port }, randomFully: false },
      protocol(proto),
      note,
      anyPort(proto),
    ),
  ],
});

/** The rules of one port of one service. */
const portRules = (
  service: Service,
  port: ServicePort,
  endpoints: readonly Endpoint[],
  clusterCidr: Cidr | undefined,
): PortRules => {
  const proto = port.protocol === "UDP" ? "udp" : "tcp";
  const name = `${service.namespace}/${service.name}:${port.name ?? ""}`;
  const note = comment(name);
  const to = (address: Addr, what: string): readonly Match[] => [
    destination(hostCidr(address)),
    protocol(proto),
    comment(`${name} ${what}`),
    dport(proto, port.port),
  ];
  if (endpoints.length === 0)
    return {
      services: [],
      nodePorts: [],
      chains: [],
      rejects: [rule(reject, ...to(service.clusterIp, "has no endpoints"))],
      externalRejects:
        port.nodePort === undefined
          ? []
          : [rule(reject, protocol(proto), comment(`${name} has no endpoints`), dstLocal, dport(proto, port.nodePort))],
    };

  const hash = chainHash(name, proto);
  const serviceChain = `KUBE-SVC-${hash}`;
  const toService = jump(serviceChain);
  const firewallChain = `KUBE-FW-${hash}`;
  const viaLoadBalancer = comment(`${name} loadbalancer IP`);
  const names = endpoints.map(
    ({ ip, port: target }) => `KUBE-SEP-${chainHash(name, proto, `${formatAddr(ip)}:${target}`)}`,
  );
  const balance = names.map((sep, index) => {
    const left = names.length - index;
    const chance: readonly Match[] =
      left === 1 ? [] : [{ kind: "statistic", mode: "random", not: false, probability: probability(left) }];
    return rule(jump(sep), note, ...chance);
  });
  return {
    services: [
      ...(clusterCidr === undefined
        ? []
        : [rule(toMarkMasq, source(clusterCidr, true), ...to(service.clusterIp, "cluster IP"))]),
      rule(toService, ...to(service.clusterIp, "cluster IP")),
      ...(service.externalIp === undefined
        ? []
        : [rule(jump(firewallChain), ...to(service.externalIp, "loadbalancer IP"))]),
    ],
    nodePorts:
      port.nodePort === undefined
        ? []
        : [toMarkMasq, toService].map(target => rule(target, protocol(proto), note, dport(proto, port.nodePort!))),
    chains: [
      { name: serviceChain, rules: balance },
      ...(service.externalIp === undefined
        ? []
        : [
            {
              name: firewallChain,
              rules: [toMarkMasq, toService, toMarkDrop].map(target => rule(target, viaLoadBalancer)),
            },
          ]),
      ...endpoints.map((endpoint, index) => endpointChain(names[index]!, proto, note, endpoint)),
    ],
    rejects: [],
    externalRejects: [],
  };
};

/** The endpoints of each port of a service, in one pass: a service may have a hundred thousand. */
const endpointsByPort = (service: Service): ((port: ServicePort) => readonly Endpoint[]) => {
  const groups = new Map<string, Endpoint[]>();
  const keyOf = (name: string | undefined, proto: string): string => `${name ?? ""}/${proto}`;
  for (const endpoint of service.endpoints) {
    const key = keyOf(endpoint.portName, endpoint.protocol);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint]);
    else group.push(endpoint);
  }
  return port => groups.get(keyOf(port.name, port.protocol)) ?? [];
};

/** {@link kubeProxyRules} before the chains are put in order. */
export const proxyPart = (cluster: Cluster): Ruleset => {
  const { podCidr } = cluster;
  const ports = cluster.services.flatMap(service => {
    const endpoints = endpointsByPort(service);
    return service.ports.map(port => portRules(service, port, endpoints(port), podCidr));
  });
  const toServices = rule(jump("KUBE-SERVICES"), comment("kubernetes service portals"));
  const established = (match: Match, text: string): Rule =>
    rule(accept, match, comment(text), conntrack("RELATED", "ESTABLISHED"));
  const isMasqueraded = mark(masqueradeMark);
  return {
    tables: [
      table("nat", [
        chain("PREROUTING", [toServices]),
        chain("OUTPUT", [toServices]),
        chain("POSTROUTING", [rule(jump("KUBE-POSTROUTING"), comment("kubernetes postrouting rules"))]),
        chain("KUBE-MARK-DROP", [rule(setMark(dropMark))]),
        chain("KUBE-MARK-MASQ", [rule(setMark(masqueradeMark))]),
        chain(
          "KUBE-NODEPORTS",
          ports.flatMap(port => port.nodePorts),
        ),
        chain("KUBE-POSTROUTING", [
          rule(masquerade, comment("kubernetes service traffic requiring SNAT"), isMasqueraded),
        ]),
        chain("KUBE-SERVICES", [
          ...ports.flatMap(port => port.services),
          rule(
            jump("KUBE-NODEPORTS"),
            comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain"),
            dstLocal,
          ),
        ]),
        ...ports.flatMap(port => port.chains.map(({ name, rules }) => chain(name, rules))),
      ]),
      table("filter", [
        chain("INPUT", [
          rule(
            jump("KUBE-EXTERNAL-SERVICES"),
            conntrack("NEW"),
            comment("kubernetes externally-visible service portals"),
          ),
          rule(jump("KUBE-FIREWALL")),
        ]),
        chain("FORWARD", [rule(jump("KUBE-FORWARD"), comment("kubernetes forwarding rules"))]),
        chain("OUTPUT", [
          rule(jump("KUBE-SERVICES"), conntrack("NEW"), comment("kubernetes service portals")),
          rule(jump("KUBE-FIREWALL")),
        ]),
        chain(
          "KUBE-EXTERNAL-SERVICES",
          ports.flatMap(port => port.externalRejects),
        ),
        chain("KUBE-FIREWALL", [
          rule(drop, comment("kubernetes firewall for dropping marked packets"), mark(dropMark)),
        ]),
        chain("KUBE-FORWARD", [
          rule(accept, comment("kubernetes forwarding rules"), isMasqueraded),
          ...(podCidr === undefined
            ? []
            : [
                established(source(podCidr), "kubernetes forwarding conntrack pod source rule"),
                established(destination(podCidr), "kubernetes forwarding conntrack pod destination rule"),
              ]),
        ]),
        chain(
          "KUBE-SERVICES",
          ports.flatMap(port => port.rejects),
        ),
      ]),
    ],
  };
};

/**
 * What kube-proxy v1.11 writes in iptables mode, with the kubelet's part of the same chains (KUBE-MARK-DROP, KUBE-FIREWALL);
 * the same on every node. kube-proxy itself goes through services in no fixed order; here they are in the order of the cluster.
 *
 * kubenet: kube-proxy knows the pod CIDR (--cluster-cidr), so what comes to a cluster IP from elsewhere is masqueraded.
 * azure-cni: pods have addresses of the virtual network, and it is assumed that no cluster CIDR is set: no such rule.
 */
export const kubeProxyRules = (cluster: Cluster): Ruleset => combine([proxyPart(cluster)]);
