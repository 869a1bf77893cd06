import { InputError } from "../errors.js";
import { az } from "./az.js";
import { builtins } from "./builtins.js";
import { hasItsTurn, runStatement, type Scope } from "./interpreter.js";
import { kubectl } from "./kubectl.js";
import { runOn } from "./machine.js";
import { type Job, type Output, text } from "./output.js";
import { type Line, parseLine, readLines, type Statement } from "./script.js";
import type { SessionInside } from "./command.js";

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
  async run(source: string): Promise<string> {
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
        let code = 0;
        for (const statement of parseLine(line.source)) {
          await end(place);
          if (!hasItsTurn(statement, code)) continue;
          const output = await this.#statement(statement, place);
          code = output?.kind === "text" ? output.code : 0;
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

  async #statement(statement: Statement, place: string): Promise<Output | undefined> {
    const scope: Scope = {
      variables: this.#variables,
      command: (name, args) => this.#command(name, args, place),
    };
    const output = await runStatement(statement, scope);
    if (!statement.background || output === undefined) return output;
    if (output.kind !== "job") return fail("&", "follows a command that ends by itself", "tcpdump ... &");
    this.#background.set(place, [...(this.#background.get(place) ?? []), output.job]);
    return undefined;
  }

  #command(name: string, args: readonly string[], place: string): Promise<Output> {
    if (name === "fg")
      return args.length === 0 ? this.#foreground(place) : fail(`fg ${args.join(" ")}`, "is not known", "fg");
    const builtin = builtins.get(name);
    if (builtin !== undefined) return builtin(this.#session, args);
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
}
