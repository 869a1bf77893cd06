import fc from "fast-check";
import { printSave } from "../../lib/netfilter/print.js";
import { anyCase, type Case } from "./generate.js";
import { compareCase } from "./run.js";

export interface CampaignOptions {
  readonly seed: number;
  /** Networks to make. */
  readonly runs: number;
  /** Packets sent in each, at most; at least half as many. */
  readonly actions: number;
  /** Networks at a time. */
  readonly parallel: number;
  /** Seconds to spend on making a mismatch smaller. */
  readonly shrinkSeconds: number;
  readonly onProgress?: (networks: number, packets: number, mismatches: number) => void;
}

export interface Mismatch {
  /** Its number in the campaign. */
  readonly index: number;
  readonly case: Case;
  readonly differences: readonly string[];
}

export interface CampaignResult {
  readonly networks: number;
  readonly packets: number;
  readonly mismatches: readonly Mismatch[];
  /** Differences that were not there when the same packets were sent again. */
  readonly unrepeated: readonly Mismatch[];
  /** Networks in which chance left more open than could be settled, so that nothing was compared; not among `networks`. */
  readonly undetermined: number;
}

/** Case number `index` of a seed: the same on every machine. */
const caseParameters = (seed: number, index: number) => ({
  seed: Math.imul(seed, 0x9e3779b1) ^ index,
  numRuns: 1,
  unbiased: true,
});

/** Makes a mismatch smaller as long as time allows. */
const shrink = async (of: Case, index: number, { seed, actions, shrinkSeconds }: CampaignOptions): Promise<Case> => {
  if (shrinkSeconds <= 0) return of;
  const until = performance.now() + shrinkSeconds * 1000;
  const property = fc.asyncProperty(
    anyCase(actions),
    async smaller => performance.now() > until || (await compareCase(smaller)).differences.length === 0,
  );
  const details = await fc.check(property, caseParameters(seed, index));
  return details.counterexample?.[0] ?? of;
};

/** Compares both engines on many random networks. */
export const campaign = async (options: CampaignOptions): Promise<CampaignResult> => {
  const mismatches: Mismatch[] = [];
  const unrepeated: Mismatch[] = [];
  let next = 0;
  let networks = 0;
  let packets = 0;
  let undetermined = 0;
  const worker = async () => {
    while (next < options.runs) {
      const index = next++;
      const of = fc.sample(anyCase(options.actions), caseParameters(options.seed, index))[0]!;
      const first = await compareCase(of);
      if (first.undetermined) {
        undetermined++;
        continue;
      }
      networks++;
      packets += first.packets;
      if (first.differences.length > 0) {
        const again = await compareCase(of);
        if (again.differences.length === 0) unrepeated.push({ index, case: of, differences: first.differences });
        else {
          const smallest = await shrink(of, index, options);
          mismatches.push({ index, case: smallest, differences: (await compareCase(smallest)).differences });
        }
      }
      options.onProgress?.(networks, packets, mismatches.length);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
  return { networks, packets, mismatches, unrepeated, undetermined };
};

/** A mismatch for a person to read: the hosts with their rules, then what differs. */
export const describeMismatch = ({ index, case: of, differences }: Mismatch): string =>
  [
    `network ${index}:`,
    ...of.network.hosts
      .filter(({ forwarding }) => forwarding)
      .flatMap(host => [
        `--- ${host.id}, bridge-nf-call-iptables ${host.bridgeNfCallIptables ? 1 : 0}`,
        ...host.interfaces.map(entry => JSON.stringify(entry)),
        JSON.stringify(host.routes),
        printSave(host.rules),
      ]),
    ...differences.slice(0, 30),
    ...(differences.length > 30 ? [`... and ${differences.length - 30} more lines`] : []),
  ].join("\n");
