import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { erlangB, portsFor } from "../../lib/snat/erlang.js";
import type { PoolSpec } from "../../lib/snat/portPool.js";
import { plainPool } from "../snat/reference.js";
import { type Bench, collectGarbage, type Figure, median, timed } from "./bench.js";

/** Something that runs one pool of 1,024 ports offered 1,024 erlangs, and tells how many million events a second it simulated. */
interface Contender {
  readonly name: string;
  run(seed: number): Promise<number> | number;
}

const rounds = 5;
const ports = 1024;
const pool = (arrivals: number, seed: number): PoolSpec => ({
  ports,
  load: ports,
  hold: { duration: { kind: "exponential", mean: 0.5 }, after: 0.5 },
  arrivals,
  seed,
});

const peers = fileURLToPath(new URL("peers/", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "snat-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

/** What every contender of one pool simulates: arrivals to warm up with, then those that are timed. */
const warmUp = 2_000_000;
const arrivals = 4_000_000;
/** Each arrival and each departure is an event, and of so many arrivals so many find no port: who did less did not do the work. */
const lost = erlangB(ports, ports);
const checkPool = (name: string, events: number, failures: number): void => {
  const near = (value: number, expected: number, share: number) => Math.abs(value / expected - 1) <= share;
  // Ours counts the 10 mean holds by which it starts.
  if (!near(events, 2 * arrivals - failures, 0.005) || !near(failures, arrivals * lost, 0.05))
    throw new Error(
      `${name}: ${events} events and ${failures} failures are not ${arrivals} arrivals at ${ports} ports`,
    );
};

/** A peer prints events, seconds and, of one pool, failures. */
const program = (name: string, command: string, args: readonly string[]): Contender => ({
  name,
  run(seed) {
    const out = execFileSync(command, [...args, `${seed}`], { encoding: "utf8" });
    const [events, seconds, failures] = out.trim().split(" ").map(Number);
    if (failures !== undefined) checkPool(name, events!, failures);
    return events! / seconds! / 1e6;
  },
});

const poolArgs = [`${warmUp}`, `${arrivals}`, `${ports}`, `${ports}`];

const compiled = (
  name: string,
  file: string,
  flags: readonly string[],
  packages: string,
  ...args: readonly string[]
): Contender | undefined => {
  const out = join(scratch, file.replace(".cc", ""));
  const compiling = spawnSync("g++", ["-O3", "-std=c++17", peers + file, "-o", out, ...flags], { encoding: "utf8" });
  if (compiling.status === 0) return program(name, out, [...args, ...poolArgs]);
  console.error(`skipped: ${name} cannot be compiled; to compare with it: apt-get install ${packages}`);
  return undefined;
};

const ours = (name: string, ...args: readonly string[]): Contender =>
  program(name, process.execPath, [`${peers}ours.mjs`, ...args]);

const simpy = (): Contender | undefined => {
  if (spawnSync("/usr/bin/python3", ["-c", "import simpy"]).status === 0)
    return program("SimPy", "/usr/bin/python3", [`${peers}simpy_pool.py`, ...poolArgs]);
  console.error("skipped: SimPy is missing; to compare with it: apt-get install python3-simpy3");
  return undefined;
};

/** With the fastest of its schedulers. */
const ns3 = compiled("ns-3", "ns3_pool.cc", ["-lns3-core"], "g++ libns3-dev", "PriorityQueueScheduler");

/** A binary heap of departures in TypeScript, the plainest way, in this process. */
const plainHeap: Contender = {
  name: "plain heap",
  run(seed) {
    plainPool(pool(warmUp, seed));
    const start = performance.now();
    const { events, failures } = plainPool(pool(arrivals, seed));
    const seconds = (performance.now() - start) / 1000;
    checkPool("plain heap", events, failures);
    return events / seconds / 1e6;
  },
};

/** Every contender once a round, in turn, so that what slows the machine slows them all; then the middle of each one's rounds. */
const contest = async (contenders: readonly Contender[]): Promise<ReadonlyMap<string, readonly number[]>> => {
  const speeds = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run } of contenders) {
      collectGarbage();
      speeds.get(name)!.push(await run(round));
    }
  }
  return speeds;
};

/** The median of the ratios of paired runs: the baseline is scaled so that the ratio shown is that one. */
const paired = (
  what: string,
  ours: readonly number[],
  name: string,
  theirs: readonly number[],
  atLeast?: number,
): Figure => {
  const value = median(ours);
  const ratio = median(ours.map((each, round) => each / theirs[round]!));
  return {
    what,
    value,
    unit: "M events/s",
    baseline: { what: name, value: value / ratio },
    ...(atLeast === undefined ? {} : { target: { of: "ratio", atLeast } }),
  };
};

const onePool = async (): Promise<readonly Figure[]> => {
  const own = ours("ours", "pool", `${warmUp}`, `${arrivals}`);
  const rivals: readonly (readonly [Contender | undefined, number?])[] = [
    [plainHeap],
    [simpy(), 60],
    [ns3, 12],
    [compiled("C++ count wheel", "limit_pool.cc", ["-march=native"], "g++"), 0.6],
  ];
  const speeds = await contest([own, ...rivals.flatMap(([rival]) => rival ?? [])]);
  return rivals.flatMap(([rival, atLeast]) =>
    rival === undefined
      ? []
      : paired("one pool, 4 M arrivals each", speeds.get("ours")!, rival.name, speeds.get(rival.name)!, atLeast),
  );
};

const clusters = async (): Promise<readonly Figure[]> => {
  const seconds = "7200";
  const what = "cluster, 50 nodes x 16 destinations";
  const one = ours("one core", "cluster", seconds, "0");
  const beside = ns3 === undefined ? [] : [ns3];
  const first = await contest([one, ...beside]);
  const threads = (count: number): Contender => ours(`${count} workers`, "cluster", seconds, `${count}`);
  const second = await contest([threads(1), threads(2)]);
  return [
    ...beside.map(({ name }) => paired(what, first.get("one core")!, `${name}, one pool`, first.get(name)!, 5)),
    paired(`${what}, two workers`, second.get("2 workers")!, "one worker", second.get("1 workers")!, 1.6),
  ];
};

const closedForm = async (): Promise<Figure> => {
  const times: number[] = [];
  for (let i = 0; i < 21; i++) times.push(await timed(() => portsFor(1_000_000 + i, 1e-6)));
  return {
    what: "ports for a target, 16 x 64,512",
    value: median(times),
    unit: "ms",
    target: { of: "value", atMost: 10 },
  };
};

export const bench: Bench = {
  title: `simulated SNAT ports; medians of ${rounds} paired runs`,
  run: async () => [...(await onePool()), ...(await clusters()), await closedForm()],
};
