import { InputError } from "../errors.js";
import { az } from "./az.js";
import { wholeNumber } from "./flags.js";
import { grep } from "./grep.js";
import { kubectl } from "./kubectl.js";
import { runOn } from "./machine.js";
import { type Job, mapText, type Output, text } from "./output.js";
import { type Line, parseLine, readLines, type Statement } from "./script.js";
import type { SessionInside } from "./types.js";
import type { Word } from "./words.js";

/** Deeper than anybody nests commands by hand. */
const deepest = 10;

/** The name under which the workstation's terminal is kept; no host has it. */
const workstation = "";

type Command = (args: readonly string[]) => Promise<Output>;

/** What a line has printed so far; a job's text comes when it ends. */
type Piece = string | Job;

const fail = (given: unknown, problem: string, expected: string): never => {
  throw new InputError({ where: "sh", value: given, problem, expected });
};

/** The lab terminal: variables and background jobs live as long as it does. */
export class Terminal {
  readonly #session: SessionInside;
  readonly #variables: Map<string, string>;
  /** Background jobs by the host of the prompt that started them, oldest first. */
  readonly #background = new Map<string, Job[]>();

  constructor(session: SessionInside, variables: Readonly<Record<string, string>>) {
    this.#session = session;
    this.#variables = new Map(Object.entries(variables));
  }

  /** Runs a text and gives what it prints; a transcript when its lines have prompts. */
  async run(source: string, depth = 0): Promise<string> {
    if (depth > deepest) fail(source, "nests commands too deep", `$( ) at most ${deepest} deep`);
    const lines = readLines(source);
    const printed: Piece[][] = lines.map(() => []);
    const foreground = new Map<string, { readonly pieces: Piece[]; readonly at: number }>();
    const end = async (place: string): Promise<void> => {
      const running = foreground.get(place);
      foreground.delete(place);
      if (running !== undefined) running.pieces[running.at] = await (running.pieces[running.at] as Job).stop();
    };
    try {
      for (const [index, line] of lines.entries()) {
        const place = line.host === undefined ? workstation : this.#session.host(line.host).id;
        const pieces = printed[index]!;
        for (const statement of parseLine(line.source)) {
          await end(place);
          const output = await this.#statement(statement, place, depth);
          if (output === undefined) continue;
          if (output.kind === "job") foreground.set(place, { pieces, at: pieces.length });
          pieces.push(output.kind === "job" ? output.job : output.text);
        }
      }
    } finally {
      // All of them, even if one cannot write its file.
      const ends = await Promise.allSettled([...foreground.keys()].map(end));
      for (const ended of ends) if (ended.status === "rejected") throw ended.reason;
    }
    return this.#assemble(lines, printed);
  }

  #assemble(lines: readonly Line[], printed: readonly (readonly Piece[])[]): string {
    const transcript = lines.length > 1 && lines.some(({ prompted }) => prompted);
    return lines
      .flatMap((line, index) => [
        ...(transcript ? [line.text] : []),
        ...printed[index]!.map(String).filter(piece => piece !== ""),
      ])
      .join("\n");
  }

  async #statement(
    { assignments, pipeline, background }: Statement,
    place: string,
    depth: number,
  ): Promise<Output | undefined> {
    for (const { name, value } of assignments) this.#variables.set(name, await this.#expand(value, depth));
    const [first, ...filters] = pipeline;
    if (first === undefined) return undefined;
    let output = await this.#command(await this.#expandAll(first, depth), place);
    for (const words of filters) {
      const [program, ...args] = await this.#expandAll(words, depth);
      if (program !== "grep") fail(program, "cannot stand after a pipe here", "grep");
      output = mapText(output, printed => grep(args, printed));
    }
    if (!background) return output;
    if (output.kind !== "job") return fail("&", "follows a command that ends by itself", "tcpdump ... &");
    this.#background.set(place, [...(this.#background.get(place) ?? []), output.job]);
    return undefined;
  }

  async #expandAll(words: readonly Word[], depth: number): Promise<readonly string[]> {
    const expanded: string[] = [];
    for (const word of words) expanded.push(await this.#expand(word, depth));
    return expanded;
  }

  async #expand(word: Word, depth: number): Promise<string> {
    let expanded = "";
    for (const part of word) {
      if (part.kind === "text") expanded += part.text;
      else if (part.kind === "command") expanded += await this.run(part.source, depth + 1);
      else
        expanded +=
          this.#variables.get(part.name) ??
          fail(
            `$${part.name}`,
            "is not set",
            `one of ${[...this.#variables.keys()].map(name => `$${name}`).join(", ")}`,
          );
    }
    return expanded;
  }

  #command([name = "", ...args]: readonly string[], place: string): Promise<Output> {
    if (name === "fg") return this.#foreground(place);
    if (name === "echo") return Promise.resolve(text(args.join(" ")));
    if (name === "sleep") return this.#sleep(args);
    if (place !== workstation) {
      const host = this.#session.built.network.hosts.find(({ id }) => id === place)!;
      return runOn({ session: this.#session, host, tty: true }, name, args);
    }
    const commands: Readonly<Record<string, Command>> = {
      k: rest => kubectl(this.#session, rest),
      kubectl: rest => kubectl(this.#session, rest),
      az: rest => az(this.#session, rest),
    };
    const command = Object.hasOwn(commands, name) ? commands[name]! : undefined;
    return command === undefined
      ? fail(
          name,
          "is not a command of the workstation",
          "kubectl (or k), az, echo, sleep, fg; on a machine with its prompt in front: user@host:~$ command",
        )
      : command(args);
  }

  /** Ends the youngest background job of a terminal. */
  async #foreground(place: string): Promise<Output> {
    const jobs = this.#background.get(place) ?? [];
    const job = jobs.at(-1) ?? fail("fg", "has no job at this prompt", "a tcpdump ... & at the same prompt before");
    this.#background.set(place, jobs.slice(0, -1));
    return text(await job.stop());
  }

  async #sleep(args: readonly string[]): Promise<Output> {
    await this.#session.wait(
      args.length === 1
        ? wholeNumber("sleep", args[0]!, 0, 31_536_000)
        : fail(args.join(" "), "is no time to sleep", "sleep SECONDS"),
    );
    return text("");
  }
}
