/** Rows of results -> charts (Vega-Lite specifications) and diagrams (SVG). */
export {
  type ChartChannel,
  type ChartEncoding,
  type ChartLayer,
  type ChartMark,
  type ChartParam,
  type ChartRow,
  type ChartSpec,
  type ChartTransform,
  vegaLite,
} from "./spec.js";
export type { ChartOptions } from "./chartWords.js";
export { type SnatPortsRow, snatPortsPerNode } from "./snatPorts.js";
export { type PortsCurveOptions, type PortsCurveRow, type TierRow, portsCurve, tierSteps } from "./curves.js";
export { type PortsOverTimeRow, portsOverTime } from "./portsOverTime.js";
export { type NodePortsRow, portsByNode } from "./portsByNode.js";
export { type FailureHeatMapOptions, type FailureHeatMapRow, failureHeatMap } from "./failureHeatMap.js";
export {
  type FailureCurveRow,
  type FailureCurvesOptions,
  type SimulatedFailure,
  failureCurves,
} from "./failureCurves.js";
export { type AllocationOptions, type AllocationRow, allocationCurve } from "./allocationCurve.js";
export { type PathDiagramOptions, pathDiagram } from "./pathDiagram.js";
export { type Weight, textWidth } from "./textWidth.js";
