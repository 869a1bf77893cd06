import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { InputError } from "egress-lab/input";
import type { Outcome } from "./batch.js";
import { checkReplaceable, writeFolder } from "./files.js";
import { type Chapter, chapterOf, chapterPage, generator, indexPage } from "./page.js";
import { executeFiles, needsLinux, readJobs } from "./run.js";

/** The page's own sources, beside the compiled code. */
const client = (name: string): string => fileURLToPath(new URL(`../client/${name}`, import.meta.url));

/** A script of the page and all it imports (charts: vega-embed) as one classic script, which needs no network and no server. */
const script = async (name: string): Promise<Uint8Array> => {
  const built = await build({
    entryPoints: [client(name)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    legalComments: "none",
  });
  return built.outputFiles[0]!.contents;
};

/** Only a folder that is new, empty or an earlier book is replaced. */
const refuseOthers = (out: string): void => {
  if (!existsSync(out)) return;
  const index = join(out, "index.html");
  const ours = existsSync(index) && readFileSync(index, "utf8").includes(generator);
  if (!ours && readdirSync(out).length > 0)
    throw new InputError({
      where: "--out",
      value: out,
      problem: "holds something else than a book",
      expected: "a new or empty folder",
    });
};

/** The notebooks of a folder in reading order. @throws InputError when there is none */
export const notebooksIn = (folder: string): readonly string[] => {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter(name => name.endsWith(".ipynb"))
        .sort()
    : [];
  if (names.length === 0)
    throw new InputError({
      where: "notebooks",
      value: folder,
      problem: "holds no notebook",
      expected: "a folder with .ipynb files",
    });
  return names.map(name => join(folder, name));
};

/** The options of `egress-lab book`. */
export interface BookOptions {
  readonly out: string;
  /** Seconds that one cell may take. */
  readonly timeout: number;
  /** Kernel processes at a time. */
  readonly jobs: number;
}

/** The files of a book by their path in it. */
export const bookFiles = async (chapters: readonly Chapter[]): Promise<ReadonlyMap<string, string | Uint8Array>> => {
  const files = new Map<string, string | Uint8Array>([
    ["index.html", indexPage(chapters)],
    ["style.css", readFileSync(client("style.css"), "utf8")],
    ["contents.js", await script("contents.ts")],
    ["charts.js", await script("charts.ts")],
  ]);
  for (const chapter of chapters) {
    files.set(chapter.file, chapterPage(chapters, chapter));
    for (const [path, picture] of chapter.pictures) files.set(path, picture);
  }
  return files;
};

/** What became of a book. */
export type BookMade = "whole" | "with outputs kept" | "not written";

/** Why a chapter that needs Linux has the outputs in its file; undefined for one that was run. */
const whyKept = (outcome: Outcome): string | undefined =>
  outcome.ok
    ? outcome.kept
    : `cell ${outcome.failure.cell} failed (${outcome.failure.message.split("\n")[0]!.slice(0, 200)})`;

/**
 * Executes notebooks and writes them as a book. A chapter that needs Linux and fails is shown with the outputs in its file
 * and says so; where any other fails, nothing is written.
 */
export const makeBook = async (paths: readonly string[], options: BookOptions): Promise<BookMade> => {
  checkReplaceable(options.out);
  refuseOthers(options.out);
  const jobs = readJobs(paths);
  const outcomes = await executeFiles(jobs, options.timeout, options.jobs);
  if (outcomes.some(outcome => !outcome.ok && !needsLinux(outcome.job))) return "not written";
  const chapters = outcomes.map(outcome =>
    chapterOf(
      basename(outcome.job.path, ".ipynb"),
      outcome.ok ? outcome.notebook : outcome.job.notebook,
      whyKept(outcome),
    ),
  );
  writeFolder(options.out, await bookFiles(chapters));
  const failed = outcomes.filter(({ ok }) => !ok).map(({ job }) => basename(job.path));
  const said = failed.length === 0 ? "" : `; with the outputs in its file, as its run failed: ${failed.join(", ")}`;
  console.log(`${join(options.out, "index.html")}: ${chapters.length} chapters${said}`);
  return failed.length === 0 ? "whole" : "with outputs kept";
};
