import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { portsFor } from "../../lib/snat/erlang.js";
import type { PoolSpec } from "../../lib/snat/pool.js";
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

const speed = async (
  action: () => Promise<{ readonly events: number }> | { readonly events: number },
): Promise<number> => {
  let events = 0;
  const milliseconds = await timed(async () => ({ events } = await action()));
  return events / milliseconds / 1000;
};

const peers = fileURLToPath(new URL("peers/", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "snat-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

/** A peer prints events, seconds and failures. */
const program = (name: string, command: string, args: readonly string[]): Contender => ({
  name,
  run(seed) {
    const [events, seconds] = execFileSync(command, [...args, `${seed}`], { encoding: "utf8" })
      .trim()
      .split(" ")
      .map(Number);
    return events! / seconds! / 1e6;
  },
});

const compiled = (
  name: string,
  file: string,
  flags: readonly string[],
  packages: string,
  args: readonly string[],
): Contender | undefined => {
  const out = join(scratch, file.replace(".cc", ""));
  const compiling = spawnSync("g++", ["-O3", "-std=c++17", peers + file, "-o", out, ...flags], { encoding: "utf8" });
  if (compiling.status === 0) return program(name, out, args);
  console.error(`skipped: ${name} cannot be compiled; to compare with it: apt-get install ${packages}`);
  return undefined;
};

const ours = (name: string, ...args: readonly string[]): Contender =>
  program(name, process.execPath, [`${peers}ours.mjs`, ...args]);

const simpy = (name: string, variant: string, arrivals: number): Contender | undefined => {
  if (spawnSync("/usr/bin/python3", ["-c", "import simpy"]).status === 0)
    return program(name, "/usr/bin/python3", [`${peers}simpy_pool.py`, variant, `${arrivals}`, `${ports}`, `${ports}`]);
  console.error(`skipped: ${name} is missing; to compare with it: apt-get install python3-simpy3`);
  return undefined;
};

const ns3 = compiled("ns-3", "ns3_pool.cc", ["-lns3-core"], "g++ libns3-dev", [
  "MapScheduler",
  "1500000",
  `${ports}`,
  `${ports}`,
]);

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
  const own = ours("ours", "pool", "30000000");
  const rivals: readonly (readonly [Contender | undefined, number?])[] = [
    [{ name: "plain heap", run: seed => speed(() => plainPool(pool(2_000_000, seed))) }],
    [simpy("SimPy, callbacks", "callback", 100_000), 60],
    [simpy("SimPy, processes", "process", 50_000)],
    [simpy("SimPy, Resource", "resource", 50_000)],
    [ns3, 12],
    [
      compiled("C++ count wheel", "limit_pool.cc", ["-march=native"], "g++", ["30000000", `${ports}`, `${ports}`]),
      0.55,
    ],
  ];
  const speeds = await contest([own, ...rivals.flatMap(([rival]) => rival ?? [])]);
  return rivals.flatMap(([rival, atLeast]) =>
    rival === undefined
      ? []
      : paired("one pool, 30 M arrivals", speeds.get("ours")!, rival.name, speeds.get(rival.name)!, atLeast),
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
