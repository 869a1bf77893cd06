/*
 * The simulator as its users run it: built, by node alone. A loader that turns TypeScript into JavaScript on the way may turn
 * constants into variables, and compiled code is the slower for it.
 *
 *   node ours.mjs pool ARRIVALS SEED            one pool of 1,024 ports offered 1,024 erlangs
 *   node ours.mjs cluster SECONDS THREADS SEED  50 nodes with 30 pods, 16 destinations, 1,024 ports a node, 97 % of them used;
 *                                               0 threads: none but that of the program
 *
 * Warms up, then prints events (arrivals and departures) and seconds.
 */
import { evenWorkload, loadBalancerRules, simulate, simulatePool, workerThreads } from "../../../lib/dist/index.js";

const [what, ...args] = process.argv.slice(2);
const numbers = args.map(Number);
const size = numbers.at(0);
const seed = numbers.at(-1);
const threads = numbers.at(-2);
const ports = 1024;

const pool = arrivals =>
  simulatePool({
    ports,
    load: ports,
    hold: { duration: { kind: "exponential", mean: 0.5 }, after: 0.5 },
    arrivals,
    seed,
  });

const nodes = 50;
const podsPerNode = 30;
const destinations = 16;
const mean = 15;
const workload = evenWorkload({
  nodes,
  podsPerNode,
  streams: [
    {
      name: "api",
      rate: (0.97 * ports * destinations) / (mean + 240) / podsPerNode,
      to: { name: "api", count: destinations, port: 443, protocol: "tcp" },
      duration: { kind: "exponential", mean },
    },
  ],
});
const cluster = seconds =>
  simulate(workload, loadBalancerRules({ nodes }), {
    seconds,
    warmUp: 0,
    seed,
    ...(threads > 0 ? { workers: workerThreads(threads) } : {}),
  });

const run = what === "pool" ? pool : cluster;
await run(what === "pool" ? 2_000_000 : 600);
const start = performance.now();
const { events } = await run(size);
console.log(events, (performance.now() - start) / 1000);
