import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Comparer } from "./campaign.js";
import type { Mismatch, NetworkOptions, NetworkResult } from "./network.js";

/** What a process of the pool is asked, and what it answers. */
export type Question = { readonly id: number; readonly of: NetworkOptions; readonly shrinkSeconds?: number };
export type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string };

export interface Pool extends Comparer {
  close(): void;
}

/** Processes that compare networks: one alone is busy with the model and its agents' answers before the kernel is. */
export const startPool = (processes: number): Pool => {
  interface Asked {
    readonly resolve: (result: unknown) => void;
    readonly reject: (error: Error) => void;
  }
  let next = 0;
  const start = () => {
    // Detached: Ctrl-C is for this process; they end with the channel to it.
    const child = fork(fileURLToPath(new URL("poolProcess.ts", import.meta.url)), {
      serialization: "advanced",
      detached: true,
    });
    const waiting = new Map<number, Asked>();
    child.on("message", ({ id, result, error }: Reply) => {
      const asked = waiting.get(id)!;
      waiting.delete(id);
      if (error === undefined) asked.resolve(result);
      else asked.reject(new Error(error));
    });
    child.on("exit", code => {
      for (const { reject } of waiting.values())
        reject(new Error(`a process that compares networks ended with ${code}`));
    });
    return { child, waiting };
  };
  const pool = Array.from({ length: processes }, start);
  const ask = (question: Omit<Question, "id">): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = next++;
      const { child, waiting } = pool.reduce((idlest, one) => (one.waiting.size < idlest.waiting.size ? one : idlest));
      waiting.set(id, { resolve, reject });
      child.send({ id, ...question } satisfies Question);
    });
  return {
    compare: of => ask({ of }) as Promise<NetworkResult>,
    shrink: (of, shrinkSeconds) => ask({ of, shrinkSeconds }) as Promise<Mismatch | undefined>,
    close: () => {
      for (const { child } of pool) {
        child.removeAllListeners("exit");
        child.disconnect();
      }
    },
  };
};
