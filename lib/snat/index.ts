/** SNAT ports over time: simulator, closed form, planner. */
export { type Duration, type Hold, meanDuration, meanHold } from "./hold.js";
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
} from "./workload.js";
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
} from "./portRules.js";
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
} from "./erlang.js";
export { type DestinationLoad, type PoolExpectation, destinationLoads, expectPool, portsNeeded } from "./expect.js";
export { type Estimate } from "./estimate.js";
export { type RunOptions } from "./progress.js";
export { type PoolResult, type PoolSpec, simulatePool } from "./portPool.js";
export { type KeptPorts, type RulesChange } from "./job.js";
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
} from "./simulate.js";
export type { SimulationWork } from "./work.js";
export {
  type Advice,
  type Plan,
  type PlanChange,
  type PlanName,
  type PlanQuestion,
  type PlannedSetup,
  compare,
  planOutbound,
} from "./planOutbound.js";
