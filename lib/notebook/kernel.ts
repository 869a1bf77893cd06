import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromKernel, ToKernel } from "./protocol.js";

/** How a request to the kernel ended. */
export type Ended =
  | { readonly type: "reply"; readonly ok: boolean }
  | { readonly type: "finished"; readonly reusable: boolean }
  | { readonly type: "ready" }
  | { readonly type: "exited"; readonly how: string; readonly stderr: string }
  | { readonly type: "timeout" };

/** A kernel process in a folder: notebooks import what they could import from that folder. */
export interface KernelProcess {
  readonly folder: string;
  /** Resolves when the process can execute, or has failed to start. */
  readonly ready: Promise<Ended>;
  /** Sends a request; every message up to the one that ends it goes to `onMessage`. Kills the process after `seconds`. */
  request(message: ToKernel, seconds: number, onMessage?: (message: FromKernel) => void): Promise<Ended>;
  stop(): void;
}

/** Ends a request: everything else is an output of it. */
const isEnd = (message: FromKernel): message is Extract<FromKernel, { type: "ready" | "reply" | "finished" }> =>
  message.type === "ready" || message.type === "reply" || message.type === "finished";

/** Starting takes two seconds on a small machine; a minute means that it never will. */
const startSeconds = 60;

/** Starts a kernel in a folder. */
export const startKernel = (folder: string): KernelProcess => {
  const child: ChildProcess = fork(fileURLToPath(new URL("kernel-main.js", import.meta.url)), {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: ["--no-warnings"],
  });
  let stderr = "";
  child.stderr?.on("data", chunk => (stderr = `${stderr}${chunk}`.slice(-4000)));
  let exited: Ended | undefined;
  let onMessage: (message: FromKernel) => void = () => undefined;
  let end: (ended: Ended) => void = () => undefined;
  child.on("message", (message: FromKernel) => (isEnd(message) ? end(message) : onMessage(message)));
  child.on("close", (code, signal) => {
    exited = { type: "exited", how: signal === null ? `exit code ${code}` : `signal ${signal}`, stderr };
    end(exited);
  });
  const wait = (seconds: number): Promise<Ended> =>
    new Promise(done => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        end({ type: "timeout" });
      }, seconds * 1000);
      end = ended => {
        clearTimeout(timer);
        end = () => undefined;
        done(ended);
      };
      if (exited !== undefined) end(exited);
    });
  return {
    folder,
    ready: wait(startSeconds),
    request(message, seconds, listener = () => undefined) {
      onMessage = listener;
      const ended = wait(seconds);
      if (exited === undefined) child.send(message);
      return ended;
    },
    stop() {
      child.kill("SIGKILL");
    },
  };
};
