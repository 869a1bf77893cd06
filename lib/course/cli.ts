import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "egress-lab/input";
import type { BookOptions } from "./book.js";
import { type ParameterValue, readParametersFile } from "./parameterValues.js";
import { listParameters, readInput, run } from "./run.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("It is a time in seconds above 0.");
  return value;
};

const count = (text: string): number => {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError("It is a whole number from 1 to 999.");
  return Number(text);
};

const timeoutOption = new Option("--timeout <seconds>", "the time that one cell may take")
  .argParser(seconds)
  .default(120);
const jobsOption = new Option("-j, --jobs <n>", "kernel processes at a time")
  .argParser(count)
  .default(availableParallelism(), "one per processor");

/** An option of commander takes one argument; papermill's -p takes a name and a value, so the pairs are taken out before. */
const pairParameters = (
  argv: readonly string[],
): { readonly argv: readonly string[]; readonly pairs: readonly (readonly [string, string])[] } => {
  const rest: string[] = [];
  const pairs: [string, string][] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument !== "-p" && argument !== "--parameter") rest.push(argument);
    else {
      const [name, value] = [argv[++i], argv[++i]];
      if (name === undefined || value === undefined)
        throw new InputError({
          where: argument,
          value: name ?? "",
          problem: "is incomplete",
          expected: `${argument} name value`,
        });
      pairs.push([name, value]);
    }
  }
  return { argv: rest, pairs };
};

const examples = `
Examples:
  $ egress-lab run notebooks/*.ipynb                    run each notebook, show its outputs as text
  $ egress-lab run notebooks/02-*.ipynb -p maxPods 60   the same with another value for a parameter
  $ egress-lab run notebooks/*.ipynb -f params.yaml --out results
                                                        keep the executed notebooks in results/
  $ egress-lab run notebooks/02-*.ipynb --list          which parameters there are, and what they may be
  $ egress-lab run notebooks/*.ipynb --check            are the outputs in the files still true?
  $ egress-lab run notebooks/*.ipynb --update           write the outputs into the files

A parameter is a line "let name: type = value;" of the cell tagged parameters; --list shows them. A value is what its
type says, exactly: a number in decimal digits, true or false, null, a list as [1, 2], anything where a string is wanted.
In a file for -f, texts that could be something else stand in quotes. -p wins over -f.

A notebook with a cell tagged needs-linux boots network namespaces. Where that is not possible one line says
what to install, and the outputs in its file are kept (with CI=true it is run all the same).

Exit codes:
  0  every notebook ran or was kept, and with --check nothing differed
  1  a cell failed, an output differed, or a notebook could not be written
  2  the command line, a parameter or a file was wrong; nothing was run
`;

const bookExamples = `
Examples:
  $ egress-lab book                       notebooks/*.ipynb -> book/index.html
  $ egress-lab book mine --out mybook     your own notebooks

A chapter that needs Linux where it cannot run, or whose run fails, has the outputs in its file and says so on its page.

Exit codes:
  0  the book is written
  1  a cell failed; no book is written
  2  the command line or a file was wrong, or could not be written
  3  the book is written, but a chapter that needs Linux failed and shows the outputs in its file
`;

const labExamples = `
Examples:
  $ egress-lab lab                              opens the browser on notebooks/
  $ egress-lab lab notebooks -- --no-browser    prints the address only

Exit codes:
  0  Jupyter was stopped
  1  Jupyter is not installed, or failed
`;

/** Runs the command line. Returns the exit code. */
export const main = async (args: readonly string[]): Promise<number> => {
  let code = 0;
  try {
    const { argv, pairs } = args[0] === "run" ? pairParameters(args) : { argv: args, pairs: [] };
    const program = new Command("egress-lab")
      .description("Runs the notebooks of the course and makes its book.")
      .version(version, "--version", "print the version")
      .exitOverride();
    program.configureHelp({ showGlobalOptions: false });
    program
      .command("run")
      .description(
        "Executes TypeScript notebooks, each from a clean state, and stops a notebook at its first failing cell.",
      )
      .argument("<notebook...>", "notebook files (.ipynb) of the tslab kernel")
      .option("-p, --parameter <name value>", "set a parameter; may be repeated")
      .option("-f, --parameters-file <file>", "set parameters from a YAML file of lines name: value")
      .option("--out <dir>", "write the executed notebooks into this folder")
      .option("--check", "compare with the outputs in the files and show what differs")
      .option("--update", "write the outputs into the files")
      .option("--list", "show the notebooks' parameters with types, ranges and defaults, and what to try; run nothing")
      .addOption(timeoutOption)
      .addOption(jobsOption)
      .addHelpText("after", examples)
      .action(
        async (
          notebooks: string[],
          options: {
            parametersFile?: string;
            out?: string;
            check?: true;
            update?: true;
            list?: true;
            timeout: number;
            jobs: number;
          },
        ) => {
          const { parametersFile: file, list, ...rest } = options;
          if (list) return listParameters(notebooks);
          const parameters = new Map<string, ParameterValue>([
            ...(file === undefined ? [] : readParametersFile(readInput(file), file)),
            ...pairs.map(([name, text]) => [name, { text }] as const),
          ]);
          code = (await run(notebooks, { check: false, update: false, ...rest, parameters })) ? 0 : 1;
        },
      );
    program
      .command("book")
      .description(
        "Executes the notebooks of a folder and writes them as a book of HTML pages, which need no server and no network.",
      )
      .argument("[folder]", "the folder of the notebooks", "notebooks")
      .option("--out <dir>", "where the book goes; an earlier book there is replaced", "book")
      .addOption(timeoutOption)
      .addOption(jobsOption)
      .addHelpText("after", bookExamples)
      .action(async (folder: string, options: BookOptions) => {
        const { makeBook, notebooksIn } = await import("./book.js");
        code = { whole: 0, "not written": 1, "with outputs kept": 3 }[await makeBook(notebooksIn(folder), options)];
      });
    program
      .command("lab")
      .description("Starts Jupyter on a folder of notebooks, with the tslab kernel of this checkout.")
      .argument("[folder]", "the folder of the notebooks", "notebooks")
      .argument("[jupyter...]", "arguments for Jupyter, after --")
      .addHelpText("after", labExamples)
      .action(async (folder: string, jupyter: string[]) => {
        const { lab } = await import("./jupyter.js");
        code = (await lab(folder, jupyter)) === 0 ? 0 : 1;
      });
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof InputError) console.error(error.message);
    else if (error instanceof Error && "exitCode" in error) return error.exitCode === 0 ? 0 : 2;
    else throw error;
    return 2;
  }
};
