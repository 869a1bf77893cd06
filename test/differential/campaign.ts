import { printSave } from "../../lib/netfilter/print.js";
import { kindNames } from "./kinds.js";
import {
  compareNetwork,
  type Mismatch,
  type NetworkOptions,
  type NetworkResult,
  shrinkNetwork,
  type Unrepeated,
} from "./network.js";
import { numbersOf, type Shard, unsharded } from "../shard.js";

/** Who compares networks: this process, or others. */
export interface Comparer {
  compare(of: NetworkOptions): Promise<NetworkResult>;
  shrink(of: NetworkOptions, seconds: number): Promise<Mismatch | undefined>;
}

export interface CampaignOptions {
  readonly seed: number;
  /** Networks to make, of all shares together. */
  readonly runs: number;
  /** The share of them to compare. Default: all. */
  readonly shard?: Shard;
  /** Packets sent in each, at most; at least half as many. */
  readonly actions: number;
  /** Networks at a time. */
  readonly parallel: number;
  /** Seconds to spend on making a mismatch smaller. */
  readonly shrinkSeconds: number;
  readonly comparer?: Comparer;
  readonly onProgress?: (soFar: CampaignResult) => void;
  /** Ends the campaign early; it gives what was found until then. */
  readonly signal?: AbortSignal;
}

export interface CampaignResult {
  readonly networks: number;
  readonly packets: number;
  readonly mismatches: readonly Mismatch[];
  readonly unrepeated: readonly Unrepeated[];
  /** Networks in which chance left more open than could be settled, so that nothing was compared; not among `networks`. */
  readonly undetermined: number;
  /** In how many networks each kind was met. */
  readonly kinds: Readonly<Record<string, number>>;
}

/** What has to be explained: mismatches, and differences that nothing explains. */
export const unexplained = ({ mismatches, unrepeated }: CampaignResult): readonly Mismatch[] => [
  ...mismatches,
  ...unrepeated.filter(({ because }) => because === undefined),
];

const here: Comparer = { compare: compareNetwork, shrink: shrinkNetwork };

/** Compares both engines on many random networks. */
export const campaign = async (options: CampaignOptions): Promise<CampaignResult> => {
  const { seed, runs, actions, parallel, shrinkSeconds, comparer = here, signal } = options;
  const left = numbersOf(options.shard ?? unsharded, runs);
  const mismatches: Mismatch[] = [];
  const unrepeated: Unrepeated[] = [];
  let networks = 0;
  let packets = 0;
  let undetermined = 0;
  const kinds = Object.fromEntries(kindNames.map(name => [name, 0]));
  const soFar = (): CampaignResult => ({ networks, packets, mismatches, unrepeated, undetermined, kinds });
  const worker = async () => {
    // Looked at before the next is taken; `for of` would close what all workers share.
    while (signal?.aborted !== true) {
      const next = left.next();
      if (next.done === true) break;
      const of = { seed, index: next.value, actions };
      const result = await comparer.compare(of);
      if (result.undetermined) {
        undetermined++;
        continue;
      }
      networks++;
      packets += result.packets;
      for (const name of result.kinds) kinds[name]!++;
      if (result.unrepeated !== undefined) unrepeated.push(result.unrepeated);
      if (result.mismatch !== undefined) {
        const found = result.mismatch;
        mismatches.push(found);
        const smaller = shrinkSeconds > 0 ? await comparer.shrink(of, shrinkSeconds) : undefined;
        if (smaller !== undefined) mismatches[mismatches.indexOf(found)] = smaller;
      }
      options.onProgress?.(soFar());
    }
  };
  const stopped = new Promise<void>(done => signal?.addEventListener("abort", () => done()));
  await Promise.race([stopped, Promise.all(Array.from({ length: parallel }, worker))]);
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
