import { wholeNumber, withFields } from "../checks.js";
import { type PoolOutcome, PoolRun, figure, figuresPerBucket } from "./poolRun.js";
import { type Estimate, estimate } from "./estimate.js";
import { type Job, type RulesChange, type Timing, checkChange, checkTiming, compileJob } from "./job.js";
import { type RunOptions, breathe, checkCancelled } from "./progress.js";
import { type PortRules, checkRules } from "./portRules.js";
import { type SimulationWork, arrivalsAtMost, checkWork, workOf } from "./work.js";
import { type Protocol, type Workload, checkWorkload } from "./workload.js";

/** One pool to simulate, once. */
export interface Task {
  /** Index in the job's pools. */
  readonly pool: number;
  readonly replication: number;
}

/** Something that runs tasks side by side; in Node, `workerThreads`. */
export interface Workers {
  /** Runs every task; the answer is in their order. `onDone` is called after each. Rejects when the signal is aborted. */
  run(job: Job, tasks: readonly Task[], onDone: () => void, signal?: AbortSignal): Promise<readonly PoolOutcome[]>;
}

export interface SimulateOptions extends RunOptions {
  /** Seconds to measure, up to 100,000,000. Default 3600. */
  readonly seconds?: number;
  /** Seconds before that, not measured, up to 100,000,000. Default: ten times the longest mean hold of a port; 0 starts with every port free. */
  readonly warmUp?: number;
  /** Equal parts of the time, each with its own statistics, 1-100,000. Default 60. */
  readonly buckets?: number;
  /** Any whole number. Default 1. The same seed gives the same result, with workers or without. */
  readonly seed?: number;
  /** Runs with seeds of their own, 1-10,000. Default 1. From 2 on estimates have a confidence interval. */
  readonly replications?: number;
  /** More connections than this are refused before the run, see {@link simulationWork}. Default 10,000,000,000. */
  readonly arrivalsAtMost?: number;
  readonly workers?: Workers;
  /** New rules from some moment on: what happens to the nodes of a cluster when one more is added, say. */
  readonly change?: RulesChange;
}

/** Ports in use within one bucket of time, and the connections that began in it. */
export interface UseRow {
  /** The node, or the gateway. */
  readonly pool: string;
  readonly protocol: Protocol;
  /** A destination, or `all`: ports that serve at least one. */
  readonly destination: string;
  /** Seconds. */
  readonly from: number;
  readonly to: number;
  readonly min: number;
  /** Over the whole of the bucket's time. */
  readonly mean: number;
  /** The number not exceeded at 95 % and 99 % of 100 evenly spaced moments of the bucket. */
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** What could be in use; where that changes within the bucket, the more of the two. */
  readonly limit: number;
  readonly attempts: number;
  readonly failures: number;
}

/** Ports that one pod's connections hold, all destinations together, within one bucket of time. */
export interface PodUseRow {
  readonly pool: string;
  readonly protocol: Protocol;
  readonly node: string;
  readonly pod: string;
  readonly from: number;
  readonly to: number;
  readonly mean: number;
}

/** Totals over all replications of one destination of one pool, or of all its destinations. */
export interface DestinationTotal {
  readonly pool: string;
  readonly protocol: Protocol;
  readonly destination: string;
  /** What could be in use at any time. */
  readonly limit: number;
  readonly attempts: number;
  readonly failures: number;
  readonly failureProbability: Estimate;
  /** Connections whose port the change of rules took away, and those of them that were open: the others only held it for a while. */
  readonly takenAway?: number;
  readonly cutOff?: number;
  /** Seconds from the start of measuring to the first failure, in the first replication; absent when nothing failed. */
  readonly firstFailure?: number;
  /** Mean and largest number of ports in use, in the first replication. */
  readonly mean: number;
  readonly max: number;
}

/** What one pod did in a simulation. */
export interface PodTotal {
  readonly pool: string;
  readonly protocol: Protocol;
  readonly node: string;
  readonly pod: string;
  readonly attempts: number;
  readonly failures: number;
  /** Ports held in the first replication. */
  readonly mean: number;
  readonly max: number;
}

/** Which rows to make; everything when left out. */
export interface RowFilter {
  readonly pool?: string;
  readonly protocol?: Protocol;
  /** A destination's name, or `all` for all together. */
  readonly destination?: string;
}

/** What a simulation came to: failures with their uncertainty, and ports in use over time. */
export interface SimulationResult {
  /** The rules and assumptions that it rests on; `rules.basis` is a line of them. */
  readonly rules: PortRules;
  readonly seconds: number;
  /** Seconds run before, not measured. */
  readonly warmUp: number;
  readonly replications: number;
  /** Over all pools and replications. */
  readonly attempts: number;
  readonly failures: number;
  readonly failureProbability: Estimate;
  /** Arrivals and departures simulated, those of the warm-ups included. */
  readonly events: number;
  /** The most connections that held a port of one pool at the same time. */
  readonly peakConnections: number;
  /** Ports in use over time, of the first replication: a row for each bucket, pool and destination. */
  use(filter?: RowFilter): readonly UseRow[];
  /** Ports held by each pod over time, of the first replication. */
  podUse(filter?: Omit<RowFilter, "destination">): readonly PodUseRow[];
  /** A row for each pool and destination; `all` stands for all destinations of a pool. */
  destinations(filter?: RowFilter): readonly DestinationTotal[];
  /** A row for each pod of each pool. */
  pods(filter?: Omit<RowFilter, "destination">): readonly PodTotal[];
}

/** Arrivals simulated between two looks at the clock, the signal and the progress. */
const slice = 100_000;

const runHere = async (job: Job, tasks: readonly Task[], options: RunOptions): Promise<readonly PoolOutcome[]> => {
  const outcomes: PoolOutcome[] = [];
  let sinceBreath = 0;
  for (const [index, { pool, replication }] of tasks.entries()) {
    const run = new PoolRun(job, pool, replication);
    while (!run.advance(slice)) {
      await breathe(options, (index + run.share) / tasks.length);
      sinceBreath = 0;
    }
    const outcome = run.result();
    outcomes.push(outcome);
    sinceBreath += outcome.events;
    if (sinceBreath > 2 * slice) {
      await breathe(options, (index + 1) / tasks.length);
      sinceBreath = 0;
    }
  }
  return outcomes;
};

const runByWorkers = (
  workers: Workers,
  job: Job,
  tasks: readonly Task[],
  { onProgress, signal }: RunOptions,
): Promise<readonly PoolOutcome[]> => {
  let done = 0;
  return workers.run(job, tasks, () => onProgress?.(++done / tasks.length), signal);
};

const allDestinations = "all";

type Sized = Pick<SimulateOptions, "seconds" | "warmUp" | "buckets" | "seed" | "replications" | "change">;

/** Checks what is to be simulated and works it out. */
const prepare = (workload: Workload, rules: PortRules, options: Sized) => {
  const {
    seconds = 3600,
    warmUp,
    buckets = 60,
    seed = 1,
    replications = 1,
    change,
  } = withFields("options", options, "seconds, seed and more; each may be left out");
  const timing: Timing = { seconds, buckets, seed, ...(warmUp === undefined ? {} : { warmUp }) };
  checkWorkload(workload);
  checkRules(rules);
  checkTiming(timing);
  wholeNumber("replications", replications, { least: 1, most: 10_000 }, "replications");
  if (change !== undefined) checkChange(change, rules, seconds);
  const job = compileJob(workload, rules, timing, change);
  return { job, replications, work: workOf(job, replications) };
};

/**
 * How large a simulation will be, without running it.
 * @throws InputError for a workload or a time that has no sense
 */
export const simulationWork = (workload: Workload, rules: PortRules, options: Sized = {}): SimulationWork =>
  prepare(workload, rules, options).work;

/**
 * Simulates a workload's connections against the rules by which they find their ports: when each port is taken, by whom and
 * towards where, and when it comes free again. Connections that find no port fail and do not try again.
 * @throws InputError for a workload or a time that has no sense, or more connections than {@link SimulateOptions.arrivalsAtMost};
 * rejects with the signal's reason when cancelled
 */
export const simulate = async (
  workload: Workload,
  rules: PortRules,
  options: SimulateOptions = {},
): Promise<SimulationResult> => {
  const { job, replications, work } = prepare(workload, rules, options);
  checkWork(work, options.arrivalsAtMost ?? arrivalsAtMost);
  checkCancelled(options);
  const { workers } = options;
  const tasks = Array.from({ length: replications }, (_, replication) =>
    job.pools.map((_, pool): Task => ({ pool, replication })),
  ).flat();
  const outcomes = await (workers === undefined
    ? runHere(job, tasks, options)
    : runByWorkers(workers, job, tasks, options));
  options.onProgress?.(1);
  return summarise(job, rules, outcomes, replications);
};

const summarise = (
  job: Job,
  rules: PortRules,
  outcomes: readonly PoolOutcome[],
  replications: number,
): SimulationResult => {
  const of = (pool: number, replication: number): PoolOutcome => outcomes[replication * job.pools.length + pool]!;
  const length = job.seconds / job.buckets;
  const rowsOf = (pool: number): number => job.pools[pool]!.groups.length + 1;
  const nameOf = (pool: number, row: number): string => job.pools[pool]!.groups[row] ?? allDestinations;
  const value = (pool: number, replication: number, bucket: number, row: number, which: number): number =>
    of(pool, replication).series[(bucket * rowsOf(pool) + row) * figuresPerBucket + which]!;
  const inBuckets = (pick: (bucket: number) => number): number[] =>
    Array.from({ length: job.buckets }, (_, bucket) => pick(bucket));
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
  const total = (pool: number, replication: number, row: number, which: number): number =>
    sum(inBuckets(bucket => value(pool, replication, bucket, row, which)));
  /** The limits before and after the change of rules, as far as they hold between two moments. */
  const limitOf = (pool: number, row: number, from = 0, to = job.seconds): number => {
    const of = ({ ports, perGroup }: Pick<Job, "ports" | "perGroup">): number =>
      row === rowsOf(pool) - 1 ? ports : Math.min(ports, perGroup);
    const { change } = job;
    if (change === undefined || to <= change.at) return of(job);
    return from >= change.at ? of(change) : Math.max(of(job), of(change));
  };
  const every = Array.from({ length: replications }, (_, replication) => replication);
  const pools = (filter: RowFilter): readonly number[] =>
    job.pools.flatMap(({ name, protocol }, pool) =>
      (filter.pool ?? name) === name && (filter.protocol ?? protocol) === protocol ? [pool] : [],
    );
  const rows = (pool: number, { destination }: RowFilter): readonly number[] =>
    Array.from({ length: rowsOf(pool) }, (_, row) => row).filter(
      row => destination === undefined || nameOf(pool, row) === destination,
    );

  const wholePool = (replication: number, which: number): number =>
    sum(job.pools.map((_, pool) => total(pool, replication, rowsOf(pool) - 1, which)));
  const perRun = every.map(replication => ({
    attempts: wholePool(replication, figure.attempts),
    failures: wholePool(replication, figure.failures),
  }));

  return {
    rules,
    seconds: job.seconds,
    warmUp: job.warmUp,
    replications,
    attempts: sum(perRun.map(run => run.attempts)),
    failures: sum(perRun.map(run => run.failures)),
    failureProbability: estimate(perRun),
    events: sum(outcomes.map(outcome => outcome.events)),
    peakConnections: outcomes.reduce((most, outcome) => Math.max(most, outcome.peak), 0),
    use: (filter = {}) =>
      pools(filter).flatMap(pool =>
        rows(pool, filter).flatMap(row =>
          inBuckets(bucket => bucket).map(bucket => ({
            pool: job.pools[pool]!.name,
            protocol: job.pools[pool]!.protocol,
            destination: nameOf(pool, row),
            from: bucket * length,
            to: (bucket + 1) * length,
            min: value(pool, 0, bucket, row, figure.min),
            mean: value(pool, 0, bucket, row, figure.mean),
            p95: value(pool, 0, bucket, row, figure.p95),
            p99: value(pool, 0, bucket, row, figure.p99),
            max: value(pool, 0, bucket, row, figure.max),
            limit: limitOf(pool, row, bucket * length, (bucket + 1) * length),
            attempts: value(pool, 0, bucket, row, figure.attempts),
            failures: value(pool, 0, bucket, row, figure.failures),
          })),
        ),
      ),
    podUse: (filter = {}) =>
      pools(filter).flatMap(pool => {
        const { name, protocol, pods } = job.pools[pool]!;
        return pods.flatMap((pod, p) =>
          inBuckets(bucket => bucket).map(bucket => ({
            pool: name,
            protocol,
            node: pod.node,
            pod: pod.name,
            from: bucket * length,
            to: (bucket + 1) * length,
            mean: of(pool, 0).podMeans[bucket * pods.length + p]!,
          })),
        );
      }),
    destinations: (filter = {}) =>
      pools(filter).flatMap(pool =>
        rows(pool, filter).map((row): DestinationTotal => {
          const runs = every.map(replication => ({
            attempts: total(pool, replication, row, figure.attempts),
            failures: total(pool, replication, row, figure.failures),
          }));
          const first = of(pool, 0).firstFailure[row]!;
          return {
            pool: job.pools[pool]!.name,
            protocol: job.pools[pool]!.protocol,
            destination: nameOf(pool, row),
            limit: limitOf(pool, row),
            attempts: sum(runs.map(run => run.attempts)),
            failures: sum(runs.map(run => run.failures)),
            failureProbability: estimate(runs),
            ...(first === Infinity ? {} : { firstFailure: first }),
            ...(job.change === undefined
              ? {}
              : {
                  takenAway: sum(every.map(replication => of(pool, replication).takenAway[row]!)),
                  cutOff: sum(every.map(replication => of(pool, replication).cutOff[row]!)),
                }),
            mean: total(pool, 0, row, figure.mean) / job.buckets,
            max: inBuckets(bucket => value(pool, 0, bucket, row, figure.max)).reduce(
              (most, each) => Math.max(most, each),
              0,
            ),
          };
        }),
      ),
    pods: (filter = {}) =>
      pools(filter).flatMap(pool => {
        const { name, protocol, pods } = job.pools[pool]!;
        return pods.map((pod, p) => ({
          pool: name,
          protocol,
          node: pod.node,
          pod: pod.name,
          attempts: sum(every.map(replication => of(pool, replication).podAttempts[p]!)),
          failures: sum(every.map(replication => of(pool, replication).podFailures[p]!)),
          mean: sum(inBuckets(bucket => of(pool, 0).podMeans[bucket * pods.length + p]!)) / job.buckets,
          max: of(pool, 0).podMax[p]!,
        }));
      }),
  };
};
