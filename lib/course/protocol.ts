import type { Json, MimeBundle } from "./nbformat.js";

/** A `display_data` message of Jupyter. */
export interface DisplayData {
  readonly data: MimeBundle;
  readonly metadata: { readonly [key: string]: Json };
  readonly transient?: { readonly display_id?: string };
}

/** What the runner asks of its kernel process. `finish` ends a notebook; the next `execute` starts another. */
export type ToKernel = { readonly type: "execute"; readonly code: string } | { readonly type: "finish" };

/** What the kernel process tells the runner, outputs first, then the reply to its request. */
export type FromKernel =
  | { readonly type: "ready" }
  | { readonly type: "stream"; readonly name: "stdout" | "stderr"; readonly text: string }
  | { readonly type: "display"; readonly data: DisplayData; readonly update: boolean }
  | { readonly type: "uncaught"; readonly text: string }
  | { readonly type: "reply"; readonly ok: boolean }
  | { readonly type: "finished"; readonly reusable: boolean };

/** The kernel process's end of the pipe that ties its life to the runner's. */
export const runnerPipe = 4;
