/** The second engine: the same network in Linux network namespaces. Needs Node, Linux and the programs that it names. */
export {
  type Arrival,
  type HostCapture,
  type HostCaptured,
  type LinuxLab,
  type LinuxOptions,
  bootLinux,
} from "./boot.js";
export { linuxMissing } from "./available.js";
export { LinuxUnavailable } from "./environment.js";
