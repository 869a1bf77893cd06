import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { availableParallelism, freemem, loadavg } from "node:os";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { endFamily, markVariable } from "./processes.js";
import { type FromKernel, type ToKernel, runnerPipe } from "./protocol.js";

/** How a request to the kernel ended. */
export type Ended =
  | { readonly type: "reply"; readonly ok: boolean }
  | { readonly type: "finished"; readonly reusable: boolean }
  | { readonly type: "ready" }
  | { readonly type: "exited"; readonly how: string; readonly stderr: string }
  | { readonly type: "timeout" }
  | { readonly type: "stalled"; readonly why: string };

/** A kernel process in a folder: notebooks import what they could import from that folder. */
export interface KernelProcess {
  readonly folder: string;
  /** Resolves when the process can execute, or has failed to start. */
  readonly ready: Promise<Ended>;
  /** Sends a request; every message up to the one that ends it goes to `onMessage`. After `seconds` the process is ended. */
  request(message: ToKernel, seconds: number, onMessage?: (message: FromKernel) => void): Promise<Ended>;
  /** Ends the process and all that it started. */
  stop(): void;
}

/** Ends a request: everything else is an output of it. */
const isEnd = (message: FromKernel): message is Extract<FromKernel, { type: "ready" | "reply" | "finished" }> =>
  message.type === "ready" || message.type === "reply" || message.type === "finished";

/** Seconds in which a kernel that starts must have had some processor time: less is no start but a standstill. */
const standstill = 60;

/** Processor seconds that count as going on; the thread that tells them takes far less. */
const someTime = 0.1;

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** Starts a kernel in a folder. It and all that it starts end with this process, however this process ends. */
export const startKernel = (folder: string, idleSeconds = standstill): KernelProcess => {
  const mark = randomUUID();
  const child: ChildProcess = fork(fileURLToPath(new URL("kernel-main.js", import.meta.url)), {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe", "ipc", "pipe"],
    execArgv: ["--no-warnings"],
    env: { ...process.env, [markVariable]: mark },
    detached: process.platform !== "win32", // Ctrl-C is for this process; the kernel then sees to what its cells started
  });
  const stop = (): void => {
    const runs = child.exitCode === null && child.signalCode === null;
    endFamily(mark, runs ? child.pid : undefined);
  };
  let stderr = "";
  child.stderr?.on("data", chunk => (stderr = `${stderr}${chunk}`.slice(-4000)));
  let exited: Ended | undefined;
  let onMessage: (message: FromKernel) => void = () => undefined;
  let end: (ended: Ended) => void = () => undefined;
  const hasExited = (how: string): void => {
    exited ??= { type: "exited", how, stderr };
    end(exited);
  };
  child.on("message", (message: FromKernel) => (isEnd(message) ? end(message) : onMessage(message)));
  child.on("error", error => hasExited(error.message));
  child.on("exit", stop); // what its cells left running may hold its standard error open
  child.on("close", (code, signal) => hasExited(signal === null ? `exit code ${code}` : `signal ${signal}`));
  const wait = (seconds: number): Promise<Ended> =>
    new Promise(done => {
      const timer = setTimeout(() => {
        stop();
        end({ type: "timeout" });
      }, seconds * 1000);
      end = ended => {
        clearTimeout(timer);
        end = () => undefined;
        done(ended);
      };
      if (exited !== undefined) end(exited);
    });

  /** A start takes as long as it takes, on a busy machine minutes, while it gets on. */
  const start = (): Promise<Ended> =>
    new Promise(done => {
      const pipe = child.stdio[runnerPipe] as Duplex | undefined;
      let used = 0;
      let counted = 0;
      let idle = 0;
      pipe?.on("error", () => undefined); // told by the process's end
      pipe?.on("data", chunk => {
        used = Number(String(chunk).trim().split("\n").at(-1));
        if (used < counted + someTime) return;
        counted = used;
        idle = 0;
      });
      // Seconds are counted, not read off a clock, which goes on while a machine sleeps.
      const timer = setInterval(() => {
        if (++idle < idleSeconds) return;
        const [load] = loadavg();
        stop();
        end({
          type: "stalled",
          why: `it had ${used.toFixed(1)} s of processor time, and as good as none in the last ${idleSeconds} s; this machine has ${availableParallelism()} processors, a load of ${load!.toFixed(1)} and ${megabytes(freemem())} MB of free memory: try fewer kernels at a time, -j 1`,
        });
      }, 1000);
      end = ended => {
        clearInterval(timer);
        pipe?.write("go\n");
        end = () => undefined;
        done(ended);
      };
      if (exited !== undefined) end(exited);
    });

  return {
    folder,
    ready: start(),
    request(message, seconds, listener = () => undefined) {
      onMessage = listener;
      const ended = wait(seconds);
      if (exited === undefined) child.send(message);
      return ended;
    },
    stop,
  };
};
