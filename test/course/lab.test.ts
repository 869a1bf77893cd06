import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasTool } from "../tools.js";
import { egressLab, folder, notebook, root } from "./notebooks.js";

const cli = join(root, "lib/bin/egress-lab.js");
const lab = suite("egress-lab lab");

lab("says what to install where there is no Jupyter", () => {
  const { status, stderr } = spawnSync(process.execPath, [cli, "lab", folder()], {
    cwd: root,
    env: { ...process.env, PATH: "" },
    encoding: "utf8",
  });
  assert.is(stderr, "Jupyter is not installed: apt-get install jupyter-notebook, or pipx install jupyterlab\n");
  assert.is(status, 1);
});

lab("refuses a folder that is none in one line", () => {
  const { code, stderr } = egressLab(root, "lab", "nosuchfolder");
  assert.is(stderr, 'lab: "nosuchfolder" is no folder; expected a folder of notebooks\n');
  assert.is(code, 2);
});

/** Waits for a line of a growing text. */
const awaitMatch = async (text: () => string, pattern: RegExp): Promise<string> => {
  for (let waited = 0; waited < 60_000; waited += 100) {
    const match = pattern.exec(text());
    if (match !== null) return match[1]!;
    await new Promise(done => setTimeout(done, 100));
  }
  throw new Error(`nothing matches ${pattern} in:\n${text()}`);
};

if (hasTool("jupyter-notebook", "apt-get install jupyter-notebook"))
  lab("serves the folder with this checkout's kernel", async () => {
    const cwd = folder({ "a.ipynb": notebook("1") });
    const jupyter = spawn(process.execPath, [cli, "lab", cwd, "--", "--no-browser", "--allow-root", "--port=18888"], {
      cwd: root,
      detached: true,
    });
    let output = "";
    for (const stream of [jupyter.stdout, jupyter.stderr]) stream.on("data", chunk => (output += chunk));
    try {
      const [url, token] = (await awaitMatch(() => output, /(http:\/\/localhost:\d+\/\?token=\w+)/)).split("?") as [
        string,
        string,
      ];
      const get = async (path: string) => (await fetch(`${url}api/${path}?${token}`)).json() as Promise<unknown>;
      const specs = (await get("kernelspecs")) as {
        readonly kernelspecs: { readonly tslab?: { readonly spec: { readonly argv: readonly string[] } } };
      };
      assert.is(specs.kernelspecs.tslab?.spec.argv[1], join(root, "node_modules/tslab/bin/tslab"));
      const contents = (await get("contents")) as { readonly content: readonly { readonly name: string }[] };
      assert.equal(
        contents.content.map(file => file.name),
        ["a.ipynb"],
      );
    } finally {
      process.kill(-jupyter.pid!, "SIGKILL");
    }
  });

lab.run();
