import { standaloneTranslator } from "../azure/balancer.js";
import { type Nic } from "../azure/nic.js";
import { type Subnet, subnetGateway } from "../azure/vnet.js";
import type { Addr } from "../ip/addr.js";
import { everywhere } from "../ip/cidr.js";
import { noRules } from "../netfilter/ruleset.js";
import type { Host, Listener, Translator } from "../net/network.js";
import type { VmSpec } from "./scenario.js";

/** HTTP on port 80 and datagrams on port 53, answered with the caller's address. */
const tellsCaller: readonly Listener[] = [
  { proto: "tcp", port: 80, answer: { kind: "caller-address" } },
  { proto: "udp", port: 53, answer: { kind: "caller-address" } },
];

const plainHost = { forwarding: false, bridgeNfCallIptables: false, rules: noRules } as const;

/** A virtual machine in a subnet. It answers HTTP with the caller's address. */
export const vmHost = (spec: VmSpec, subnet: Subnet, address: Addr): Host => ({
  ...plainHost,
  id: spec.name,
  hostname: spec.name,
  role: "vm",
  interfaces: [{ kind: "nic", name: "eth0", addresses: [{ address, prefix: subnet.cidr.prefix }] }],
  routes: [{ to: everywhere, via: subnetGateway(subnet), dev: "eth0" }],
  listeners: tellsCaller,
});

export const vmNic = (spec: VmSpec, address: Addr, publicAddress: Addr | undefined): Nic => ({
  name: `${spec.name}VMNic`,
  subnet: spec.subnet,
  addresses: [address],
  ipForwarding: false,
  ...(publicAddress === undefined ? {} : { publicAddress }),
});

/** How a machine without a public address leaves: by one that Azure picks for it alone. */
export const vmTranslator = (spec: VmSpec, address: Addr, picked: Addr): Translator =>
  standaloneTranslator(`${spec.name}/outbound`, picked, [address]);

const internetHost = (name: string, address: Addr, listeners: readonly Listener[]): Host => ({
  ...plainHost,
  id: name,
  hostname: name,
  role: "site",
  interfaces: [{ kind: "public", name: "eth0", addresses: [{ address, prefix: 32 }] }],
  routes: [{ to: everywhere, dev: "eth0" }],
  listeners,
});

/** An Internet site. It answers HTTP with the caller's address. */
export const siteHost = (name: string, address: Addr): Host => internetHost(name, address, tellsCaller);

/** A cluster's API server, which AKS runs outside of the virtual network. It takes connections and says no more than that. */
export const apiServerHost = (name: string, address: Addr): Host =>
  internetHost(name, address, [{ proto: "tcp", port: 443, answer: { kind: "text", text: "401 Unauthorized\n" } }]);
