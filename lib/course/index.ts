/** All that a notebook uses, from one import: the library, and what states claims and shows results under a cell. */
export * from "egress-lab";
export {
  type Arrival,
  type HostCapture,
  type HostCaptured,
  type LinuxLab,
  type LinuxOptions,
  LinuxUnavailable,
  bootLinux,
} from "egress-lab/linux";
export { workerThreads } from "egress-lab/threads";
export { CheckError, check, checkNear, checkThrows } from "./claims.js";
export type { CellValue, Records, TableData } from "./dataTable.js";
export { openLab } from "./openLab.js";
export { type RenderedChart, renderChart } from "./renderChart.js";
export { saveCapture, saveTrace } from "./savePackets.js";
export { type Diagram, show } from "./show.js";
