import { Worker } from "node:worker_threads";
import { InputError } from "../errors.js";
import type { PoolOutcome } from "./engine.js";
import type { Job } from "./job.js";
import type { Task, Workers } from "./simulate.js";

const atMost = 256;

/** Runs the tasks that `take` hands out on a thread of its own, until none is left. */
const runThread = (
  job: Job,
  take: () => number | undefined,
  tasks: readonly Task[],
  finished: (index: number, outcome: PoolOutcome) => void,
  signal: AbortSignal | undefined,
) =>
  new Promise<void>((resolve, reject) => {
    const thread = new Worker(new URL("./worker.js", import.meta.url));
    const end = (settle: () => void): void => {
      signal?.removeEventListener("abort", abort);
      void thread.terminate();
      settle();
    };
    const abort = (): void => end(() => reject(signal!.reason));
    let current: number | undefined;
    const next = (): void => {
      current = take();
      if (current === undefined) end(resolve);
      else thread.postMessage({ task: tasks[current] });
    };
    signal?.addEventListener("abort", abort);
    thread.on("error", error => end(() => reject(error)));
    thread.on("message", (outcome: PoolOutcome) => {
      finished(current!, outcome);
      next();
    });
    thread.postMessage({ job });
    next();
  });

/**
 * Runs simulations on several threads of Node: `simulate(workload, rules, { workers: workerThreads(2) })`.
 * Pools and replications are handed out one by one, so it helps from two of them on; the result is the same as without.
 * @param count threads, 1-256
 */
export const workerThreads = (count: number): Workers => {
  if (!Number.isInteger(count) || count < 1 || count > atMost)
    throw new InputError({
      where: "workerThreads",
      value: count,
      problem: "is out of range",
      expected: `a whole number from 1 to ${atMost}`,
    });
  return {
    async run(job, tasks, onDone, signal) {
      signal?.throwIfAborted();
      const outcomes: PoolOutcome[] = [];
      let started = 0;
      const take = (): number | undefined => (started < tasks.length ? started++ : undefined);
      const finished = (index: number, outcome: PoolOutcome): void => {
        outcomes[index] = outcome;
        onDone();
      };
      const stop = new AbortController();
      signal?.addEventListener("abort", () => stop.abort(signal.reason), { once: true });
      const threads = Array.from({ length: Math.min(count, tasks.length) }, () =>
        runThread(job, take, tasks, finished, stop.signal),
      );
      try {
        await Promise.all(threads);
      } catch (error) {
        stop.abort(error);
        await Promise.allSettled(threads);
        throw error;
      }
      return outcomes;
    },
  };
};
