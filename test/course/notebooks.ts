import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A code cell by its text alone, or a cell with tags or of another kind. */
export type CellSource =
  string | { readonly source: string; readonly tags?: readonly string[]; readonly type?: "markdown" };

/** A notebook as a person might have typed it: no ids, no outputs, no execution counts. */
export const notebook = (...cells: readonly CellSource[]): string =>
  JSON.stringify({
    cells: cells.map(cell => {
      const { source, tags = [], type = "code" } = typeof cell === "string" ? { source: cell } : cell;
      return {
        cell_type: type,
        metadata: { tags },
        source,
        ...(type === "code" ? { execution_count: null, outputs: [] } : {}),
      };
    }),
    metadata: { kernelspec: { name: "tslab", display_name: "TypeScript", language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  });

export const parameters = (source: string): CellSource => ({ source, tags: ["parameters"] });

const folders: string[] = [];
process.on("exit", () => folders.forEach(path => rmSync(path, { recursive: true, force: true })));

/** A folder from which the library can be imported, gone when the test's process ends. */
export const folder = (files: Readonly<Record<string, string>> = {}): string => {
  const path = mkdtempSync(join(root, "test/course/tmp-"));
  folders.push(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
};

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line in a folder. */
export const egressLab = (cwd: string, ...args: readonly string[]): Ran => egressLabIn(process.env, cwd, ...args);

/** The same with an environment of its own. */
export const egressLabIn = (env: NodeJS.ProcessEnv, cwd: string, ...args: readonly string[]): Ran => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "lib/bin/egress-lab.js"), ...args], {
    cwd,
    env,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
};
