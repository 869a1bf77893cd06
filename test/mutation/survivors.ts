import { type Mutant, changeOf } from "./mutants.js";

/** Mutants that no test needs to notice. */
export interface Survivor {
  readonly file: string;
  /** The declaration at the top of the file that holds it. */
  readonly within: string;
  /** As the run prints it: `a < b => a <= b`. All of the declaration's that read so. */
  readonly change: string;
  /** Begins with its kind: equivalent (no result differs), cosmetic (a text for a person, a speed, a memory bound). */
  readonly reason: string;
}

const blocks = "equivalent: ports come and go in blocks of 8";

export const survivors: readonly Survivor[] = [
  {
    file: "lib/azure/balancer.ts",
    within: "cutter",
    change: "0 => 1",
    reason: `${blocks}, and where a piece would start is not read when nothing is left`,
  },
  {
    file: "lib/azure/balancer.ts",
    within: "cutter",
    change: "next > end => next >= end",
    reason: `${blocks}, so a range ends with one`,
  },
  {
    file: "lib/azure/balancer.ts",
    within: "freePorts",
    change: "first <= outboundPorts.last => first < outboundPorts.last",
    reason: blocks,
  },
  {
    file: "lib/azure/balancer.ts",
    within: "freePorts",
    change: "block > outboundPorts.last => block >= outboundPorts.last",
    reason: blocks,
  },
  {
    file: "lib/azure/balancer.ts",
    within: "portAllocations",
    change: "Math.ceil(ports.perNode / perFrontend) => Math.floor(ports.perNode / perFrontend)",
    reason: "equivalent: every tier divides the ceiling",
  },
  {
    file: "lib/azure/snat.ts",
    within: "snatPorts",
    change: "0 => 1",
    reason: `${blocks}, and 1 has been refused before`,
  },
  {
    file: "lib/azure/snat.ts",
    within: "snatTier",
    change:
      "defaultPorts.value.find(tier => nodes >= tier.least && nodes <= tier.most) => defaultPorts.value.findLast(tier => nodes >= tier.least && nodes <= tier.most)",
    reason: "equivalent: the tiers share no size",
  },
  {
    file: "lib/azure/ledger.ts",
    within: "reading",
    change:
      "contradiction(name).readings.find(entry => entry.name === chosen) => contradiction(name).readings.findLast(entry => entry.name === chosen)",
    reason: "equivalent: each reading has a name of its own",
  },
  {
    file: "lib/kube/ipam.ts",
    within: "azureVnetIpam",
    change: "free.length === 0 => false",
    reason: "equivalent: an empty list has no address at any place",
  },
  {
    file: "lib/kube/hosts.ts",
    within: "vethNamer",
    change: "0 => 1",
    reason: "cosmetic: other digits in a name that means nothing",
  },
  {
    file: "lib/kube/hosts.ts",
    within: "vethNamer",
    change: "8 => (8 + 1)",
    reason: "equivalent: the zero more is cut off again",
  },
  {
    file: "lib/kube/names.ts",
    within: "templateHash",
    change: "0 => 1",
    reason: "cosmetic: other letters in a name that means nothing",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "heapOf",
    change: "node < size => node <= size",
    reason: "equivalent: a node that is not there is never ready",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "schedule",
    change: "room > 0 => room >= 0",
    reason: "equivalent: without room the heap is empty",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "schedule",
    change: "heap.least() === node => heap.least() !== node",
    reason: "cosmetic: after each pod the heap is made anew, which takes longer",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "schedule",
    change: "room > 0 => true",
    reason: "equivalent: without room the heap is empty",
  },
  {
    file: "lib/kube/build.ts",
    within: "namer",
    change: "name !== undefined => true",
    reason: "equivalent: no drawn name reads undefined",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "schedule",
    change: "by === 1 && heapOwner === owner => by === 1 || heapOwner === owner",
    reason: "equivalent: whoever's pod it is, the first node of the heap is put in its place again",
  },
  {
    file: "lib/snat/engine.ts",
    within: "PoolRun",
    change: "turn / 2 => turn * 2",
    reason: "cosmetic: what waits aside is looked at more often than it needs",
  },
  {
    file: "lib/kube/build.ts",
    within: "buildCluster",
    change:
      "vnet.find(space => contains(space, input.nodes[0]!.internalIp)) => vnet.findLast(space => contains(space, input.nodes[0]!.internalIp))",
    reason: "equivalent: the ranges of a virtual network share no address",
  },
  {
    file: "lib/kube/services.ts",
    within: "podIndex",
    change: "found.push(pod) => found.unshift(pod)",
    reason: "equivalent: the pods are put in the order of their addresses",
  },
];

/** Why nothing has to notice a mutant; undefined where something should. */
export const accepted = (mutant: Mutant): string | undefined =>
  survivors.find(
    ({ file, within, change }) => file === mutant.file && within === mutant.within && change === changeOf(mutant),
  )?.reason;
