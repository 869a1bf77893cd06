import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type CellFailure, executeNotebook } from "./execute.js";
import { type KernelProcess, startKernel } from "./kernel.js";
import type { Notebook } from "./nbformat.js";
import { scrubber } from "./scrub.js";

/** The folder above the packages: in errors, their files are named from there. */
const checkout = fileURLToPath(new URL("../../../", import.meta.url));

/** A notebook to execute and the file that it came from. */
export interface Job {
  readonly path: string;
  readonly notebook: Notebook;
}

/** What became of a notebook. */
export type Outcome = { readonly job: Job; readonly seconds: number } & (
  | {
      readonly ok: true;
      readonly notebook: Notebook;
      /** It was not run, and why; its outputs are those in the file. */ readonly kept?: string;
    }
  | { readonly ok: false; readonly failure: CellFailure }
);

/** Told as a batch goes on. */
export interface Progress {
  cell(job: Job, cell: number, of: number): void;
  done(outcome: Outcome): void;
}

export interface BatchOptions {
  /** Seconds that one cell may take. */
  readonly timeout: number;
  /** Kernel processes at a time. */
  readonly processes: number;
  readonly progress: Progress;
}

/** Takes notebooks from the queue until it is empty, in one kernel for as long as that is as good as a new one. */
const work = async (queue: Job[], options: BatchOptions, outcomes: Map<Job, Outcome>): Promise<void> => {
  const scrub = scrubber([process.cwd(), checkout], homedir());
  let kernel: KernelProcess | undefined;
  try {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const current = job;
      const start = performance.now();
      const folder = dirname(resolve(current.path));
      if (kernel?.folder !== folder) {
        kernel?.stop();
        kernel = startKernel(folder);
      }
      const onCell = (cell: number, of: number) => options.progress.cell(current, cell, of);
      const executed = await executeNotebook(kernel, current.notebook, { timeout: options.timeout, scrub, onCell });
      const seconds = (performance.now() - start) / 1000;
      const outcome: Outcome = executed.ok
        ? { job: current, seconds, ok: true, notebook: executed.notebook }
        : { job: current, seconds, ok: false, failure: executed.failure };
      outcomes.set(current, outcome);
      options.progress.done(outcome);
      if (!executed.ok || !executed.reusable) {
        kernel.stop();
        kernel = undefined;
      }
    }
  } finally {
    kernel?.stop();
  }
};

/** Executes notebooks, each with a state of its own. The outcomes come in the order of the jobs. */
export const executeAll = async (jobs: readonly Job[], options: BatchOptions): Promise<readonly Outcome[]> => {
  const queue = [...jobs];
  const outcomes = new Map<Job, Outcome>();
  await Promise.all(
    Array.from({ length: Math.min(options.processes, jobs.length) }, () => work(queue, options, outcomes)),
  );
  return jobs.map(job => outcomes.get(job)!);
};
