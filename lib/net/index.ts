/** Hosts, bridges, routes and the cloud's fabric; the model engine, its lab, and traces that say why. */
export type * from "./network.js";
export type * from "./trace.js";
export type * from "./lab.js";
export type { FailedConnect, SocketError } from "./socketError.js";
export { type TracedInterface, tracePackets } from "./tracePackets.js";
export { bootModel } from "./model.js";
export { type AddressChange, type ChangedBy, addressChanges, formatChangedBy } from "./addressChange.js";
export { type Sighting, watchWay } from "./watch.js";
