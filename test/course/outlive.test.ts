import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { egressLab, folder, notebook, root } from "./notebooks.js";

const { startKernel } = (await import(
  new URL("../../lib/course/dist/kernel.js", import.meta.url).href
)) as typeof import("../../lib/course/kernel.js");

const runs = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** Waits for what must come; the limit is for a test that fails. */
const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let waited = 0; !holds(); waited += 50) {
    if (waited > 120_000) throw new Error(`never: ${what}`);
    await new Promise(done => setTimeout(done, 50));
  }
};

/** Starts children of every kind, writes their numbers and the kernel's, then never ends. */
const endless = (loop: string): string => `import { spawn } from "node:child_process";
import { writeFileSync, renameSync } from "node:fs";
const plain = spawn("sleep", ["1000"]);
const inheriting = spawn("sleep", ["1000"], { stdio: "inherit" });
const apart = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
const bare = spawn("/bin/sleep", ["1000"], { detached: true, stdio: "ignore", env: {} });
spawn("sh", ["-c", "(setsid sh -c 'echo $$ > orphan; sleep 1000' &) ; exit 0"], { detached: true, stdio: "ignore" });
const pids = [process.pid, plain, inheriting, apart, bare].map(one => (typeof one === "number" ? one : one.pid));
while (!require("node:fs").existsSync("orphan")) await new Promise(done => setTimeout(done, 10));
writeFileSync("part", pids.join(" "));
renameSync("part", "pids");
${loop}`;

const test = suite("a kernel and its runner");

if (process.platform === "linux") {
  const loops = {
    "an endless loop": "while (true) {}",
    "an endless wait": "await new Promise(() => undefined);",
    "a program that it waits for": `require("node:child_process").execSync("sleep 1000");`,
  };
  const signals = ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] as const;
  const cases = [
    ...signals.map(signal => [signal, "an endless loop"] as const),
    ["SIGKILL", "an endless wait"] as const,
    ["SIGKILL", "a program that it waits for"] as const,
  ];
  for (const [signal, loop] of cases)
    test(`end together after ${signal} in ${loop}, with all that cells started`, async () => {
      const cwd = folder({ "a.ipynb": notebook(endless(loops[loop])) });
      const runner = spawn(process.execPath, [join(root, "lib/bin/egress-lab.js"), "run", "a.ipynb"], {
        cwd,
        stdio: "ignore",
      });
      await until("the cell runs", () => existsSync(join(cwd, "pids")));
      const pids = `${readFileSync(join(cwd, "pids"), "utf8")} ${readFileSync(join(cwd, "orphan"), "utf8")}`
        .trim()
        .split(/\s+/)
        .map(Number);
      assert.is(pids.length, 6);
      assert.ok(pids.every(runs));
      runner.kill(signal);
      await until("all have ended", () => !pids.some(runs));
    });

  test("end together while the kernel starts", async () => {
    const cwd = folder({ "a.ipynb": notebook("1") });
    const runner = spawn(process.execPath, [join(root, "lib/bin/egress-lab.js"), "run", "a.ipynb"], {
      cwd,
      stdio: "ignore",
    });
    const kernels = () =>
      readdirSync("/proc")
        .filter(pid => /^\d+$/.test(pid) && isChildOf(Number(pid), runner.pid!))
        .map(Number);
    await until("the kernel is there", () => kernels().length > 0);
    const [kernel] = kernels();
    runner.kill("SIGKILL");
    await until("the kernel has ended", () => !runs(kernel!));
  });

  test("what a notebook leaves running ends with it, however it ends", () => {
    const leave = (then: string) =>
      notebook(`const { spawn } = require("node:child_process");
const left = spawn("sleep", ["1000"], { detached: true, stdio: "inherit" });
left.unref();
require("node:fs").writeFileSync("left", String(left.pid));
${then}`);
    const cwd = folder({
      "well.ipynb": leave("1"),
      "exit.ipynb": leave("process.exit(0)"),
      "hang.ipynb": leave("while (true) {}"),
    });
    for (const [name, code] of [
      ["well", 0],
      ["exit", 1],
      ["hang", 1],
    ] as const) {
      const ran = egressLab(cwd, "run", `${name}.ipynb`, "--timeout", "2");
      assert.is(ran.code, code, ran.stderr);
      assert.not.ok(runs(Number(readFileSync(join(cwd, "left"), "utf8"))), name);
    }
  });

  test("a start is waited for as long as it goes on, and one at a standstill is told with what the machine is doing", async () => {
    const kernels = () =>
      readdirSync("/proc")
        .filter(pid => /^\d+$/.test(pid) && isChildOf(Number(pid), process.pid))
        .map(Number);
    const before = kernels();
    const kernel = startKernel(folder(), 30);
    await until("the kernel is there", () => kernels().length > before.length);
    const pid = kernels().find(one => !before.includes(one))!;
    process.kill(pid, "SIGSTOP");
    setTimeout(() => process.kill(pid, "SIGCONT"), 1500);
    assert.is((await kernel.ready).type, "ready");
    kernel.stop();

    const stopped = startKernel(folder(), 2);
    await until("the kernel is there", () => kernels().some(one => one !== pid && !before.includes(one)));
    process.kill(
      kernels().find(one => one !== pid && !before.includes(one))!,
      "SIGSTOP",
    );
    const ended = await stopped.ready;
    assert.is(ended.type, "stalled");
    assert.match(
      ended.type === "stalled" ? ended.why : "",
      /processor time, .* in the last 2 s; this machine has \d+ processors, a load of [\d.]+ and \d+ MB of free memory: try fewer kernels at a time, -j 1/,
    );
  });
}

function isChildOf(pid: number, parent: number): boolean {
  try {
    return new RegExp(`\\) [^Z] ${parent} `).test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test.run();
