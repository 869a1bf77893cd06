/** What Azure gives a cluster: virtual networks, load balancers and their SNAT ports, NAT gateways, what its documents disagree on. */
export { type Contradiction, type ContradictionName, type Reading, contradictions } from "./ledger.js";
export { type Subnet, type VirtualNetwork, type VirtualNetworkSpec, subnetCapacity, virtualNetwork } from "./vnet.js";
export { type IpConfiguration, type Nic, ipConfigurations } from "./nic.js";
export { type RouteTable, routeTable } from "./routes.js";
export {
  type AddressingPlugin,
  type SubnetFit,
  type SubnetNeed,
  type SubnetQuestion,
  fitSubnet,
  nodesThatFit,
  subnetNeed,
} from "./need.js";
export { type Era, eras } from "./era.js";
export { type CountedNodes, type NodeCount, type Surge, countNodes } from "./surge.js";
export { type Sku, type SnatPorts, type SnatQuestion, maxNodes, snatPorts, snatTier } from "./snat.js";
export {
  type Frontend,
  type LoadBalancer,
  type LoadBalancingRule,
  type OutboundOptions,
  type OutboundRule,
  type Selection,
  balancerTranslator,
  outboundFrontends,
  outboundPorts,
  portAllocations,
  standaloneTranslator,
} from "./balancer.js";
