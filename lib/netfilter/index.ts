/** iptables rules as data: read and print them, run packets through them, track connections, translate addresses. */
export type * from "./ruleset.js";
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
} from "./netfilter.js";
export { relate, startNetfilter } from "./start.js";
export { parseSave } from "./parseSave.js";
export { type SaveOptions, formatRule, printList, printSave } from "./print.js";
