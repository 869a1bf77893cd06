export type { Range } from "./checks.js";
export { InputError, type InputProblem } from "./errors.js";
export { type Random, seeded } from "./random.js";
export { type Addr, addr, formatAddr } from "./ip/addr.js";
export { type Cidr, cidr, cidrSize, contains, covers, formatCidr, nth, overlaps } from "./ip/cidr.js";
export { type Allocation, type Pool, pool } from "./ip/addressPool.js";
export type { IcmpEcho, IcmpError, Packet, Proto, Tcp, TcpFlag, Udp } from "./packet/packet.js";
export { type Flow, flowOf, invert, rewrite } from "./packet/flow.js";
export {
  type CookedPacket,
  type PcapFile,
  type PcapRecord,
  type Timed,
  type Wire,
  linkTypes,
  readPcap,
  writeCookedPcap,
  writePcap,
} from "./packet/pcap.js";
export { type Link, etherTypes, linkTypeName, packetTypes, readLink } from "./packet/link.js";
export type * from "./netfilter/ruleset.js";
export type {
  Connection,
  ConntrackEntry,
  DropReason,
  Netfilter,
  NetfilterHost,
  NetfilterStep,
  Skb,
  StartNetfilter,
  Verdict,
} from "./netfilter/netfilter.js";
export { relate, startNetfilter } from "./netfilter/start.js";
export { parseSave } from "./netfilter/parseSave.js";
export { type SaveOptions, formatRule, printList, printSave } from "./netfilter/print.js";
export type * from "./net/network.js";
export type * from "./net/trace.js";
export type * from "./net/lab.js";
export type { FailedConnect, SocketError } from "./net/socketError.js";
export { type TracedInterface, tracePackets } from "./net/tracePackets.js";
export { type Figure, type Tier, figures } from "./figures.js";
export { type Contradiction, type ContradictionName, type Reading, contradictions } from "./azure/ledger.js";
export {
  type Subnet,
  type VirtualNetwork,
  type VirtualNetworkSpec,
  subnetCapacity,
  virtualNetwork,
} from "./azure/vnet.js";
export { type IpConfiguration, type Nic, ipConfigurations } from "./azure/nic.js";
export { type RouteTable, routeTable } from "./azure/routes.js";
export {
  type AddressingPlugin,
  type SubnetFit,
  type SubnetNeed,
  type SubnetQuestion,
  fitSubnet,
  nodesThatFit,
  subnetNeed,
} from "./azure/need.js";
export { type Era, eras } from "./azure/era.js";
export { type CountedNodes, type NodeCount, type Surge, countNodes } from "./azure/surge.js";
export { type Sku, type SnatPorts, type SnatQuestion, maxNodes, snatPorts, snatTier } from "./azure/snat.js";
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
} from "./azure/balancer.js";
export type * from "./kube/cluster.js";
export {
  type DeploymentObject,
  type IngressObject,
  type KubeObject,
  type ServiceObject,
  parseManifest,
} from "./kube/manifest.js";
export { buildCluster } from "./kube/buildCluster.js";
export type { AppliedManifest, ClusterInput, ClusterPins, NodeInput, PodPin } from "./kube/clusterInput.js";
export { clusterHosts, podHostId } from "./kube/hosts.js";
export { type KubeletInput, type VmSize, kubeReserved, kubeletFlags } from "./kube/kubelet.js";
export { chainHash, kubeProxyRules } from "./kube/proxy.js";
export { nodeRules } from "./kube/nodeRules.js";
export type * from "./scenario/scenario.js";
export { build } from "./scenario/build.js";
export {
  type Addon,
  type Change,
  applyManifest,
  disableAddon,
  editCluster,
  enableAddon,
  scenarioAt,
} from "./scenario/edit.js";
export { type Moment, articleAt, articleMoments, articlePins, articleScenario } from "./scenario/article.js";
export { whereami, whereamiIngress } from "./scenario/manifests.js";
export { type SmallClusterOptions, smallCluster } from "./scenario/small.js";
export type {
  ChartChannel,
  ChartEncoding,
  ChartLayer,
  ChartMark,
  ChartParam,
  ChartRow,
  ChartSpec,
  ChartTransform,
} from "./chart/spec.js";
export type { ChartOptions } from "./chart/chartWords.js";
export { type SnatPortsRow, snatPortsPerNode } from "./chart/snatPorts.js";
export { type PortsCurveOptions, type PortsCurveRow, type TierRow, portsCurve, tierSteps } from "./chart/curves.js";
export { type PortsOverTimeRow, portsOverTime } from "./chart/portsOverTime.js";
export { type NodePortsRow, portsByNode } from "./chart/portsByNode.js";
export { type FailureHeatMapOptions, type FailureHeatMapRow, failureHeatMap } from "./chart/failureHeatMap.js";
export {
  type FailureCurveRow,
  type FailureCurvesOptions,
  type SimulatedFailure,
  failureCurves,
} from "./chart/failureCurves.js";
export { type AllocationOptions, type AllocationRow, allocationCurve } from "./chart/allocationCurve.js";
export { bootModel } from "./net/model.js";
export { type PathDiagramOptions, pathDiagram } from "./chart/pathDiagram.js";
export { type AddressChange, type ChangedBy, addressChanges, formatChangedBy } from "./net/addressChange.js";
export {
  type DestinationKind,
  type FlowChange,
  type FlowRow,
  type FlowTableOptions,
  type Owner,
  flowTable,
} from "./scenario/flowTable.js";
export { type FlowTableView, compareFlows, flowChangeColumns, flowTableColumns } from "./render/flowViews.js";
export { type SnatLoad, type SnatSweepRow, type SnatUseRow, snatUse, sweepSnatUse } from "./scenario/snatUse.js";
export type { CaptureOptions, NamespaceQuery, Session } from "./shell/command.js";
export { type SessionOptions, openSession } from "./shell/session.js";
export { formatDisposition, formatFlow, formatPacket, formatReason, formatTrace } from "./render/traceText.js";
export { formatAssumptions } from "./render/assumptionsText.js";
export { formatDeployment } from "./render/deployment.js";
export { type PingTextOptions, printPing } from "./render/ping.js";
export {
  type TcpdumpForm,
  type TcpdumpFrame,
  type TcpdumpOptions,
  type TcpdumpPacket,
  printTcpdump,
  printTcpdumpFile,
} from "./render/tcpdumpText.js";
export { printConntrack } from "./render/conntrack.js";
export { printAddresses, printRoutes } from "./render/ipText.js";
export {
  type TableOptions,
  printDeployments,
  printIngresses,
  printNodes,
  printPods,
  printServices,
} from "./render/kubectlText.js";
export type { LoadBalancerResource, ManagedCluster, PublicIpResource } from "./render/azObjects.js";
export { type Applied } from "./shell/applied.js";
export { type PacketFilter, packetFilter } from "./shell/filter.js";
export { type Sighting, watchWay } from "./net/watch.js";
export { type Duration, type Hold, meanDuration, meanHold } from "./snat/hold.js";
export {
  type Destination,
  type NodeLoad,
  type PodLoad,
  type Protocol,
  type RateStep,
  type Spread,
  type Stream,
  type Workload,
  burst,
  clusterWorkload,
  daily,
  evenWorkload,
  ramp,
} from "./snat/workload.js";
export {
  type LoadBalancerOptions,
  type MasqueradeOptions,
  type NatGatewayOptions,
  type PortRules,
  type RuleAssumption,
  type UdpPortPer,
  holdOf,
  loadBalancerRules,
  masqueradeRules,
  natGatewayRules,
} from "./snat/portRules.js";
export {
  type Occupancy,
  type PortChoice,
  type RetriedLoad,
  type SharedPorts,
  erlangB,
  loadFor,
  occupancy,
  type MappingsLost,
  mappingsLost,
  peakInUse,
  portsFor,
  sharedPorts,
  withRetries,
} from "./snat/erlang.js";
export {
  type DestinationLoad,
  type PoolExpectation,
  destinationLoads,
  expectPool,
  portsNeeded,
} from "./snat/expect.js";
export { type Estimate } from "./snat/estimate.js";
export { type RunOptions } from "./snat/progress.js";
export { type PoolResult, type PoolSpec, simulatePool } from "./snat/portPool.js";
export { type KeptPorts, type RulesChange } from "./snat/job.js";
export {
  type DestinationTotal,
  type PodTotal,
  type PodUseRow,
  type RowFilter,
  type SimulateOptions,
  type SimulationResult,
  type UseRow,
  type Workers,
  simulate,
  simulationWork,
} from "./snat/simulate.js";
export type { SimulationWork } from "./snat/work.js";
export {
  type Advice,
  type Plan,
  type PlanChange,
  type PlanName,
  type PlanQuestion,
  type PlannedSetup,
  compare,
  planOutbound,
} from "./snat/planOutbound.js";
