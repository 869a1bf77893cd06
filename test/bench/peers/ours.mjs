/*
 * The simulator as its users run it: built, by node alone. A loader that turns TypeScript into JavaScript on the way may turn
 * constants into variables, and compiled code is the slower for it.
 *
 *   node ours.mjs pool WARM_UP ARRIVALS SEED            one pool of 1,024 ports offered 1,024 erlangs
 *   node ours.mjs cluster SECONDS THREADS SEED [NODES]  50 nodes or as many as said, each with 30 pods, 16 destinations and
 *                                                       1,024 ports, 97 % of them used; 0 threads: none but that of the program
 *
 * Warms up, then prints events (arrivals and departures) and seconds; of one pool also failures.
 */
import { evenWorkload, loadBalancerRules, simulate, simulatePool, workerThreads } from "../../../lib/dist/index.js";

const [what, ...args] = process.argv.slice(2);
const numbers = args.map(Number);
const ports = 1024;

const pool = (arrivals, seed) =>
  simulatePool({
    ports,
    load: ports,
    hold: { duration: { kind: "exponential", mean: 0.5 }, after: 0.5 },
    arrivals,
    seed,
  });

const podsPerNode = 30;
const destinations = 16;
const mean = 15;
const api = {
  name: "api",
  rate: (0.97 * ports * destinations) / (mean + 240) / podsPerNode,
  to: { name: "api", count: destinations, port: 443, protocol: "tcp" },
  duration: { kind: "exponential", mean },
};
const cluster = (seconds, threads, seed, nodes = 50) =>
  simulate(
    evenWorkload({ nodes, podsPerNode, streams: [api] }),
    loadBalancerRules({ nodes, allocatedOutboundPorts: ports, outboundIps: Math.ceil((nodes * ports) / 64_000) }),
    { seconds, warmUp: 0, seed, ...(threads > 0 ? { workers: workerThreads(threads) } : {}) },
  );

const secondsSince = start => (performance.now() - start) / 1000;
if (what === "pool") {
  const [warmUp, arrivals, seed] = numbers;
  await pool(warmUp, seed);
  const start = performance.now();
  const { events, failures } = await pool(arrivals, seed);
  console.log(events, secondsSince(start), failures);
} else {
  await cluster(600, ...numbers.slice(1));
  const start = performance.now();
  const { events } = await cluster(...numbers);
  console.log(events, secondsSince(start));
}
