/**
 * A thread of the kernel process that ends it, and all that its cells started, when the runner is gone, however that ended
 * and whatever a cell is doing: the runner holds the other end of a pipe, which the system closes.
 * Until the runner answers it also tells how much processor time the process has had, so that a slow start is seen to go on.
 */
import { Socket } from "node:net";
import { workerData } from "node:worker_threads";
import { endFamily } from "./processes.js";
import { runnerPipe } from "./protocol.js";

const runner = new Socket({ fd: runnerPipe, readable: true, writable: true });
const told = setInterval(() => {
  const { user, system } = process.cpuUsage();
  runner.write(`${(user + system) / 1e6}\n`);
}, 500);
runner.on("data", () => clearInterval(told));
runner.on("error", () => undefined); // told by its end
runner.on("close", () => {
  endFamily(workerData as string, process.pid);
  if (process.platform === "win32") process.kill(process.pid);
  else process.kill(process.pid, "SIGKILL");
});
