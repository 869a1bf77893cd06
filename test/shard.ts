/**
 * Long jobs in shares, for many machines: each does one share and writes what came out to a file, and one of them then
 * prints what the files say together.
 *
 *     npm run differential -- --runs 3000 --shard 2/3 --out part-2.json      on the second of three machines
 *     npm run differential -- --merge part-1.json part-2.json part-3.json
 */
import { type Command, InvalidArgumentError } from "commander";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { refuse } from "../lib/errors.js";

/** One share of a job: number `index` of `of`, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** The job as one share. */
export const unsharded: Shard = { index: 1, of: 1 };

const form = "i/n, such as 2/5 for the second of five shares";

/** Reads `2/5`. @throws InputError */
export const parseShard = (text: string): Shard => {
  const [, index, of] = /^([1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(text)?.map(Number) ?? [];
  if (index === undefined || of === undefined) return refuse("--shard", text, "is not a share", form);
  if (index > of) return refuse("--shard", text, "is beyond the last share", `at most ${of}/${of}`);
  return { index, of };
};

/** The numbers of a share, of those from 0 up to `count`: every `of`-th, so that easy and hard cases spread evenly. */
export function* numbersOf({ index, of }: Shard, count: number): Generator<number> {
  for (let number = index - 1; number < count; number += of) yield number;
}

/** The items of a share. */
export const shareOf = <T>(shard: Shard, items: readonly T[]): readonly T[] =>
  [...numbersOf(shard, items.length)].map(number => items[number]!);

/** What a share writes down. */
interface Part {
  readonly job: string;
  /** The options that decide what the work is. */
  readonly options: object;
  /** The library's and the tests' text: what was done on other code is other work. */
  readonly code: string;
  readonly shard: Shard;
  readonly result: unknown;
}

const codeDigest = (): string => {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const hash = createHash("sha256");
  for (const folder of ["lib", "test"]) {
    const files = readdirSync(root + folder, { recursive: true, encoding: "utf8" })
      .map(file => file.replaceAll("\\", "/"))
      .filter(file => file.endsWith(".ts") && !/(^|\/)(dist|node_modules|tmp-[^/]*)(\/|$)/.test(file));
    for (const file of files.sort())
      hash.update(`${file}\n${readFileSync(`${root}${folder}/${file}`, "utf8").replaceAll("\r\n", "\n")}`);
  }
  return hash.digest("hex").slice(0, 16);
};

/** Options that every sharded command has. */
export interface ShardOptions {
  readonly shard?: Shard;
  readonly out?: string;
  readonly merge?: readonly string[];
}

/** Adds `--shard`, `--out` and `--merge` to a command. */
export const withShards = (command: Command): Command =>
  command
    .option("--shard <i/n>", "do only the i-th of n equal shares of the work; needs --out", text => {
      try {
        return parseShard(text);
      } catch (error) {
        throw new InvalidArgumentError((error as Error).message);
      }
    })
    .option("--out <file>", "also write the results to a file, for --merge")
    .option("--merge <files...>", "run nothing: print what the files of all shares say together");

/** A share without a file would be work for nothing. */
export const checkShardOptions = (command: Command): void => {
  const { shard, out, merge } = command.opts<ShardOptions>();
  if (shard !== undefined && out === undefined)
    command.error("error: --shard needs --out FILE, the file to write the results to", { exitCode: 2 });
  if (merge !== undefined && (shard !== undefined || out !== undefined))
    command.error("error: --merge runs nothing: leave out --shard and --out", { exitCode: 2 });
};

/** Writes what a share of a job came to. */
export const writePart = (file: string, job: string, options: object, shard: Shard, result: unknown): void => {
  const part: Part = { job, options, code: codeDigest(), shard, result };
  writeFileSync(file, `${JSON.stringify(part)}\n`);
};

const readPart = (file: string, job: string): Part => {
  const expected = `a file that a share of ${job} wrote with --out`;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return refuse("--merge", file, "cannot be read", expected);
  }
  let part: Partial<Part> | null;
  try {
    part = JSON.parse(text) as Partial<Part> | null;
  } catch {
    return refuse("--merge", file, "is not JSON", expected);
  }
  if (part?.job !== job || part.shard === undefined || part.options === undefined)
    return refuse("--merge", file, `is not a part of ${job}`, expected);
  return part as Part;
};

/**
 * The results of all shares of a job, in their order.
 * @throws InputError where one is missing, is there twice, or did the work of another job or other code
 */
export const readParts = <T>(
  files: readonly string[],
  job: string,
): { readonly options: unknown; readonly results: readonly T[] } => {
  const parts = files.map(file => ({ file, ...readPart(file, job) })).sort((a, b) => a.shard.index - b.shard.index);
  const [first] = parts;
  if (first === undefined) return refuse("--merge", files, "is an empty list", "the files of all shares");
  for (const { file, options, code, shard } of parts) {
    if (JSON.stringify(options) !== JSON.stringify(first.options) || shard.of !== first.shard.of)
      return refuse("--merge", file, `was made with other options than ${first.file}`, "shares of one job");
    if (code !== first.code)
      return refuse("--merge", file, `was made by other code than ${first.file}`, "shares that ran the same commit");
  }
  for (let index = 1; index <= first.shard.of; index++) {
    const found = parts.filter(({ shard }) => shard.index === index);
    if (found.length === 1) continue;
    const share = `${index}/${first.shard.of}`;
    return found.length === 0
      ? refuse("--merge", files, `lacks share ${share}`, `all ${first.shard.of} shares, each once`)
      : refuse("--merge", found[1]!.file, `is share ${share} again`, "each share once");
  }
  return { options: first.options, results: parts.map(({ result }) => result as T) };
};

/** Runs a command's work; an author's mistake ends it with one line and code 2. */
export const orRefuse = async (command: Command, work: () => unknown): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if ((error as Error).name !== "InputError") throw error;
    command.error(`error: ${(error as Error).message}`, { exitCode: 2 });
  }
};
