import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidr } from "../../lib/ip/cidr.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { noRules, type Ruleset } from "../../lib/netfilter/ruleset.js";
import type { Fabric, Host, Network, PortAllocation, UserRoute } from "../../lib/net/network.js";

/** Small networks made by hand, to test the engine without the cluster builder. */

const vm = { host: "testvm", address: "10.13.1.4" };
export const frontend = addr("137.117.164.147");

const bare = (
  id: string,
): Pick<Host, "id" | "hostname" | "routes" | "forwarding" | "bridgeNfCallIptables" | "rules" | "listeners"> => ({
  id,
  hostname: id,
  routes: [],
  forwarding: false,
  bridgeNfCallIptables: false,
  rules: noRules,
  listeners: [],
});
const on = (address: string, prefix = 24) => [{ address: addr(address), prefix }];
const via = (gateway: string, dev = "eth0") => [{ to: cidr("0.0.0.0/0"), via: addr(gateway), dev }];

const testvm: Host = {
  ...bare(vm.host),
  role: "vm",
  interfaces: [{ kind: "nic", name: "eth0", addresses: on(vm.address) }],
  routes: via("10.13.1.1"),
  listeners: [{ proto: "tcp", port: 80, answer: { kind: "caller-address" } }],
};

const site: Host = {
  ...bare("ifconfig.co"),
  role: "site",
  interfaces: [{ kind: "public", name: "eth0", addresses: on("203.0.113.10", 32) }],
  routes: [{ to: cidr("0.0.0.0/0"), dev: "eth0" }],
  listeners: [
    { proto: "tcp", port: 80, answer: { kind: "caller-address" } },
    { proto: "udp", port: 53, answer: { kind: "caller-address" } },
  ],
};

const pod = (id: string, node: string, veth: string, address: string, gateway: string): Host => ({
  ...bare(id),
  role: "pod",
  interfaces: [{ kind: "veth", name: "eth0", addresses: on(address), peer: { host: node, interface: veth } }],
  routes: via(gateway),
  listeners: [{ proto: "tcp", port: 80, answer: { kind: "text", text: `${id}\n` } }],
});

interface NodeShape {
  readonly id: string;
  readonly address: string;
  readonly pods: readonly { readonly id: string; readonly address: string }[];
}

const network = (
  hosts: readonly Host[],
  fabric: Omit<Fabric, "addressSpace" | "translators">,
  nodes: readonly string[],
): Network => ({
  name: "test",
  hosts: [...hosts, testvm, site],
  names: [{ name: "ifconfig.co", address: addr("203.0.113.10") }],
  seed: 1,
  fabric: {
    addressSpace: [cidr("10.13.0.0/16")],
    subnets: [...fabric.subnets, { name: "vms", cidr: cidr("10.13.1.0/24"), routes: [] }],
    nics: [
      ...fabric.nics,
      {
        host: vm.host,
        interface: "eth0",
        subnet: "vms",
        addresses: [addr(vm.address)],
        ipForwarding: false,
        publicAddress: addr("51.144.0.1"),
      },
    ],
    translators: [
      {
        name: "kubernetes",
        protocols: ["tcp", "udp"],
        allocations: nodes.map((node, i): PortAllocation => ({
          source: addr(node),
          ranges: [{ address: frontend, first: 1024 + 4 * i, last: 1027 + 4 * i }],
        })),
        udpPortPer: "flow",
        timeouts: { idle: 240, fin: 240, rst: 15 },
        inbound: [
          {
            name: "whereami",
            address: frontend,
            port: 80,
            proto: "tcp",
            backends: nodes.slice(-1).map(node => addr(node)),
          },
        ],
      },
    ],
  },
});

/** Two nodes with a bridge each, routes between them in the fabric, and the masquerade rule of kubenet. */
export const kubenetLike = (
  change: { readonly rules?: (masquerade: string) => Ruleset; readonly udr?: boolean } = {},
): Network => {
  const nodes: readonly (NodeShape & { readonly podCidr: string; readonly bridge: string })[] = [
    {
      id: "node-0",
      address: "10.13.77.5",
      podCidr: "192.168.0.0/24",
      bridge: "192.168.0.1",
      pods: [
        { id: "a", address: "192.168.0.9" },
        { id: "a2", address: "192.168.0.10" },
      ],
    },
    {
      id: "node-1",
      address: "10.13.77.4",
      podCidr: "192.168.1.0/24",
      bridge: "192.168.1.1",
      pods: [{ id: "b", address: "192.168.1.2" }],
    },
  ];
  const masquerade = `*nat\n-A PREROUTING -d ${"137.117.164.147"}/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.1.2:80\n-A POSTROUTING ! -d 192.168.0.0/16 -m addrtype ! --dst-type LOCAL -j MASQUERADE\nCOMMIT\n`;
  const rules = (change.rules ?? parseSave)(masquerade);
  const hosts = nodes.flatMap(({ id, address, bridge, pods }): Host[] => [
    {
      ...bare(id),
      role: "node",
      forwarding: true,
      bridgeNfCallIptables: true,
      rules,
      routes: via("10.13.77.1"),
      interfaces: [
        { kind: "nic", name: "eth0", addresses: on(address) },
        { kind: "bridge", name: "cbr0", addresses: on(bridge) },
        ...pods.map(({ id: name }) => ({
          kind: "veth" as const,
          name: `veth${name}`,
          addresses: [],
          master: "cbr0",
          peer: { host: name, interface: "eth0" },
        })),
      ],
    },
    ...pods.map(({ id: name, address: own }) => pod(name, id, `veth${name}`, own, bridge)),
  ]);
  const routes = nodes.map(({ id, podCidr, address }): UserRoute => ({
    name: id,
    to: cidr(podCidr),
    nextHop: { kind: "appliance", address: addr(address) },
  }));
  return network(
    hosts,
    {
      subnets: [{ name: "aks", cidr: cidr("10.13.77.0/24"), routes: change.udr === false ? [] : routes }],
      nics: nodes.map(({ id, address }) => ({
        host: id,
        interface: "eth0",
        subnet: "aks",
        addresses: [addr(address)],
        ipForwarding: true,
      })),
    },
    nodes.map(({ address }) => address),
  );
};

/** Two nodes whose bridge holds the card itself: pods on the layer 2 of the virtual network. */
export const bridgeLike = (): Network => {
  const nodes: readonly NodeShape[] = [
    {
      id: "node-0",
      address: "10.13.76.4",
      pods: [
        { id: "a", address: "10.13.76.13" },
        { id: "a2", address: "10.13.76.28" },
      ],
    },
    { id: "node-1", address: "10.13.76.35", pods: [{ id: "b", address: "10.13.76.40" }] },
  ];
  const rules = parseSave(
    [
      "*nat",
      "-A PREROUTING -d 10.0.134.154/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.13.76.40:80",
      "-A PREROUTING -d 10.0.134.155/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.13.1.4:80",
      "-A POSTROUTING ! -d 10.13.0.0/16 -m addrtype ! --dst-type LOCAL -j MASQUERADE",
      "COMMIT",
      "",
    ].join("\n"),
  );
  const hosts = nodes.flatMap(({ id, address, pods }): Host[] => [
    {
      ...bare(id),
      role: "node",
      forwarding: true,
      bridgeNfCallIptables: true,
      rules,
      routes: via("10.13.76.1", "azure0"),
      interfaces: [
        { kind: "nic", name: "eth0", addresses: [], master: "azure0" },
        { kind: "bridge", name: "azure0", addresses: on(address) },
        ...pods.map(({ id: name }) => ({
          kind: "veth" as const,
          name: `veth${name}`,
          addresses: [],
          master: "azure0",
          peer: { host: name, interface: "eth0" },
        })),
      ],
    },
    ...pods.map(({ id: name, address: own }) => pod(name, id, `veth${name}`, own, "10.13.76.1")),
  ]);
  return network(
    hosts,
    {
      subnets: [{ name: "aks", cidr: cidr("10.13.76.0/24"), routes: [] }],
      nics: nodes.map(({ id, address, pods }) => ({
        host: id,
        interface: "eth0",
        subnet: "aks",
        addresses: [addr(address), ...pods.map(({ address: own }): Addr => addr(own))],
        ipForwarding: false,
      })),
    },
    nodes.map(({ address }) => address),
  );
};
