import fc from "fast-check";
import { printSave } from "../../lib/netfilter/print.js";
import { byTheClock } from "./clock.js";
import { anyCase, type Case } from "./generate.js";
import { compareCase, type Kernel } from "./run.js";

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
  readonly onProgress?: (soFar: CampaignResult) => void;
  /** Ends the campaign early; it gives what was found until then. */
  readonly signal?: AbortSignal;
}

export interface Mismatch {
  /** Its number in the campaign. */
  readonly index: number;
  readonly case: Case;
  /** What the kernel did when it differed. */
  readonly kernel: Kernel;
  readonly differences: readonly string[];
}

/** A difference that was not there when the same network was made again. */
export interface Unrepeated extends Mismatch {
  /** The mechanism that goes by the clock and explains it; without one it counts as a mismatch. */
  readonly because: string | undefined;
}

export interface CampaignResult {
  readonly networks: number;
  readonly packets: number;
  readonly mismatches: readonly Mismatch[];
  readonly unrepeated: readonly Unrepeated[];
  /** Networks in which chance left more open than could be settled, so that nothing was compared; not among `networks`. */
  readonly undetermined: number;
}

/** What has to be explained: mismatches, and differences that nothing explains. */
export const unexplained = ({ mismatches, unrepeated }: CampaignResult): readonly Mismatch[] => [
  ...mismatches,
  ...unrepeated.filter(({ because }) => because === undefined),
];

/** Case number `index` of a seed: the same on every machine. */
const caseParameters = (seed: number, index: number) => ({
  seed: Math.imul(seed, 0x9e3779b1) ^ index,
  numRuns: 1,
  unbiased: true,
});

export const caseOf = (seed: number, index: number, actions: number): Case =>
  fc.sample(anyCase(actions), caseParameters(seed, index))[0]!;

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
  const unrepeated: Unrepeated[] = [];
  const { signal } = options;
  let next = 0;
  let networks = 0;
  let packets = 0;
  let undetermined = 0;
  const soFar = (): CampaignResult => ({ networks, packets, mismatches, unrepeated, undetermined });
  const worker = async () => {
    while (next < options.runs && signal?.aborted !== true) {
      const index = next++;
      const of = caseOf(options.seed, index, options.actions);
      const first = await compareCase(of);
      if (first.undetermined) {
        undetermined++;
        continue;
      }
      networks++;
      packets += first.packets;
      if (first.differences.length > 0) {
        const found = { index, case: of, kernel: first.kernel, differences: first.differences };
        if ((await compareCase(of)).differences.length === 0)
          unrepeated.push({ ...found, because: await byTheClock(of, first.kernel) });
        else {
          mismatches.push(found);
          const smallest = await shrink(of, index, options);
          const { kernel, differences } = await compareCase(smallest);
          if (differences.length > 0)
            mismatches[mismatches.indexOf(found)] = { index, case: smallest, kernel, differences };
        }
      }
      options.onProgress?.(soFar());
    }
  };
  const stopped = new Promise<void>(done => signal?.addEventListener("abort", () => done()));
  await Promise.race([stopped, Promise.all(Array.from({ length: options.parallel }, worker))]);
  return soFar();
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
