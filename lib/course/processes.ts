import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

/** The variable by which a kernel's descendants are known: they inherit it, whoever their parent has become. */
export const markVariable = "EGRESS_LAB_KERNEL";

interface Listed {
  readonly pid: number;
  readonly parent: number;
  /** Whether it descends from the kernel that is asked for, by its environment. */
  readonly marked: boolean;
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // it has ended, or is another user's
  }
};

const listLinux = (mark: string): readonly Listed[] =>
  readdirSync("/proc").flatMap(name => {
    if (!/^\d+$/.test(name)) return [];
    // The program's name stands in brackets and may hold anything: state and parent follow the last one.
    const [, state, parent] = /\) (\S) (\d+) [^)]*$/.exec(textOf(`/proc/${name}/stat`)) ?? [];
    if (state === undefined || state === "Z" || state === "X") return [];
    const marked = `\0${textOf(`/proc/${name}/environ`)}`.includes(`\0${markVariable}=${mark}\0`);
    return [{ pid: Number(name), parent: Number(parent), marked }];
  });

/** Elsewhere environments are not to be had in one way, parents are. */
const listPosix = (): readonly Listed[] =>
  [...spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "latin1" }).stdout.matchAll(/^ *(\d+) +(\d+)/gm)].map(
    ([, pid, parent]) => ({ pid: Number(pid), parent: Number(parent), marked: false }),
  );

/** A kernel and what descends from it, by parents and by the mark. */
const familyOf = (mark: string, root: number | undefined): readonly number[] => {
  const all = process.platform === "linux" ? listLinux(mark) : listPosix();
  const children = new Map<number, number[]>();
  for (const { pid, parent } of all) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  const family = new Set(all.filter(({ pid, marked }) => marked || pid === root).map(({ pid }) => pid));
  for (const pid of family) for (const child of children.get(pid) ?? []) family.add(child);
  return [...family];
};

const kill = (pid: number): boolean => {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false; // it has ended, or is another user's
  }
};

/**
 * Ends a kernel and every process that it or its cells started, those that left its group or lost their parents too.
 * Called in the kernel's own process it leaves that one alone.
 * @param mark the kernel's value of {@link markVariable}
 * @param root the kernel's process while it runs: once it has ended its number may be another's
 */
export const endFamily = (mark: string, root: number | undefined): void => {
  if (process.platform === "win32") {
    if (root !== undefined) spawnSync("taskkill", ["/PID", String(root), "/T", "/F"], { stdio: "ignore" });
    return;
  }
  // What was started while the list was read is in the next one.
  for (let rounds = 0; rounds < 1000; rounds++) {
    const killed = familyOf(mark, root)
      .filter(pid => pid !== process.pid)
      .filter(kill);
    if (killed.length === 0) return;
  }
};
