import { listOf, wholeNumber, within } from "../checks.js";
import { figures } from "../figures.js";
import { oneOf } from "../shape.js";

/** The largest pool there is: every address of a NAT gateway. */
export const portsAtMost = figures.natGateway.addresses.value.most * figures.natGateway.portsPerAddress.value;
/** Beyond any cluster, and far from where numbers end. */
const loadAtMost = 1e15;

const checkLoad = (load: number): void => within("load", load, load >= 0 && load <= loadAtMost, "erlangs, 0 or more");
const checkPorts = (ports: number, least = 0): number =>
  wholeNumber("ports", ports, { least, most: portsAtMost }, "ports");
const checkProbability = (where: string, value: number): void =>
  within(where, value, value > 0 && value < 1, "a probability above 0 and below 1");

/**
 * Where the recursion may start. It forgets its start: while k is below the load, an error shrinks by a factor of
 * about k / load at each step, so fourteen square roots of the load take it below 1e-40.
 */
const startOf = (load: number, ports: number): number =>
  Math.max(0, Math.floor(Math.min(load, ports) - 14 * Math.sqrt(load)));

/** Steps B(k) = load B(k-1) / (k + load B(k-1)) from a start with B = 1 up to `ports`, or until `until` says stop. */
const recurse = (
  load: number,
  ports: number,
  until: (blocked: number) => boolean,
): { readonly k: number; readonly blocked: number } => {
  let k = startOf(load, ports);
  let blocked = 1;
  while (k < ports && blocked > 0 && !until(blocked)) {
    k++;
    blocked = (load * blocked) / (k + load * blocked);
  }
  return { k, blocked: k < ports && blocked === 0 ? 0 : blocked };
};

/**
 * Erlang's B formula: the probability that a connection finds no free port.
 *
 *     B(A, c) = (A^c / c!) / (1 + A + A^2/2! + ... + A^c / c!)
 *
 * Exact when connections arrive at random (Poisson), ports serve one connection each at a time and nobody waits,
 * for any law of hold times: only their mean counts, as A = arrivals per second x mean hold.
 * Computed by the recursion B(A, k) = A B(A, k-1) / (k + A B(A, k-1)), which cannot overflow;
 * results below 1e-308 are 0.
 * @param load A, erlangs, 0 or more, to 1e15
 * @param ports c, 0 to 16 x 64,512
 * @throws InputError out of these ranges
 */
export const erlangB = (load: number, ports: number): number => {
  checkLoad(load);
  checkPorts(ports);
  return blocking(load, ports);
};

const blocking = (load: number, ports: number): number =>
  load === 0 ? (ports === 0 ? 1 : 0) : recurse(load, ports, () => false).blocked;

/**
 * A (1 - B(A, c)), the mean connections that ports carry, as A c / (c + A B(A, c-1)): the first form is a small difference of
 * large numbers where nearly all fail.
 */
const carriedBy = (load: number, ports: number): number =>
  ports === 0 || load === 0 ? 0 : (load * ports) / (ports + load * blocking(load, ports - 1));

/**
 * The fewest ports with which at most `target` of the connections fail: the inverse of {@link erlangB} in c.
 * Undefined when even 16 x 64,512 are too few.
 * @param load erlangs
 * @param target a probability above 0 and below 1
 */
export const portsFor = (load: number, target: number): number | undefined => {
  checkLoad(load);
  checkProbability("target", target);
  if (load === 0) return 1;
  const first = startOf(load, portsAtMost);
  // A pool that may fail often can be smaller than where the recursion starts for a rare failure.
  const from = first > 0 && blocking(load, first) <= target ? 0 : first;
  let blocked = from === 0 ? 1 : blocking(load, from);
  for (let k = from; k <= portsAtMost;) {
    if (blocked <= target) return k;
    k++;
    blocked = (load * blocked) / (k + load * blocked);
  }
  return undefined;
};

/**
 * The load in erlangs that `ports` can carry while at most `target` of the connections fail:
 * the inverse of {@link erlangB} in A, to 12 digits.
 * Newton's method, with dB/dA = B (c/A - 1 + B), kept inside a bracket that is halved when a step leaves it.
 * @param ports 1 to 16 x 64,512
 * @param target a probability above 0 and below 1
 */
export const loadFor = (ports: number, target: number): number => {
  checkPorts(ports, 1);
  checkProbability("target", target);
  let low = 0;
  let high = Math.min(ports / (1 - target) + 1, loadAtMost); // the carried load A (1 - B) is below c
  let load = Math.min(ports, high);
  for (let step = 0; step < 200 && high - low > 1e-13 * high; step++) {
    const blocked = blocking(load, ports);
    if (blocked > target) high = load;
    else low = load;
    // In logarithms the curve is nearly straight, so the step is good far from the root too; where B has run out of digits, halve.
    const slope = ports / load - 1 + blocked;
    const next = blocked > 1e-290 ? load - Math.log(blocked / target) / slope : Infinity;
    if (Math.abs(next - load) <= 1e-13 * load) return next;
    load = next > low && next < high ? next : (low + high) / 2;
  }
  return load;
};

/** The number of ports in use at a random moment. */
export interface Occupancy {
  /** A (1 - B), at most c. */
  readonly mean: number;
  /** m - A B (c - m) for the mean m, never below 0. */
  readonly variance: number;
  /** probability[k] that k ports are in use, k from 0 to c: Poisson, cut at c. */
  readonly probability: Float64Array;
  /** The least k such that at most k ports are in use for at least `share` of the time, `share` 0-1. */
  quantile(share: number): number;
}

/**
 * How many ports are in use at a random moment, under the conditions of {@link erlangB} and as exactly:
 * p(k) = (A^k / k!) / (1 + A + ... + A^c / c!). Also what an arriving connection finds, as arrivals are Poisson.
 */
export const occupancy = (load: number, ports: number): Occupancy => {
  checkLoad(load);
  checkPorts(ports);
  const probability = new Float64Array(ports + 1);
  const mode = Math.min(ports, Math.floor(load));
  probability[mode] = 1;
  let sum = 1;
  for (let k = mode; k < ports && probability[k]! > 1e-300; k++)
    sum += probability[k + 1] = (probability[k]! * load) / (k + 1);
  for (let k = mode; k > 0 && probability[k]! > 1e-300; k--) sum += probability[k - 1] = (probability[k]! * k) / load;
  // Moments about the mode: by their formulas they would be small differences of large numbers where nearly every port is in use.
  let shift = 0;
  for (let k = 0; k <= ports; k++) shift += (probability[k]! /= sum) * (k - mode);
  let variance = 0;
  for (let k = 0; k <= ports; k++) variance += probability[k]! * (k - mode - shift) ** 2;
  return {
    mean: mode + shift,
    variance,
    probability,
    quantile(share) {
      within("share", share, share >= 0 && share <= 1, "0 to 1");
      let below = 0;
      for (let k = 0; k < ports; k++) {
        below += probability[k]!;
        if (below >= share) return k;
      }
      return ports;
    },
  };
};

const checkChoice = (choice: PortChoice): void => {
  oneOf("choice of ports", "lowest", "random")(choice, "choice");
};

/** How many, on average: the fewest and the most, by which ports are taken away. */
export interface MappingsLost {
  readonly least: number;
  readonly most: number;
}

/**
 * Mappings (ports held towards one destination) that a pool loses on average when it falls from `before` ports to `after`.
 * Where the lowest free port is taken first, the first k ports see every arrival before the others do and carry A (1 - B(k, A)),
 * those above them what is left of A (1 - B(c, A)): the fewest are lost when the lowest ports stay, the most when the highest do.
 * With random ports the share of the ports is the share of the mappings. Holds for any law of hold times and connections that arrive
 * at random at a steady rate.
 * @param load erlangs towards the destination
 * @param before 0 to 16 x 64,512
 * @param after 0 to `before`; with more nothing is lost
 * @param perDestination mappings that the destination may have at a time. Default: as many as there are ports
 */
export const mappingsLost = (
  load: number,
  before: number,
  after: number,
  choice: PortChoice = "lowest",
  perDestination = before,
): MappingsLost => {
  checkLoad(load);
  checkPorts(before);
  checkPorts(after);
  checkChoice(choice);
  checkPorts(perDestination);
  const carried = (ports: number): number => carriedBy(load, Math.min(ports, perDestination));
  if (after >= before) return { least: 0, most: 0 };
  const all = carried(before);
  if (choice === "random") return { least: all * (1 - after / before), most: all * (1 - after / before) };
  return { least: all - carried(after), most: carried(before - after) };
};

/**
 * A number of ports that is exceeded within an interval with a probability of at most `chance`: an upper bound, not an estimate.
 * More than k are in use at some moment only if they are at the start, or if a connection arrives while exactly k are;
 * the bound adds P(N > k) and the expected number of such arrivals, (arrivals in the interval) x p(k). Holds for any law of hold times.
 * @param arrivals connections that arrive in the interval on average: rate x seconds
 */
export const peakInUse = (load: number, ports: number, arrivals: number, chance = 0.01): number => {
  within("arrivals", arrivals, arrivals >= 0 && arrivals < Infinity, "0 or more");
  checkProbability("chance", chance);
  const { probability } = occupancy(load, ports);
  let above = 0;
  let peak = ports;
  for (let k = ports - 1; k >= 0; k--) {
    above += probability[k + 1]!;
    if (above + arrivals * probability[k]! > chance) break;
    peak = k;
  }
  return peak;
};

/** How a port is picked among those free for a destination. */
export type PortChoice = "lowest" | "random";

/** Several destinations that share one node's ports, each port serving every destination once at a time. */
export interface SharedPorts {
  /**
   * The failure probability towards each destination, B(A_g, c). Exact: a port is free for a destination whatever the others
   * do with it, and a Poisson stream split at random gives independent streams, so each destination is a loss system of its own.
   * No longer exact under a limit across destinations (the 2 million connections of a NAT gateway).
   */
  readonly failure: readonly number[];
  /** Of all connections, the share that fails. */
  readonly overall: number;
  /**
   * The mean number of ports that serve at least one destination: the sum over ports of 1 - product(1 - a_gk), where a_gk is
   * the share of time that port k serves destination g. Exact: with lowest free first, the first k ports are a loss system by
   * themselves, so a_gk = A_g (B(A_g, k-1) - B(A_g, k)); with a random free port each has a_gk = A_g (1 - B(A_g, c)) / c.
   */
  readonly meanInUse: number;
  /** Mean connections that hold a port, all destinations together: at least `meanInUse`. */
  readonly meanConnections: number;
  /**
   * P(at most k ports in use) is at most `atMost(k)`, the product of the destinations' own distributions: the busiest destination
   * alone needs as many. An upper bound, exact for one destination.
   */
  atMost(k: number): number;
}

/** Several destinations on the same ports. @param loads erlangs towards each destination @param ports 1 to 16 x 64,512 */
export const sharedPorts = (loads: readonly number[], ports: number, choice: PortChoice = "lowest"): SharedPorts => {
  listOf("loads", loads, "erlangs towards each destination");
  checkChoice(choice);
  within("loads", loads.length, loads.length > 0, "at least one destination");
  loads.forEach(checkLoad);
  checkPorts(ports);
  const failure = loads.map(load => blocking(load, ports));
  const carried = loads.map(load => carriedBy(load, ports));
  const total = loads.reduce((sum, load) => sum + load, 0);
  const lost = loads.reduce((sum, load, g) => sum + load * failure[g]!, 0);
  let cumulative: readonly Float64Array[] | undefined;
  return {
    failure,
    overall: total === 0 ? 0 : lost / total,
    meanInUse:
      choice === "lowest"
        ? meanOfLowest(loads, ports)
        : ports * (1 - carried.reduce((free, mean) => free * (1 - mean / Math.max(1, ports)), 1)),
    meanConnections: carried.reduce((sum, mean) => sum + mean, 0),
    atMost(k) {
      cumulative ??= loads.map(load => occupancy(load, ports).probability.map(running()));
      const index = Math.min(ports, Math.floor(k));
      return index < 0 ? 0 : cumulative.reduce((product, below) => product * below[index]!, 1);
    },
  };
};

const running = () => {
  let sum = 0;
  return (value: number): number => Math.min(1, (sum += value));
};

const meanOfLowest = (loads: readonly number[], ports: number): number => {
  const blocked = loads.map(() => 1);
  const carried = loads.map(() => 0);
  let mean = 0;
  for (let k = 1; k <= ports; k++) {
    let free = 1;
    for (let g = 0; g < loads.length; g++) {
      const load = loads[g]!;
      const before = blocked[g]!;
      const after = (load * before) / (k + load * before);
      // A (B(k-1) - B(k)), written so that neither a large load nor a port that is hardly used loses digits.
      free *= 1 - after * (k - carried[g]!);
      blocked[g] = after;
      carried[g] = (load * k) / (k + load * before);
    }
    if (free === 1) break; // the ports above are never used
    mean += 1 - free;
  }
  return mean;
};

/** What a pool comes to where whoever fails tries again. */
export interface RetriedLoad {
  /** What the ports are offered, retries included, in erlangs. */
  readonly load: number;
  /** The probability that one attempt fails. */
  readonly attemptFails: number;
  /** The probability that a connection gives up in the end. */
  readonly givesUp: number;
  /** Mean attempts per connection. */
  readonly attempts: number;
}

/**
 * Failed connections that try again, each time with probability `retry`: the ports are offered A' = A / (1 - retry B(A', c)).
 * An approximation: it takes the retries as one more Poisson stream, which is good when they come after several mean hold times
 * or more, and too hopeful when they come at once, as the ports are then still full.
 * Solved by halving a bracket: A' lies between A and A / (1 - retry).
 * @param load A, erlangs of first attempts
 * @param retry 0 (included) to 1 (excluded)
 */
export const withRetries = (load: number, ports: number, retry: number): RetriedLoad => {
  checkLoad(load);
  checkPorts(ports);
  within("retry", retry, retry >= 0 && retry < 1, "a probability from 0, below 1");
  let low = load;
  let high = load / (1 - retry);
  for (let step = 0; step < 100 && high - low > 1e-14 * high; step++) {
    const middle = (low + high) / 2;
    if (middle * (1 - retry * blocking(middle, ports)) < load) low = middle;
    else high = middle;
  }
  const offered = (low + high) / 2;
  const attemptFails = blocking(offered, ports);
  return {
    load: offered,
    attemptFails,
    givesUp: (attemptFails * (1 - retry)) / (1 - retry * attemptFails),
    attempts: 1 / (1 - retry * attemptFails),
  };
};
