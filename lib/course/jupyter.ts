import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { refuse } from "egress-lab/input";
import { writeWhole } from "./files.js";

/** A folder ignored by git: the kernel's registration belongs to this checkout, not to the user's Jupyter. */
const dataFolder = (root: string): string => join(root, "node_modules", ".cache", "egress-lab", "jupyter");

/** The kernel as Jupyter wants it described: this Node runs this checkout's tslab. */
const kernelspec = (): object => {
  const tslab = join(dirname(createRequire(import.meta.url).resolve("tslab/package.json")), "bin", "tslab");
  return {
    argv: [process.execPath, tslab, "kernel", "--config-path", "{connection_file}"],
    display_name: "TypeScript",
    language: "typescript",
  };
};

/**
 * Registers the tslab kernel of this checkout in a folder of its own.
 * @returns the environment in which Jupyter finds it
 */
export const registerKernel = (root: string): NodeJS.ProcessEnv => {
  const folder = resolve(dataFolder(root));
  writeWhole(join(folder, "kernels", "tslab", "kernel.json"), `${JSON.stringify(kernelspec(), null, 1)}\n`);
  const path = [folder, process.env["JUPYTER_PATH"]].filter(part => part !== undefined && part !== "").join(delimiter);
  return { ...process.env, JUPYTER_PATH: path };
};

/** Jupyter's programs for the browser, the newer first. */
const frontEnds = ["lab", "notebook"] as const;

/** Starts Jupyter on a folder of notebooks until it is stopped. Returns its exit code, or 1 where there is no Jupyter. */
export const lab = async (folder: string, jupyterArguments: readonly string[]): Promise<number> => {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    refuse("lab", folder, "is no folder", "a folder of notebooks");
  const asked = frontEnds.map(name => ({ name, ...spawnSync("jupyter", [name, "--version"], { stdio: "ignore" }) }));
  const found = asked.find(({ status }) => status === 0)?.name;
  const failed = asked
    .map(({ error }) => error as NodeJS.ErrnoException | undefined)
    .find(error => error !== undefined && error.code !== "ENOENT");
  if (found === undefined) {
    console.error(
      failed === undefined
        ? "Jupyter is not installed: apt-get install jupyter-notebook, or pipx install jupyterlab"
        : `Jupyter could not be started: ${failed.message}`,
    );
    return 1;
  }
  const child = spawn("jupyter", [found, ...jupyterArguments], {
    cwd: folder,
    env: registerKernel(process.cwd()),
    stdio: "inherit",
  });
  // Jupyter asks on Ctrl-C whether to stop; this process waits for its answer. What else ends this process ends Jupyter.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise(done => child.on("close", code => done(code ?? 1)));
};
