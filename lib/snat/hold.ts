import { listOf, seconds, secondsAbove0, withFields, within } from "../checks.js";
import { refuse } from "../errors.js";
import type { Draws } from "./draws.js";

/**
 * How long connections last, in seconds. Every law has a finite mean.
 * - constant: each lasts `seconds`
 * - exponential: memoryless, of mean `mean`
 * - lognormal: of mean `mean`; `sigma` is the standard deviation of the logarithm (0.5 mild, 2 very uneven)
 * - empirical: each of `samples` is as likely as the others
 */
export type Duration =
  | { readonly kind: "constant"; readonly seconds: number }
  | { readonly kind: "exponential"; readonly mean: number }
  | { readonly kind: "lognormal"; readonly mean: number; readonly sigma: number }
  | { readonly kind: "empirical"; readonly samples: readonly number[] };

/**
 * How long a port is held: a connection of length d keeps it for `d + after` seconds,
 * or for `cut` seconds when d is longer than that (the translator forgot the silent connection).
 */
export interface Hold {
  readonly duration: Duration;
  /** Seconds that the port stays held once the connection is over. Default 0. */
  readonly after?: number;
  /** How many of the last seconds the connection is over for the translator too, and only its port is held. Default 0. */
  readonly closed?: number;
  /** Seconds after which a connection that is still open loses its port. Default: never. */
  readonly cut?: number;
}

/** The mean length of a connection, in seconds. */
export const meanDuration = (duration: Duration): number => {
  switch (duration.kind) {
    case "constant":
      return duration.seconds;
    case "exponential":
    case "lognormal":
      return duration.mean;
    case "empirical":
      return duration.samples.reduce((sum, sample) => sum + sample, 0) / duration.samples.length;
  }
};

/** The probability that a standard normal variate is at most x (Marsaglia's series, to 1e-15). */
const normalBelow = (x: number): number => {
  if (x < -8) return 0;
  if (x > 8) return 1;
  let sum = x;
  let term = x;
  for (let odd = 3; sum + term !== sum; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-(x * x) / 2)) / Math.sqrt(2 * Math.PI);
};

/** The share of connections no longer than `cut`, and what they add to the mean length: P(D <= cut), E[D; D <= cut]. */
const upTo = (duration: Duration, cut: number): { readonly share: number; readonly mean: number } => {
  if (cut === Infinity) return { share: 1, mean: meanDuration(duration) };
  switch (duration.kind) {
    case "constant":
      return duration.seconds <= cut ? { share: 1, mean: duration.seconds } : { share: 0, mean: 0 };
    case "exponential": {
      const beyond = Math.exp(-cut / duration.mean);
      return { share: 1 - beyond, mean: duration.mean - (cut + duration.mean) * beyond };
    }
    case "lognormal": {
      const { mean, sigma } = duration;
      const z = (Math.log(cut / mean) + (sigma * sigma) / 2) / sigma;
      return { share: normalBelow(z), mean: mean * normalBelow(z - sigma) };
    }
    case "empirical": {
      const within = duration.samples.filter(sample => sample <= cut);
      return {
        share: within.length / duration.samples.length,
        mean: within.reduce((sum, sample) => sum + sample, 0) / duration.samples.length,
      };
    }
  }
};

/** The mean time that a port is held, in seconds: E[D; D <= cut] + after P(D <= cut) + cut P(D > cut). */
export const meanHold = ({ duration, after = 0, cut = Infinity }: Hold): number => {
  const { share, mean } = upTo(duration, cut);
  return mean + after * share + (share === 1 ? 0 : cut * (1 - share));
};

/** The mean time that a connection counts as open, in seconds: its hold without the seconds when only the port is held. */
export const meanOpen = (hold: Hold): number =>
  meanHold(hold) - (hold.closed ?? 0) * upTo(hold.duration, hold.cut ?? Infinity).share;

/** One hold time of the law, in seconds. */
export const drawHold = (hold: Hold, draws: Draws): number => {
  const { after = 0, cut = Infinity } = hold;
  const length = drawDuration(hold.duration, draws);
  return length > cut ? cut : length + after;
};

const drawDuration = (duration: Duration, draws: Draws): number => {
  switch (duration.kind) {
    case "constant":
      return duration.seconds;
    case "exponential":
      return duration.mean * draws.exponential();
    case "lognormal":
      return duration.mean * Math.exp(duration.sigma * draws.normal() - (duration.sigma * duration.sigma) / 2);
    case "empirical":
      return duration.samples[Math.floor(draws.unit() * duration.samples.length)]!;
  }
};

/** Fills the first `n` places of `out` with hold times, each times `scale`. */
export const fillHolds = (hold: Hold, draws: Draws, out: Float64Array, n: number, scale: number): void => {
  const { duration, after = 0, cut = Infinity } = hold;
  if (duration.kind === "exponential" && cut === Infinity)
    draws.exponentials(out, n, after * scale, duration.mean * scale);
  else if (duration.kind === "constant") out.fill(drawHold(hold, draws) * scale, 0, n);
  else for (let i = 0; i < n; i++) out[i] = drawHold(hold, draws) * scale;
};

/** Refuses a law of durations that has no sense. @throws InputError naming the field under `where` */
export const checkDuration = (duration: Duration, where = "duration"): void => {
  withFields(where, duration, 'a law of durations: { kind: "exponential", mean: 30 }');
  switch (duration.kind) {
    case "constant":
      secondsAbove0(`${where}.seconds`, duration.seconds);
      break;
    case "exponential":
      secondsAbove0(`${where}.mean`, duration.mean);
      break;
    case "lognormal": {
      const { mean, sigma } = duration;
      secondsAbove0(`${where}.mean`, mean);
      within(`${where}.sigma`, sigma, sigma > 0 && sigma <= 5, "above 0, at most 5");
      break;
    }
    case "empirical":
      listOf(`${where}.samples`, duration.samples, "lengths in seconds");
      if (duration.samples.length === 0) refuse(`${where}.samples`, "[]", "is empty", "at least one length in seconds");
      duration.samples.forEach((sample, i) => secondsAbove0(`${where}.samples[${i}]`, sample));
      break;
    default:
      refuse(
        `${where}.kind`,
        (duration as { kind: unknown }).kind,
        "is not a law of durations",
        "constant, exponential, lognormal or empirical",
      );
  }
};

/** Refuses a hold time that has no sense. @throws InputError naming the field under `where` */
export const checkHold = (hold: Hold, where = "hold"): void => {
  const { duration, after = 0, closed = 0, cut = Infinity } = withFields(where, hold, "a hold with a duration");
  checkDuration(duration, `${where}.duration`);
  seconds(`${where}.after`, after);
  seconds(`${where}.closed`, closed);
  if (cut !== Infinity) secondsAbove0(`${where}.cut`, cut);
};
