import { parentPort } from "node:worker_threads";
import { PoolRun } from "./poolRun.js";
import type { Job } from "./job.js";
import type { Task } from "./simulate.js";

/*
 * The body of a worker thread: it is sent a job once, then tasks one by one, and answers each with its outcome.
 */
let job: Job | undefined;
/** Arrivals simulated in one call: a long call would stay in the code that was there when it began. */
const slice = 20_000;

parentPort?.on("message", (message: { readonly job: Job } | { readonly task: Task }) => {
  if ("job" in message) {
    job = message.job;
    return;
  }
  const run = new PoolRun(job!, message.task.pool, message.task.replication);
  while (!run.advance(slice));
  // Copied, not handed over: once an array's buffer has gone, compiled code checks at every access whether it is still there.
  parentPort!.postMessage(run.result());
});
