import { Worker } from "node:worker_threads";
import { wholeNumber } from "../checks.js";
import type { PoolOutcome } from "./poolRun.js";
import type { Job } from "./job.js";
import type { Task, Workers } from "./simulate.js";

const atMost = 256;
/** How long a thread without work waits for some: to start one and have its code compiled takes a fifth of a second. */
const patience = 10_000;

/** Threads that wait for work, those that have waited longest first. They do not keep the process from ending. */
const waiting: { readonly thread: Worker; readonly timer: NodeJS.Timeout }[] = [];

const engage = (): Worker => {
  const last = waiting.pop();
  // Without the options of the program: the thread needs no loader, and some do not allow threads.
  if (last === undefined) return new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  clearTimeout(last.timer);
  last.thread.ref();
  return last.thread;
};

const dismiss = (thread: Worker): void => {
  thread.unref();
  const timer = setTimeout(() => {
    waiting.splice(waiting.indexOf(entry), 1);
    void thread.terminate();
  }, patience);
  timer.unref();
  const entry = { thread, timer };
  waiting.push(entry);
};

/** Runs the tasks that `take` hands out on one thread, until none is left. */
const runThread = (
  job: Job,
  take: () => number | undefined,
  tasks: readonly Task[],
  finished: (index: number, outcome: PoolOutcome) => void,
  signal: AbortSignal,
) =>
  new Promise<void>((resolve, reject) => {
    const thread = engage();
    const leave = (): void => {
      signal.removeEventListener("abort", abort);
      thread.off("error", fail).off("message", proceed);
    };
    const fail = (reason: unknown): void => {
      leave();
      void thread.terminate();
      reject(reason);
    };
    const abort = (): void => fail(signal.reason);
    let current: number | undefined;
    const next = (): void => {
      current = take();
      if (current !== undefined) return thread.postMessage({ task: tasks[current] });
      leave();
      dismiss(thread);
      resolve();
    };
    const proceed = (outcome: PoolOutcome): void => {
      finished(current!, outcome);
      next();
    };
    signal.addEventListener("abort", abort);
    thread.on("error", fail).on("message", proceed);
    thread.postMessage({ job });
    next();
  });

/**
 * Runs simulations on several threads of Node: `simulate(workload, rules, { workers: workerThreads(2) })`.
 * Pools and replications are handed out one by one, so it helps from two of them on; the result is the same as without.
 * A thread that is done waits 10 s for the next simulation, which then starts at full speed.
 * @param count threads, 1-256
 */
export const workerThreads = (count: number): Workers => {
  wholeNumber("workerThreads", count, { least: 1, most: atMost }, "threads");
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
      const forward = (): void => stop.abort(signal!.reason);
      signal?.addEventListener("abort", forward);
      const threads = Array.from({ length: Math.min(count, tasks.length) }, () =>
        runThread(job, take, tasks, finished, stop.signal),
      );
      try {
        await Promise.all(threads);
      } catch (error) {
        stop.abort(error);
        await Promise.allSettled(threads);
        throw error;
      } finally {
        signal?.removeEventListener("abort", forward);
      }
      return outcomes;
    },
  };
};
