import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerKernel } from "../../lib/course/jupyter.js";
import { hasTool } from "../tools.js";
import { type Bench, type Figure, median, timed } from "./bench.js";
import { course, root } from "./course.js";

const pairs = 3;

const ok = ({ status, stderr }: SpawnSyncReturns<string>): void => {
  if (status !== 0) throw new Error(stderr);
};

/** Wall times of the same notebooks, ours and Jupyter's in turn, so that both meet the same machine. */
const measure = async (notebooks: readonly string[], out: string): Promise<readonly Figure[]> => {
  const env = registerKernel(root);
  const ours: number[] = [];
  const jupyters: number[] = [];
  for (let i = 0; i < pairs; i++) {
    ours.push(
      await timed(() =>
        ok(
          spawnSync(
            process.execPath,
            [join(root, "lib/bin/egress-lab.js"), "run", ...notebooks, "--out", join(out, "ours")],
            { cwd: root, encoding: "utf8" },
          ),
        ),
      ),
    );
    jupyters.push(
      await timed(() =>
        ok(
          spawnSync(
            "jupyter",
            ["nbconvert", "--to", "notebook", "--execute", "--output-dir", join(out, "jupyter"), ...notebooks],
            { cwd: root, env, encoding: "utf8" },
          ),
        ),
      ),
    );
  }
  const ratio = median(ours.map((time, i) => time / jupyters[i]!));
  const value = median(ours) / 1000;
  return [
    {
      what: `${notebooks.length} notebooks`,
      value,
      unit: "s",
      baseline: { what: "nbconvert", value: median(jupyters) / 1000 },
    },
    { what: "median of paired ratios", value: ratio, unit: "", target: { of: "value", atMost: 0.5 } },
  ];
};

export const bench: Bench = {
  title: `wall time of the book's notebooks, our runner and Jupyter nbconvert with tslab in turn, medians of ${pairs} pairs`,
  async run() {
    if (!hasTool("jupyter-nbconvert", "apt-get install jupyter-nbconvert python3-nbclient")) return [];
    const out = mkdtempSync(join(tmpdir(), "egress-lab-bench-"));
    try {
      return await measure(course(), out);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  },
};
