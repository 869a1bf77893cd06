import { within } from "../checks.js";
import { refuse } from "../errors.js";
import { figuresPerBucket } from "./poolRun.js";
import { type Job, type JobStream, timeAtMost } from "./job.js";

/** How large a simulation is, known before it runs. */
export interface SimulationWork {
  /** Seconds measured, and run before without measuring, by default ten times the longest mean hold of a port. */
  readonly seconds: number;
  readonly warmUp: number;
  readonly replications: number;
  /** Connections expected in all: warm-ups and replications included. One core does some ten million a second. */
  readonly arrivals: number;
  /** Memory for ports, connections and statistics, at least. */
  readonly bytes: number;
}

/** Connections that a simulation may have when nobody says otherwise: a quarter of an hour of one core. */
export const arrivalsAtMost = 1e10;
const bytesAtMost = 4 * 2 ** 30;

/** A stream's mean number of connections by one pod, from the start of the warm-up to the end. */
const arrivalsOf = ({ rate, profile }: JobStream, { warmUp, seconds }: Job): number => {
  const steps = profile.filter(({ from }) => from < seconds);
  const ends = [...steps.slice(1).map(({ from }) => from), seconds];
  const first = steps[0]?.from ?? seconds;
  const stepped = steps.reduce((sum, { from, factor }, i) => sum + factor * (ends[i]! - from), 0);
  return rate * (warmUp + first + stepped);
};

const whole = Int32Array.BYTES_PER_ELEMENT;
const real = Float64Array.BYTES_PER_ELEMENT;

/** What a compiled simulation will take. */
export const workOf = (job: Job, replications: number): SimulationWork => {
  const perPod = job.streams.map(stream => arrivalsOf(stream, job));
  const ports = Math.max(job.ports, job.change?.ports ?? 0);
  let arrivals = 0;
  let running = 0;
  let kept = 0;
  for (const { pods, groups } of job.pools) {
    for (const { streams } of pods) for (const stream of streams) arrivals += perPod[stream]!;
    running = Math.max(running, whole * (4 * ports + groups.length * (ports / 32 + 16)));
    kept += real * job.buckets * ((groups.length + 1) * figuresPerBucket + pods.length);
  }
  const { seconds, warmUp } = job;
  return { seconds, warmUp, replications, arrivals: arrivals * replications, bytes: running + kept * replications };
};

const large = (value: number): string => (value < 1e6 ? `${Math.round(value)}` : value.toPrecision(3));

/**
 * Refuses a simulation that would run for hours or not fit, before it starts.
 * @param most connections, at most
 * @throws InputError that tells how large it is
 */
export const checkWork = ({ warmUp, seconds, arrivals, bytes }: SimulationWork, most: number): void => {
  if (warmUp > timeAtMost)
    refuse(
      "warmUp",
      warmUp,
      "is ten times the longest mean hold, which is its default, and too long",
      "shorter connections, or a warmUp of 0 to 100,000,000 seconds",
    );
  within("arrivalsAtMost", most, most > 0, "connections, more than 0");
  const length = `${large(warmUp)} s of warm-up and ${large(seconds)} s`;
  if (arrivals > most)
    refuse(
      "arrivals",
      Number(arrivals.toPrecision(3)),
      `are expected in ${length}, which takes some ${large(arrivals / 1e7 / 60)} minutes of one core`,
      `at most ${large(most)}: less time, fewer connections or replications, or a higher arrivalsAtMost`,
    );
  if (bytes > bytesAtMost)
    refuse(
      "buckets",
      Number(bytes.toPrecision(3)),
      "bytes of ports and statistics are needed",
      `at most ${bytesAtMost}: fewer buckets, destinations, nodes or replications`,
    );
};
