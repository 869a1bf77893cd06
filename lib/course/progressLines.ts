import { basename } from "node:path";
import type { Job, Outcome, Progress } from "./batch.js";
import type { CellFailure } from "./execute.js";

const indented = (text: string): string => text.replace(/^/gm, "    ");

/** A failed cell for a reader: where, its source, what it said. */
const failureText = (path: string, failure: CellFailure): string =>
  failure.cell === 0
    ? `FAIL  ${path}: ${failure.message}`
    : `FAIL  ${path}, cell ${failure.cell}:\n${indented(failure.source.trimEnd())}\n\n${indented(failure.message)}`;

/** One line that keeps up with the cells on a terminal, one line per notebook elsewhere. */
export const progressTo = (stream: NodeJS.WriteStream, total: number): Progress => {
  const active = new Map<Job, string>();
  let done = 0;
  const live = stream.isTTY === true;
  const clear = () => live && stream.write("\r\x1b[K");
  const redraw = () => {
    if (!live) return;
    const line = `${done}/${total}  ${[...active].map(([job, at]) => `${basename(job.path)} ${at}`).join("   ")}`;
    stream.write(`\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  return {
    cell(job, cell, of) {
      active.set(job, `cell ${cell}/${of}`);
      redraw();
    },
    done(outcome: Outcome) {
      active.delete(outcome.job);
      done++;
      clear();
      if (outcome.ok && outcome.kept !== undefined)
        stream.write(`kept  ${outcome.job.path}, as it is in the file: ${outcome.kept}\n`);
      else if (outcome.ok) stream.write(`ok    ${outcome.job.path} (${outcome.seconds.toFixed(1)} s)\n`);
      else stream.write(`${failureText(outcome.job.path, outcome.failure)}\n`);
      redraw();
      if (done === total) clear();
    },
  };
};
