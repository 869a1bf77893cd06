import { addr } from "../../lib/ip/addr.js";
import { cidr, everywhere } from "../../lib/ip/cidr.js";
import type { Network } from "../../lib/net/network.js";
import { noRules, type Ruleset } from "../../lib/netfilter/ruleset.js";

const caller = { kind: "caller-address" } as const;

const masquerade: Ruleset = {
  tables: [
    {
      name: "nat",
      chains: [
        {
          name: "POSTROUTING",
          policy: "ACCEPT",
          rules: [
            {
              matches: [
                { kind: "comment", text: "kubenet: SNAT for outbound traffic from cluster" },
                { kind: "destination", not: true, cidr: cidr("192.168.0.0/16") },
                { kind: "addrtype", not: true, on: "destination", types: ["LOCAL"] },
              ],
              target: { kind: "MASQUERADE", randomFully: false },
            },
          ],
        },
      ],
    },
  ],
};

/** A pod behind a node's bridge, a machine beside the node, a site on the Internet, and a load balancer that gives the node `ports` ports. */
export const smallNetwork = (podName = "web-0", ports = 8): Network => {
  const host = {
    forwarding: false,
    bridgeNfCallIptables: false,
    rules: noRules,
    listeners: [{ proto: "tcp", port: 80, answer: caller }],
  } as const;
  return {
    name: "small",
    seed: 1,
    names: [{ name: "ifconfig.co", address: addr("172.67.168.106") }],
    hosts: [
      {
        ...host,
        id: `c/default/${podName}`,
        hostname: podName,
        role: "pod",
        interfaces: [
          {
            kind: "veth",
            name: "eth0",
            addresses: [{ address: addr("192.168.1.2"), prefix: 24 }],
            peer: { host: "node-0", interface: "veth0" },
          },
        ],
        routes: [{ to: everywhere, via: addr("192.168.1.1"), dev: "eth0" }],
      },
      {
        ...host,
        id: "node-0",
        hostname: "node-0",
        role: "node",
        forwarding: true,
        rules: masquerade,
        listeners: [],
        interfaces: [
          { kind: "nic", name: "eth0", addresses: [{ address: addr("10.13.77.4"), prefix: 24 }] },
          { kind: "bridge", name: "cbr0", addresses: [{ address: addr("192.168.1.1"), prefix: 24 }] },
          {
            kind: "veth",
            name: "veth0",
            addresses: [],
            master: "cbr0",
            peer: { host: `c/default/${podName}`, interface: "eth0" },
          },
        ],
        routes: [{ to: everywhere, via: addr("10.13.77.1"), dev: "eth0" }],
      },
      {
        ...host,
        id: "testvm",
        hostname: "testvm",
        role: "vm",
        interfaces: [{ kind: "nic", name: "eth0", addresses: [{ address: addr("10.13.1.4"), prefix: 24 }] }],
        routes: [{ to: everywhere, via: addr("10.13.1.1"), dev: "eth0" }],
      },
      {
        ...host,
        id: "ifconfig.co",
        hostname: "ifconfig.co",
        role: "site",
        interfaces: [{ kind: "public", name: "eth0", addresses: [{ address: addr("172.67.168.106"), prefix: 32 }] }],
        routes: [{ to: everywhere, dev: "eth0" }],
      },
    ],
    fabric: {
      addressSpace: [cidr("10.13.0.0/16")],
      subnets: [
        { name: "nodes", cidr: cidr("10.13.77.0/24"), routes: [] },
        { name: "vms", cidr: cidr("10.13.1.0/24"), routes: [] },
      ],
      nics: [
        { host: "node-0", interface: "eth0", subnet: "nodes", addresses: [addr("10.13.77.4")], ipForwarding: true },
        { host: "testvm", interface: "eth0", subnet: "vms", addresses: [addr("10.13.1.4")], ipForwarding: false },
      ],
      translators: [
        {
          name: "kubernetes",
          protocols: ["tcp", "udp"],
          allocations: [
            {
              source: addr("10.13.77.4"),
              ranges: [{ address: addr("137.117.164.147"), first: 1024, last: 1023 + ports }],
            },
          ],
          udpPortPer: "flow",
          timeouts: { idle: 240, fin: 240, rst: 15 },
          inbound: [],
        },
      ],
    },
  };
};
