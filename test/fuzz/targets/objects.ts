import { maxNodes, snatPorts } from "../../../lib/azure/snat.js";
import { subnetNeed } from "../../../lib/azure/need.js";
import { addr, formatAddr } from "../../../lib/ip/addr.js";
import { cidr, formatCidr } from "../../../lib/ip/cidr.js";
import { parseManifest } from "../../../lib/kube/manifest.js";
import { bootModel } from "../../../lib/net/model.js";
import { build } from "../../../lib/scenario/build.js";
import { readScenario } from "../../../lib/scenario/read.js";
import { smallCluster } from "../../../lib/scenario/small.js";
import { formatTime, parseTime } from "../../../lib/scenario/time.js";
import type { Scenario } from "../../../lib/scenario/scenario.js";
import {
  erlangB,
  loadFor,
  mappingsLost,
  occupancy,
  peakInUse,
  portsFor,
  withRetries,
} from "../../../lib/snat/erlang.js";
import { expectPool } from "../../../lib/snat/expect.js";
import { type PlanQuestion, planOutbound } from "../../../lib/snat/planOutbound.js";
import { simulatePool, type PoolSpec } from "../../../lib/snat/portPool.js";
import { loadBalancerRules, masqueradeRules, natGatewayRules } from "../../../lib/snat/portRules.js";
import { simulate, simulationWork } from "../../../lib/snat/simulate.js";
import { burst, daily, evenWorkload, ramp, type Workload } from "../../../lib/snat/workload.js";
import { Broken, holds, readValue, reading, readingLater, same, type Target } from "../target.js";

const addresses = (input: string): void => {
  for (const line of input.split("\n")) {
    const address = reading(() => addr(line));
    if (address !== undefined) same("an address printed", formatAddr(address), line);
    const block = reading(() => cidr(line));
    if (block !== undefined) same("a range printed", formatCidr(block), line);
  }
};

const time = (input: string): void => {
  const seconds = reading(() => parseTime(input, "time"));
  if (seconds === undefined) return;
  holds("a number of seconds", Number.isFinite(seconds));
  const printed = formatTime(seconds);
  same("a time printed and read again", parseTime(printed, "what was printed"), Math.round(seconds * 1000) / 1000);
  // Where it is given in UTC, to the second, it prints as it was given.
  if (/^[^.]*Z$/.test(input)) same("a time printed", printed, input);
};

/** A cluster that takes what a manifest says. */
const small = smallCluster({ nodeCount: 1, podsPerNode: 1 });
const manifest = (input: string): void => {
  const objects = reading(() => parseManifest(input, "file.yaml"));
  if (objects === undefined) return;
  holds("objects", objects.length > 0);
  same("objects are JSON", JSON.parse(JSON.stringify(objects)), objects);
  if (objects.some(object => object.kind === "Deployment" && object.replicas > 100)) return;
  const cluster = { ...small.clusters[0]!, manifests: [{ file: "file.yaml", yaml: input }] };
  reading(() => build({ ...small, clusters: [cluster] }));
};

/** Numbers below what only takes longer. */
const isSmall = (scenario: Scenario): boolean =>
  scenario.clusters.length <= 3 &&
  scenario.clusters.every(
    cluster =>
      !(cluster.nodeCount > 20) &&
      Object.values(cluster.scale ?? {}).every(pods => !(pods > 100)) &&
      cluster.manifests.every(({ yaml }) => !/replicas: *\d{3}/.test(yaml)),
  );
const scenario = async (input: string): Promise<void> => {
  const value = reading(() => readScenario(readValue(input)));
  if (value === undefined || !isSmall(value)) return;
  same("a scenario read twice", readScenario(value), value);
  const built = reading(() => build(value));
  if (built === undefined) return;
  const lab = bootModel(built.network);
  const from = built.network.hosts.find(({ role }) => role === "pod") ?? built.network.hosts[0];
  if (from !== undefined) await readingLater(() => lab.ping(from.id, "203.0.113.9", { count: 1 }));
  await lab.close();
};

/** Numbers in a result, wherever they stand. */
const checkNumbers = (what: string, value: unknown, infinite: boolean): void => {
  const waiting: unknown[] = [value];
  for (let part = waiting.pop(), seen = 0; waiting.length > 0 || part !== undefined; part = waiting.pop(), seen++) {
    if (seen > 10_000) return;
    if (typeof part === "number" && (Number.isNaN(part) || (!infinite && !Number.isFinite(part))))
      throw new Broken(`${what} has a number that is ${part}`);
    if (typeof part === "object" && part !== null)
      for (const inner of ArrayBuffer.isView(part) ? Array.from(part as Float64Array) : Object.values(part))
        waiting.push(inner);
  }
};

/** Functions of the front door that take numbers and objects, by name. */
const functions: Readonly<Record<string, (...args: never[]) => unknown>> = {
  erlangB,
  loadFor,
  mappingsLost,
  occupancy,
  peakInUse,
  portsFor,
  withRetries,
  snatPorts,
  maxNodes,
  subnetNeed,
  loadBalancerRules,
  natGatewayRules,
  masqueradeRules,
  burst,
  ramp,
  daily,
  smallCluster,
  evenWorkload,
};

interface Call {
  readonly call: string;
  readonly args: readonly never[];
}
const figures = (input: string): void => {
  const value = readValue(input) as Partial<Call> | null;
  if (typeof value !== "object" || value === null || !Array.isArray(value.args)) return;
  if (typeof value.call !== "string" || !Object.hasOwn(functions, value.call)) return;
  const { call, args } = value as Call;
  const result = reading(() => functions[call]!(...args));
  checkNumbers(call, result, true);
};

const plan = (input: string): void => {
  const question = readValue(input) as PlanQuestion;
  const plans = reading(() => planOutbound(question));
  if (plans === undefined) return;
  holds("plans", plans.length > 0);
  checkNumbers("a plan", plans, true);
};

interface Simulated {
  readonly workload: Workload;
  readonly rules: Parameters<typeof simulate>[1];
  readonly options: Parameters<typeof simulate>[2];
  readonly pool: PoolSpec;
}
const connectionsAtMost = 20_000;
const simulation = async (input: string): Promise<void> => {
  const value = readValue(input) as Partial<Simulated> | null;
  if (typeof value !== "object" || value === null) return;
  const { workload, rules, options, pool } = value as Simulated;
  if (pool !== undefined) {
    const { arrivals, load, warmUpHolds } = pool ?? {};
    const sizes = [arrivals, load, Number(load) * Number(warmUpHolds ?? 10)];
    if (sizes.some(size => Number(size) > connectionsAtMost)) return;
    checkNumbers("a pool", await readingLater(() => simulatePool(pool)), false);
    return;
  }
  const work = reading(() => simulationWork(workload, rules, options));
  if (work === undefined) return;
  checkNumbers("the work", work, true);
  const streams = workload.nodes[0]?.pods[0]?.streams;
  if (streams !== undefined)
    checkNumbers(
      "an expectation",
      reading(() => expectPool(streams, 3, rules, 0.01)),
      true,
    );
  if (work.arrivals > connectionsAtMost || work.bytes > 1e7) return;
  const result = await readingLater(() => simulate(workload, rules, options));
  if (result === undefined) return;
  holds("no more failures than attempts", result.failures <= result.attempts);
  checkNumbers("what was simulated", [result.attempts, result.failures, result.use(), result.podUse()], true);
};

const yamlWords = [
  ..."apiVersion: kind: metadata: name: namespace: labels: spec: replicas: selector: matchLabels: template: containers: image: ports: port: targetPort: nodePort: protocol: TCP UDP type: ClusterIP NodePort LoadBalancer Deployment Service Ingress v1 apps/v1 extensions/v1beta1 networking.k8s.io/v1 rules: host: http: paths: path: backend: serviceName: servicePort: hostNetwork: true false null ~ .inf .nan 0x10 1e999 12345678901234567890 --- ... & * <<: !!binary !!set !!omap !!str !!int !!float | > |- ? {} [] {a:1} [a] &a *a %YAML - # \t".split(
    " ",
  ),
  "__proto__: ",
  "constructor: ",
];

const words =
  "nodes maxNodes surge podsPerNode streams target era 2018 today idleTimeoutMinutes vnet sku Basic Standard vmSetType kubenet azure-cni azure-cni-overlay exponential lognormal constant empirical mean sigma seconds samples tcp udp fin rst idle steady once zipf count rate name 10% 100% 0% 101%".split(
    " ",
  );

export const objectTargets: readonly Target[] = [
  {
    name: "address",
    about: "addresses and ranges: what is taken prints as it was given",
    format: "text",
    words: [
      "0.0.0.0/0",
      "10.0.0.0/8",
      "255.255.255.255/32",
      "/",
      ".",
      ":",
      "::1",
      "00",
      "/00",
      "/+8",
      "/ 8",
      "/-1",
      "1e1",
      "0x0a",
      "256",
    ],
    run: addresses,
  },
  {
    name: "time",
    about: "RFC 3339 times: what is taken prints, and reads back, the same",
    format: "text",
    words: [
      "2019-02-29",
      "2020-02-29",
      "0000-01-01",
      "9999-12-31",
      "T",
      "Z",
      "+23:59",
      "-23:59",
      ".5",
      ".123456789",
      ":60",
      "24:00:00",
    ],
    run: time,
  },
  {
    name: "manifest",
    about: "Kubernetes' YAML: what is read is plain data, and a cluster takes or refuses it",
    format: "text",
    words: yamlWords,
    from: ["notebooks/whereami.yaml", "notebooks/whereami-ingress.yaml"],
    short: 200,
    run: manifest,
  },
  {
    name: "scenario",
    about: "scenario objects: what is read builds and boots, or is refused",
    format: "json",
    words: [...words, "clusters", "pins", "vms", "sites", "scale", "addons", "manifests"],
    short: 80,
    run: scenario,
  },
  {
    name: "figures",
    about: "the functions of figures and rules: numbers in, numbers out, or a refusal",
    format: "json",
    words: [...words, ...Object.keys(functions)],
    run: figures,
  },
  {
    name: "plan",
    about: "the planner's question: plans without a NaN, or a refusal",
    format: "json",
    words,
    short: 100,
    run: plan,
  },
  {
    name: "simulation",
    about: "workloads, profiles and rules of the simulation: its work is known before, its numbers are numbers",
    format: "json",
    words,
    short: 100,
    run: simulation,
  },
];
