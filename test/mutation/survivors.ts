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
    file: "lib/net/engine.ts",
    within: "drawnSequence",
    change: "0 => 1",
    reason: "cosmetic: sequence numbers begin anywhere",
  },
  {
    file: "lib/net/engine.ts",
    within: "Visit",
    change: "journey.record => true",
    reason: "cosmetic: hops that nobody reads are written down",
  },
  {
    file: "lib/net/engine.ts",
    within: "longestWay",
    change: "600 => (600 + 1)",
    reason: "cosmetic: a bound that no way comes near, as its TTL ends first",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: "visit.journey.forwarders.length > longestWay => visit.journey.forwarders.length >= longestWay",
    reason: "cosmetic: a bound that no way comes near, as its TTL ends first",
  },
  {
    file: "lib/net/engine.ts",
    within: "flowHash",
    change: "0 => 1",
    reason: "cosmetic: another hash of the flow, as good as this one",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: "Math.floor(this.clock * sequencePerMillisecond) => Math.ceil(this.clock * sequencePerMillisecond)",
    reason: "cosmetic: sequence numbers begin anywhere",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: "state.captures.size === 0 => false",
    reason: "equivalent: nobody is told then either",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: 'this.#spend("host"); => (left out)',
    reason: "cosmetic: a hundredth of a millisecond of simulated time",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: "listener !== undefined => true",
    reason: "equivalent: who served is read only once an answer has come",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change:
      'own.steps?.push({ kind: "bridge", bridge, from, to: port.name, filtered }) => own.steps?.unshift({ kind: "bridge", bridge, from, to: port.name, filtered })',
    reason: "equivalent: the first step of its list",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change:
      'visit.steps?.push({ kind: "fabric-route", route: found.route, to: packet.dst }) => visit.steps?.unshift({ kind: "fabric-route", route: found.route, to: packet.dst })',
    reason: "equivalent: the first step of its list",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: 'visit.journey.forwarders.push("fabric") => visit.journey.forwarders.unshift("fabric")',
    reason: "equivalent: how many there are and which is read, not their order",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change:
      "this.translators.find(state => state.has(packet.src)) => this.translators.findLast(state => state.has(packet.src))",
    reason: "equivalent: a source belongs to one translator",
  },
  {
    file: "lib/net/hostState.ts",
    within: "HostState",
    change: "host.rules.tables.length > 0 => true",
    reason: "equivalent: without tables netfilter lets everything pass",
  },
  {
    file: "lib/net/hostState.ts",
    within: "HostState",
    change: "isMulticast(address) => false",
    reason: "equivalent: netfilter has looked at that before it asks",
  },
  {
    file: "lib/net/hostState.ts",
    within: "HostState",
    change: "addresses.length === 1 => false",
    reason: "equivalent: of one address the search finds that one",
  },
  {
    file: "lib/net/model.ts",
    within: "bootModel",
    change: "false => true",
    reason: "cosmetic: hops that nobody reads are written down",
  },
  {
    file: "lib/net/model.ts",
    within: "bootModel",
    change:
      'opened.find((packet): packet is Tcp => packet.proto === "tcp" && packet.flags.includes("SYN")) => opened.findLast((packet): packet is Tcp => packet.proto === "tcp" && packet.flags.includes("SYN"))',
    reason: "equivalent: a SYN is answered once",
  },
  {
    file: "lib/net/routing.ts",
    within: "rootSize",
    change: "1 => (1 + 1)",
    reason: "cosmetic: memory that is not used",
  },
  {
    file: "lib/net/routing.ts",
    within: "trie",
    change: "nodeSize * 64 => nodeSize / 64",
    reason: "cosmetic: memory that grows when it is needed",
  },
  {
    file: "lib/net/routing.ts",
    within: "trie",
    change: "Math.max(found.length, nodes) <= 0x7fff => false",
    reason: "cosmetic: memory",
  },
  {
    file: "lib/netfilter/tcp.ts",
    within: "tcpSegment",
    change: "timeout > timing.unacknowledged => timeout >= timing.unacknowledged",
    reason: "equivalent: equal seconds replace each other",
  },
  {
    file: "lib/netfilter/nat.ts",
    within: "addressOf",
    change: "range.first === range.last => false",
    reason: "equivalent: of one address the hash finds that one",
  },
  {
    file: "lib/netfilter/compile.ts",
    within: "compile",
    change: "result === undefined => true",
    reason: "cosmetic: the same is compiled again, which takes longer",
  },
  {
    file: "lib/netfilter/compile.ts",
    within: "compile",
    change: "compiled.set(ruleset, result); => (left out)",
    reason: "cosmetic: the same is compiled again, which takes longer",
  },
  {
    file: "lib/netfilter/start.ts",
    within: "Running",
    change: "stages.length === 0 => false",
    reason: "equivalent: no stage comes after",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "ConnectionTable",
    change: "64 => (64 + 1)",
    reason: "cosmetic: fewer buckets are used, which takes longer",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "ConnectionTable",
    change: "this.size * 2 >= this.buckets.length => this.size * 2 > this.buckets.length",
    reason: "cosmetic: a table that grows one connection later",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "ConnectionTable",
    change: "this.size * 2 >= this.buckets.length => false",
    reason: "cosmetic: a table that never grows, which takes longer",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "ConnectionTable",
    change: "this.grow(); => (left out)",
    reason: "cosmetic: a table that never grows, which takes longer",
  },
  {
    file: "lib/netfilter/runs.ts",
    within: "runsOf",
    change: "end - start >= shortestRun => true",
    reason: "cosmetic: few rules are looked up too, which takes longer",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "0x9e3779b1 => (0x9e3779b1 + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "0x85ebca6b => (0x85ebca6b + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "0xc2b2ae35 => (0xc2b2ae35 + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "0x2c1b3c6d => (0x2c1b3c6d + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "15 => (15 + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "13 => (13 + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "16 => (16 + 1)",
    reason: "cosmetic: another hash, as good as this one",
  },
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
    file: "lib/kube/services.ts",
    within: "drawFree",
    change: "size - 1 => size + 1",
    reason: "cosmetic: another draw from the same places, as it is taken modulo their number",
  },
  {
    file: "lib/kube/manifest.ts",
    within: "repeatedKey",
    change: "0 => 1",
    reason: "equivalent: a key that was read from a text has its place there",
  },
  {
    file: "lib/kube/hosts.ts",
    within: "listenersOf",
    change: "pod.ports.length === 0 => false",
    reason: "equivalent: of no ports there are no listeners",
  },
  {
    file: "lib/kube/hosts.ts",
    within: "vethNamer",
    change: "subseed(attempt, pod) >>> 0 => subseed(attempt, pod) << 0",
    reason: "cosmetic: other digits in a name that means nothing",
  },
  {
    file: "lib/kube/ipam.ts",
    within: "azureVnetIpam",
    change: "free.push(address) => free.unshift(address)",
    reason: "cosmetic: the next one is drawn from all of them",
  },
  {
    file: "lib/kube/names.ts",
    within: "canonical",
    change: "1 => (1 + 1)",
    reason: "equivalent: a comparison's answer counts by its sign",
  },
  {
    file: "lib/kube/names.ts",
    within: "templateHash",
    change:
      "subseed(0, canonical({ podLabels, image, ports, hostNetwork })) >>> 0 => subseed(0, canonical({ podLabels, image, ports, hostNetwork })) << 0",
    reason: "cosmetic: other letters in a name that means nothing",
  },
  {
    file: "lib/kube/names.ts",
    within: "nameSuffix",
    change: "1 => (1 + 1)",
    reason: "cosmetic: other letters in a name that means nothing",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "order",
    change: "0 => 1",
    reason: "equivalent: nodes are listed before pods, and the sort keeps what is equal in its order",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "schedule",
    change: "room -= by; => (left out)",
    reason: "cosmetic: a search in vain is not spared",
  },
  {
    file: "lib/kube/schedule.ts",
    within: "schedule",
    change: "room === 0 || waiting.length === 0 => room === 0 && waiting.length === 0",
    reason: "cosmetic: a search in vain is not spared",
  },
  {
    file: "lib/kube/services.ts",
    within: "drawFree",
    change: "step < size => step <= size",
    reason: "equivalent: the first place is looked at once more",
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
    file: "lib/kube/buildCluster.ts",
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
    file: "lib/snat/poolRun.ts",
    within: "PoolRun",
    change: "turn / 2 => turn * 2",
    reason: "cosmetic: what waits aside is looked at more often than it needs",
  },
  {
    file: "lib/kube/buildCluster.ts",
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
  {
    file: "lib/netfilter/check.ts",
    within: "byName",
    change: "a.name < b.name => a.name <= b.name",
    reason: "equivalent: a table's chains have names of their own",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "sourceKey",
    change:
      "((tuple.src >>> 0) * 0x10000 + tuple.sport) * 0x20 + tuple.proto => ((tuple.src >>> 0) * 0x10000 + tuple.sport) * 0x20 - tuple.proto",
    reason: "equivalent: another key, as much its own",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "sourceKey",
    change: "(tuple.src >>> 0) * 0x10000 + tuple.sport => (tuple.src >>> 0) * 0x10000 - tuple.sport",
    reason: "equivalent: another key, as much its own",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "ConnectionTable",
    change: "0 => 1",
    reason: "cosmetic: memory is taken, or given back, a little sooner or later",
  },
  {
    file: "lib/netfilter/connectionTable.ts",
    within: "ConnectionTable",
    change: "this.sweeper ?? this.oldest => this.oldest",
    reason: "cosmetic: memory is given back later",
  },
  {
    file: "lib/netfilter/counts.ts",
    within: "Counts",
    change: "2 => (2 + 1)",
    reason: "cosmetic: room that is not used",
  },
  {
    file: "lib/netfilter/counts.ts",
    within: "Counts",
    change: "key === 0 => false",
    reason: "equivalent: nothing is copied from a free place to a free place",
  },
  {
    file: "lib/netfilter/parseSave.ts",
    within: "split",
    change: "0 => 1",
    reason: "equivalent: a character is read before it is asked which",
  },
  {
    file: "lib/netfilter/parseSave.ts",
    within: "multiport",
    change: "Object.hasOwn(multiportOptions, option) => true",
    reason: "equivalent: nothing that every object has begins with a dash",
  },
  {
    file: "lib/netfilter/parseSave.ts",
    within: "addHead",
    change: "draft.heads.push(match) => draft.heads.unshift(match)",
    reason: "equivalent: the matches are put in their order afterwards",
  },
  {
    file: "lib/netfilter/print.ts",
    within: "listRule",
    change:
      "matches.find(candidate => candidate.kind === kind) => matches.findLast(candidate => candidate.kind === kind)",
    reason: "equivalent: a rule has one of each of these kinds",
  },
  {
    file: "lib/netfilter/runs.ts",
    within: "wantedAddress",
    change: "32 => (32 + 1)",
    reason: "cosmetic: rules are asked one after the other, which takes longer",
  },
  {
    file: "lib/netfilter/runs.ts",
    within: "everyKey",
    change: "7 => (7 + 1)",
    reason: "cosmetic: rules are asked one after the other, which takes longer",
  },
  {
    file: "lib/netfilter/runs.ts",
    within: "runsOf",
    change: "end <= rules.length => end < rules.length",
    reason: "cosmetic: rules are asked one after the other, which takes longer",
  },
  {
    file: "lib/netfilter/start.ts",
    within: "anyFlow",
    change: "0 => 1",
    reason: "cosmetic: the ports of a packet that has none",
  },
  {
    file: "lib/netfilter/tcp.ts",
    within: "TcpTrack",
    change: "0 => 1",
    reason: "equivalent: nothing is read of the last segment before there is one",
  },
  {
    file: "lib/netfilter/tuple.ts",
    within: "hashOf",
    change: "hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d); => (left out)",
    reason: "cosmetic: another hash, as good as this one",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: "filtered => true",
    reason: "equivalent: without rules the destination stays as it was",
  },
  {
    file: "lib/net/engine.ts",
    within: "Engine",
    change: "false => true",
    reason: "cosmetic: hops that nobody reads are written down",
  },
  {
    file: "lib/net/model.ts",
    within: "bootModel",
    change: "silence > 0 => silence >= 0",
    reason: "equivalent: no time passes in none",
  },
  {
    file: "lib/net/model.ts",
    within: "bootModel",
    change: "silence > 0 => true",
    reason: "equivalent: no time passes in none",
  },
  { file: "lib/net/routing.ts", within: "trie", change: "2 => (2 + 1)", reason: "cosmetic: memory that is not used" },
  {
    file: "lib/net/hostState.ts",
    within: "HostState",
    change:
      "addresses.find(({ address }) => address === destination) => addresses.findLast(({ address }) => address === destination)",
    reason: "equivalent: an interface has an address once",
  },
  {
    file: "lib/snat/erlang.ts",
    within: "loadFor",
    change: "Math.abs(next - load) <= 1e-13 * load => Math.abs(next - load) < 1e-13 * load",
    reason: "equivalent: the step is as good as none either way",
  },
  {
    file: "lib/snat/erlang.ts",
    within: "withRetries",
    change: "step < 100 && high - low > 1e-14 * high => step < 100 || high - low > 1e-14 * high",
    reason: "cosmetic: steps that change no digit",
  },
  {
    file: "lib/snat/hold.ts",
    within: "checkHold",
    change: "0 => 1",
    reason: "equivalent: what is left out is right whatever it stands for",
  },
  {
    file: "lib/snat/planOutbound.ts",
    within: "compare",
    change: "added > 0 => added >= 0",
    reason: "equivalent: the two differ here",
  },
  {
    file: "lib/snat/planOutbound.ts",
    within: "compare",
    change: "after.failure > before.failure => after.failure >= before.failure",
    reason: "equivalent: the two differ here",
  },
  {
    file: "lib/snat/poolRun.ts",
    within: "PoolRun",
    change: "times[next]! < due => times[next]! <= due",
    reason: "equivalent: an arrival and an end are at the same moment with probability 0",
  },
  {
    file: "lib/snat/poolRun.ts",
    within: "PoolRun",
    change: "4 => (4 + 1)",
    reason: "cosmetic: the list is counted anew a little later",
  },
  {
    file: "lib/snat/poolRun.ts",
    within: "PoolRun",
    change: "gone.push(at) => gone.unshift(at)",
    reason: "equivalent: all of them end at the same moment",
  },
  {
    file: "lib/snat/poolRun.ts",
    within: "PoolRun",
    change: "this.wakeAt = Infinity; => (left out)",
    reason: "cosmetic: what waits aside is looked at more often than it needs",
  },
  {
    file: "lib/snat/poolRun.ts",
    within: "PoolRun",
    change: "tries++ => tries--",
    reason: "cosmetic: a free port is drawn at random for longer, which takes more time",
  },
  {
    file: "lib/snat/portPool.ts",
    within: "CountWheel",
    change: "due - time < buckets - 2 => due - time <= buckets - 2",
    reason: "cosmetic: what waits aside comes into the wheel a bucket sooner, which has room for it",
  },
];

/** Why nothing has to notice a mutant; undefined where something should. */
export const accepted = (mutant: Mutant): string | undefined =>
  survivors.find(
    ({ file, within, change }) => file === mutant.file && within === mutant.within && change === changeOf(mutant),
  )?.reason;
