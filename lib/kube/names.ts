import { type Random, subseed } from "../random.js";
import type { DeploymentObject } from "./manifest.js";

/** Kubernetes leaves out vowels and look-alikes, so that no name spells a word. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** A generated name has at most 63 characters, five of them drawn: what comes before is cut to fit. */
const prefixAtMost = 58;

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

/**
 * The hash of a pod template as a ReplicaSet's name carries it: FNV-1a, 32 bits, its decimal digits mapped to the safe alphabet.
 * Kubernetes hashes a dump of its own Go structures, so real hashes differ; equal templates have equal hashes in both.
 */
export const templateHash = (deployment: DeploymentObject): string => {
  const { podLabels, image, ports, hostNetwork } = deployment;
  const hash = subseed(0, canonical({ podLabels, image, ports, hostNetwork })) >>> 0;
  return [...String(hash)].map(digit => alphabet[digit.charCodeAt(0) % alphabet.length]).join("");
};

/** The last five characters of a generated name. */
export const nameSuffix = (random: Random): string =>
  Array.from({ length: 5 }, () => alphabet[random.int(0, alphabet.length - 1)]).join("");

/** What a pod's generated name starts with: `whereami-564765b89-`, cut where it is too long. */
export const namePrefix = (owner: string): string => `${owner}-`.slice(0, prefixAtMost);
