import type { KernelProcess } from "./kernel.js";
import type { CodeCell, Notebook, Output } from "./nbformat.js";
import type { FromKernel } from "./protocol.js";
import { type Scrub, scrubOutput } from "./scrub.js";

/** Why a notebook could not be executed to its end. */
export interface CellFailure {
  /** The number of the code cell as Jupyter shows it (`In [3]`), 1..n. */
  readonly cell: number;
  readonly source: string;
  /** What the cell wrote to stderr, or what happened to the kernel. */
  readonly message: string;
}

export interface ExecuteOptions {
  /** Seconds that one cell may take. */
  readonly timeout: number;
  readonly scrub: Scrub;
  /** Called before each code cell, 1..n of n. */
  readonly onCell?: (cell: number, of: number) => void;
}

/** The executed notebook, or the first failure. */
export type Executed =
  | { readonly ok: true; readonly notebook: Notebook; readonly reusable: boolean }
  | { readonly ok: false; readonly failure: CellFailure };

/** Collects the outputs of one cell as Jupyter's front ends do: neighbouring texts of a stream are one, updates replace. */
const outputCollector = () => {
  const outputs: Output[] = [];
  const displays = new Map<string, number>();
  let errors = "";
  const add = (message: FromKernel): void => {
    if (message.type === "stream") {
      const last = outputs.at(-1);
      if (message.name === "stderr") errors += message.text;
      if (last?.output_type === "stream" && last.name === message.name)
        outputs[outputs.length - 1] = { ...last, text: last.text + message.text };
      else outputs.push({ output_type: "stream", name: message.name, text: message.text });
    } else if (message.type === "display") {
      const output: Output = { output_type: "display_data", data: message.data.data, metadata: message.data.metadata };
      const id = message.data.transient?.display_id;
      const earlier = id === undefined ? undefined : displays.get(id);
      if (message.update && earlier !== undefined) outputs[earlier] = output;
      else if (outputs.push(output) && id !== undefined) displays.set(id, outputs.length - 1);
    } else if (message.type === "uncaught")
      errors += `uncaught, in a promise or callback that no cell awaits: ${message.text}\n`;
  };
  return { add, outputs: (): readonly Output[] => outputs, errors: () => errors };
};

/**
 * Executes the code cells of a notebook in order in a kernel that has just started or finished another notebook.
 * Stops at the first cell that fails, ends the kernel or takes too long.
 */
export const executeNotebook = async (
  kernel: KernelProcess,
  notebook: Notebook,
  options: ExecuteOptions,
): Promise<Executed> => {
  const { timeout, scrub } = options;
  const codeCells = notebook.cells.filter(
    (cell): cell is CodeCell => cell.type === "code" && cell.source.trim() !== "",
  );
  const done = new Map<CodeCell, CodeCell>();
  const fail = (cell: number, message: string): Executed => ({
    ok: false,
    failure: { cell, source: codeCells[cell - 1]?.source ?? "", message: scrub(message).trimEnd() },
  });
  const started = await kernel.ready;
  if (started.type !== "ready") {
    const why =
      started.type === "stalled" ? started.why : started.type === "exited" ? `${started.how}\n${started.stderr}` : "";
    return fail(0, `the tslab kernel did not start: ${why}`);
  }
  for (const [index, cell] of codeCells.entries()) {
    const count = index + 1;
    options.onCell?.(count, codeCells.length);
    const collected = outputCollector();
    const ended = await kernel.request({ type: "execute", code: cell.source }, timeout, collected.add);
    if (ended.type === "timeout")
      return fail(count, `still running after ${timeout} s (--timeout), so its kernel was stopped`);
    if (ended.type === "exited")
      return fail(
        count,
        `the cell ended its kernel (${ended.how}); a cell must not call process.exit\n${ended.stderr}`,
      );
    if (ended.type === "reply" && !ended.ok)
      return fail(count, collected.errors() || "the cell failed without a message");
    done.set(cell, {
      ...cell,
      executionCount: count,
      outputs: collected.outputs().map(output => scrubOutput(output, scrub)),
    });
  }
  const late = outputCollector();
  const finished = await kernel.request({ type: "finish" }, timeout, late.add);
  if (late.errors() !== "") return fail(codeCells.length, late.errors());
  const cells = notebook.cells.map(cell =>
    cell.type === "code" ? (done.get(cell) ?? { ...cell, executionCount: null, outputs: [] }) : cell,
  );
  return { ok: true, notebook: { cells }, reusable: finished.type === "finished" && finished.reusable };
};
