import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { KernelProcess } from "../../lib/course/kernel.js";
import { type CodeCell, parseNotebook } from "../../lib/course/nbformat.js";
import { type Bench, type Figure, median, timed } from "./bench.js";
import { course } from "./course.js";

const repeats = 5;

/** The kernel process is compiled code: it is started from there. */
const kernels = () =>
  import(new URL("../../lib/course/dist/kernel.js", import.meta.url).href) as Promise<
    typeof import("../../lib/course/kernel.js")
  >;

const execute = async (kernel: KernelProcess, code: string): Promise<void> => {
  const ended = await kernel.request({ type: "execute", code }, 120);
  if (ended.type !== "reply" || !ended.ok) throw new Error(`a cell failed:\n${code}`);
};

const isChart = (cell: CodeCell): boolean =>
  cell.outputs.some(
    output => output.output_type === "display_data" && Object.keys(output.data).some(type => type.includes("vega")),
  );

/** Executes a notebook, then each cell again and again with another last line, as an edit would have it. */
const measure = async (kernel: KernelProcess, path: string): Promise<readonly Figure[]> => {
  const cells = parseNotebook(readFileSync(path, "utf8"), path).cells.filter(
    (cell): cell is CodeCell => cell.type === "code" && cell.source.trim() !== "",
  );
  await kernel.ready;
  for (const cell of cells) await execute(kernel, cell.source);
  const firstChart = cells.findIndex(isChart);
  const times: { readonly cell: number; readonly ms: number }[] = [];
  for (const [i, cell] of cells.entries()) {
    if (i === firstChart) continue;
    const runs: number[] = [];
    for (let edit = 0; edit < repeats; edit++)
      runs.push(await timed(() => execute(kernel, `${cell.source}\n// ${edit}`)));
    times.push({ cell: i + 1, ms: median(runs) });
  }
  const slowest = times.reduce((a, b) => (b.ms > a.ms ? b : a));
  const over = times.filter(({ ms }) => ms > 100).map(({ cell, ms }) => `[${cell}] ${ms.toFixed(0)}`);
  if (over.length > 1) console.error(`${basename(path)}: ${over.join(", ")} ms`);
  return [
    {
      what: `${basename(path)}, slowest of ${times.length}: [${slowest.cell}]`,
      value: slowest.ms,
      unit: "ms",
      target: { of: "value", atMost: 100 },
    },
  ];
};

/** Booting a kernel's namespaces takes the time that the kernel takes. */
const runsOnTheModel = (path: string): boolean =>
  !parseNotebook(readFileSync(path, "utf8"), path).cells.some(({ tags }) => tags.includes("needs-linux"));

export const bench: Bench = {
  title: `an edited cell run again in a warm kernel, medians of ${repeats}; without first charts, and without the Linux engine`,
  async run() {
    const { startKernel } = await kernels();
    const figures: Figure[] = [];
    for (const path of course().filter(runsOnTheModel)) {
      const kernel = startKernel(dirname(path));
      try {
        figures.push(...(await measure(kernel, path)));
      } finally {
        kernel.stop();
      }
    }
    return figures;
  },
};
