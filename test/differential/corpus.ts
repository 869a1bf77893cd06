import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import type { Network } from "../../lib/net/network.js";
import type { Random } from "../../lib/random.js";
import type { Sent } from "./generate.js";
import { networkFromJson, networkToJson } from "./networkText.js";
import { packetText, parsePacketText } from "./packetText.js";
import { differences, type Observation, playModel } from "./run.js";

/** What Linux did once, for the model to be held against where there is no Linux. */
export interface Recorded extends Observation {
  readonly name: string;
  readonly network: Network;
  readonly sent: readonly Sent[];
  /** Seconds after the first packet was sent at which the tables were read. */
  readonly readAfter: number;
  /**
   * Where the kernel drew by chance: what the model has to draw, one after the other, to come to the same.
   * Empty: all of it is determined.
   */
  readonly draws: readonly number[];
}

const folder = fileURLToPath(new URL("../corpus/", import.meta.url));

/** Lines under their first words, which they share. */
const grouped = (lines: readonly string[], words: number): Record<string, readonly string[]> => {
  const groups: Record<string, string[]> = {};
  for (const line of lines) {
    const parts = line.split(" ");
    (groups[parts.slice(0, words).join(" ")] ??= []).push(parts.slice(words).join(" "));
  }
  return groups;
};
const ungrouped = (groups: Record<string, readonly string[]>): string[] =>
  Object.entries(groups).flatMap(([head, lines]) => lines.map(line => `${head} ${line}`));

/** How many words name where a line was seen: host, interface and direction; host. */
const words = { seen: 3, conntrack: 1, counters: 1 } as const;

interface Written {
  readonly name: string;
  readonly network: unknown;
  /** `SECONDS HOST PACKET`, with `wait SECONDS` before what is sent only after a while, `program` before what takes the host's own rules, `given` with the number of the port that a load balancer gave. */
  readonly sent: readonly string[];
  readonly readAfter: number;
  readonly draws: readonly number[];
  readonly seen: Record<string, readonly string[]>;
  readonly conntrack: Record<string, readonly string[]>;
  readonly counters: Record<string, readonly string[]>;
}

const sentText = ({ host, after = 0, wait, program, given, packet }: Sent): string =>
  `${after} ${host}${wait === undefined ? "" : ` wait ${wait}`}${program === true ? " program" : ""}${given === undefined ? "" : ` given ${given}`} ${packetText(packet)}`;

const parseSent = (text: string): Sent => {
  const [, after, host, wait, program, given, packet] =
    /^(\S+) (\S+) (?:wait (\S+) )?(program )?(?:given (\d+) )?(.*)$/s.exec(text)!;
  return {
    host: host!,
    after: Number(after),
    ...(wait !== undefined && { wait: Number(wait) }),
    ...(program !== undefined && { program: true }),
    ...(given !== undefined && { given: Number(given) }),
    packet: parsePacketText(packet!),
  };
};

export const formatRecorded = (of: Recorded): Promise<string> => {
  const written: Written = {
    name: of.name,
    network: networkToJson(of.network),
    sent: of.sent.map(sentText),
    readAfter: of.readAfter,
    draws: of.draws,
    seen: grouped(of.seen, words.seen),
    conntrack: grouped(of.conntrack, words.conntrack),
    counters: grouped(of.counters, words.counters),
  };
  return format(JSON.stringify(written), { parser: "json", printWidth: 200 });
};

const parseRecorded = (text: string): Recorded => {
  const { name, network, sent, readAfter, draws, seen, conntrack, counters } = JSON.parse(text) as Written;
  return {
    name,
    network: networkFromJson(network),
    sent: sent.map(parseSent),
    readAfter,
    draws,
    seen: ungrouped(seen),
    conntrack: ungrouped(conntrack),
    counters: ungrouped(counters),
  };
};

export const corpusPath = (file: string): string => folder + file;

/** Recorded cases by their file's name; all of them unless said which. */
export const readCorpus = (files: readonly string[] = readdirSync(folder)): ReadonlyMap<string, Recorded> =>
  new Map(
    files
      .filter(file => file.endsWith(".json"))
      .sort()
      .map(file => [file, parseRecorded(readFileSync(corpusPath(file), "utf8"))]),
  );

export const saveRecorded = async (file: string, of: Recorded): Promise<void> =>
  writeFileSync(corpusPath(file), await formatRecorded(of));

export const removeRecorded = (file: string): void => rmSync(corpusPath(file));

/** What the model does otherwise than Linux did; empty when nothing. */
export const replay = async (of: Recorded): Promise<readonly string[]> => {
  let drawn = 0;
  const draw = () => of.draws[drawn++] ?? 0;
  const random: Random = { float: draw, int: draw };
  const model = await playModel(of.network, of, () => random);
  return [
    ...differences(of, model),
    ...(drawn === of.draws.length ? [] : [`the model draws ${drawn} times, the kernel drew ${of.draws.length} times`]),
  ];
};
