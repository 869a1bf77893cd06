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
export * from "./netfilter/index.js";
export * from "./net/index.js";
export * from "./azure/index.js";
export * from "./kube/index.js";
export * from "./snat/index.js";
export { type Figure, type Tier, figures } from "./figures.js";
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
export { type PathDiagramOptions, pathDiagram } from "./chart/pathDiagram.js";
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
