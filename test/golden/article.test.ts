/**
 * The article's session, typed into the lab from its first command to its last, beside what its author saw.
 * article.txt holds the observed commands and outputs; nothing in lib/ reads it.
 *
 *     === BLOCK (exact)       columns as the page kept them: compared character by character
 *     === BLOCK (collapsed)   the page ran white space together: so do we, line by line
 *     === BLOCK (joined)      the author broke one line into many: white space and line ends run together
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Output, parseNotebook } from "../../lib/course/nbformat.js";
import { articleMoments, articlePins, articleScenario } from "../../lib/scenario/article.js";
import { scenarioAt } from "../../lib/scenario/edit.js";
import { whereami, whereamiIngress } from "../../lib/scenario/manifests.js";
import type { Pins } from "../../lib/scenario/scenario.js";
import { openSession } from "../../lib/shell/session.js";

/** What is not compared as it stands, and why. Applied to both sides. */
const masks: readonly { readonly what: string; readonly why: string; readonly pattern: RegExp; readonly as: string }[] =
  [
    { what: "round-trip times", why: "latency is drawn by chance", pattern: /time=[\d.]+ ms/, as: "time=# ms" },
    {
      what: "the time of day of a captured packet",
      why: "its microseconds follow from latencies",
      pattern: /^\d\d:\d\d:\d\d\.\d{6} /,
      as: "#:#:# ",
    },
    {
      what: "a chain's policy counters",
      why: "the observed node had carried an hour of other traffic",
      pattern: /\(policy (\w+) \d+ packets, \d+ bytes\)/,
      as: "(policy $1 # packets, # bytes)",
    },
    {
      what: "a rule's counters",
      why: "the same",
      pattern: /^\s*\d+\s+\d+\s+(?=\S+\s+(?:all|tcp|udp|icmp)\s)/,
      as: "# # ",
    },
  ];

/** What is compared by its pattern only, as the first value is chance: further values count from it. */
const renumbered: readonly { readonly what: string; readonly why: string; readonly pattern: RegExp }[] = [
  { what: "ICMP identifiers", why: "ping takes them from its process id", pattern: /\bid (\d+)/ },
  {
    what: "ICMP sequence numbers in a capture",
    why: "the observed captures began in the middle of a ping",
    pattern: /\bseq (\d+)/,
  },
];

/** What the page cuts off at the end of an output. The model's answer may go on with these lines only. */
const cut: readonly { readonly what: string; readonly why: string; readonly command: RegExp; readonly rest: RegExp }[] =
  [
    {
      what: "further answers, ^C",
      why: "the page shows a ping that still runs",
      command: /-- ping /,
      rest: /^64 bytes from |^\^C$/,
    },
    {
      what: "further packets, ^C and the closing counts",
      why: "the page shows a capture that still runs",
      command: /tcpdump/,
      rest: /^#:#:# IP |^\^C$|^\d+ packets (?:captured|received by filter|dropped by kernel)$/,
    },
  ];

/** Commands whose output the page does not show at all. They run; test/shell holds what they print. */
const silent: readonly { readonly command: RegExp; readonly why: string }[] = [
  { command: /\bk apply -f/, why: "shown without output" },
  { command: /\baz aks enable-addons\b/, why: "shown without output" },
  { command: /\bk config use-context\b/, why: "shown without output" },
];

interface Typed {
  readonly line: string;
  readonly output: readonly string[];
}

interface Block {
  readonly name: string;
  readonly mode: "exact" | "collapsed" | "joined";
  readonly commands: readonly Typed[];
}

const isCommand = (line: string): boolean => /^(?:\$|\[\S+@\S+ \S+\]#|\S+@\S+:\S*\$|k )/.test(line);

/** Splits a session as seen on a screen into its commands, each with what it printed. Bare prompts fall away. */
const readSession = (lines: readonly string[]): readonly Typed[] => {
  const commands: { line: string; output: string[] }[] = [];
  for (const line of lines) {
    if (isCommand(line)) commands.push({ line, output: [] });
    else commands.at(-1)?.output.push(line);
  }
  return commands.filter(({ line }) => line !== "$");
};

const blocks: readonly Block[] = readFileSync(new URL("article.txt", import.meta.url), "utf8")
  .split(/^=== /m)
  .slice(1)
  .map(text => {
    const [heading, ...lines] = text.trimEnd().split("\n");
    const [, name, mode] = /^(.+) \((exact|collapsed|joined)\)$/.exec(heading!)!;
    return { name: name!, mode: mode as Block["mode"], commands: readSession(lines) };
  });

const [azure, kubenet] = articleScenario.clusters;
const applied = (cluster: typeof azure, index: number): string => cluster!.manifests[index]!.appliedAt!;
const enabled = (pins: Pins): string => pins.created!["Addon/http_application_routing"]!;

/** When each block was typed, in order; blocks in one entry were typed into several terminals at once. A list gives each command its time. */
const story: readonly { readonly at: string | readonly string[]; readonly blocks: readonly string[] }[] = [
  { at: applied(azure, 0), blocks: ["azure apply"] },
  { at: articleMoments.azureStatus.at, blocks: ["azure status"] },
  { at: articleMoments.azurePing.at, blocks: ["azure capture", "azure ping"] },
  { at: articleMoments.azureCurl.at, blocks: ["azure curl"] },
  { at: articleMoments.azureSku.at, blocks: ["azure sku"] },
  { at: [enabled(articlePins.azurecluster), applied(azure, 1)], blocks: ["azure addon"] },
  { at: articleMoments.azureServices.at, blocks: ["azure services"] },
  { at: articleMoments.azurePods.at, blocks: ["azure pods"] },
  { at: articleMoments.azureIngressCurl.at, blocks: ["azure ingress curl"] },
  {
    at: [applied(kubenet, 0), applied(kubenet, 0), enabled(articlePins.kubenetcluster), applied(kubenet, 1)],
    blocks: ["kubenet set-up"],
  },
  { at: articleMoments.kubenetStatus.at, blocks: ["kubenet status"] },
  { at: articleMoments.kubenetPing.at, blocks: ["kubenet capture", "kubenet ping"] },
  { at: articleMoments.kubenetPodToPod.at, blocks: ["kubenet pod capture", "kubenet pod ping"] },
  { at: articleMoments.kubenetRules.at, blocks: ["kubenet rules"] },
  { at: articleMoments.kubenetKubelet.at, blocks: ["kubenet kubelet"] },
  { at: articleMoments.kubenetCurl.at, blocks: ["kubenet curl"] },
];

const renumber = (lines: readonly string[], pattern: RegExp): readonly string[] => {
  const first = lines.map(line => pattern.exec(line)?.[1]).find(found => found !== undefined);
  return lines.map(line =>
    line.replace(pattern, (found, number: string) => found.replace(number, `+${Number(number) - Number(first)}`)),
  );
};

const prepare = (lines: readonly string[], mode: Block["mode"]): readonly string[] => {
  const masked = lines.map(line => masks.reduce((text, { pattern, as }) => text.replace(pattern, as), line));
  const numbered = renumbered.reduce<readonly string[]>((all, { pattern }) => renumber(all, pattern), masked);
  switch (mode) {
    case "exact":
      return numbered;
    case "collapsed":
      return numbered.map(line => line.replace(/\s+/g, " ").trim());
    case "joined":
      return [numbered.join(" ").replace(/\s+/g, " ").trim()];
  }
};

const compare = (seen: Typed, answer: readonly string[], mode: Block["mode"]): void => {
  if (silent.some(({ command }) => command.test(seen.line))) return assert.equal(seen.output, []);
  const expected = prepare(seen.output, mode);
  const got = prepare(answer, mode);
  // The page leaves out all but the last line.
  if (expected[0] === "...") return assert.is(got.at(-1), expected.at(-1), seen.line);
  assert.equal(got.slice(0, expected.length), expected, seen.line);
  const allowed = cut.find(({ command }) => command.test(seen.line))?.rest;
  assert.equal(
    got.slice(expected.length).filter(line => allowed?.test(line) !== true),
    [],
    `${seen.line}: more than the page shows`,
  );
};

const files = [whereami, whereamiIngress];
const readFile = (path: string): string => files.find(({ file }) => path === `./${file}`)!.yaml;

/** The clusters as they were before anything was applied. */
const start = scenarioAt(articleScenario, new Date(Date.parse(applied(azure, 0)) - 1000).toISOString());
const session = await openSession(start, { readFile });

const article = suite("the article");

article("is typed in full", () => {
  assert.equal(blocks.map(({ name }) => name).toSorted(), story.flatMap(({ blocks: names }) => names).toSorted());
  assert.is(blocks.flatMap(({ commands }) => commands).length, 33);
});

for (const { at, blocks: names } of story)
  article(names.join(", "), async () => {
    const typed = names.map(name => blocks.find(block => block.name === name)!);
    const commands = typed.flatMap(({ commands: all }) => all);
    const modes = new Map(typed.flatMap(({ mode, commands: all }) => all.map(command => [command, mode] as const)));
    const answers = new Map<Typed, readonly string[]>();
    if (typeof at === "string") {
      await session.at(at);
      const screen = await session.sh(commands.map(({ line }) => line).join("\n"));
      const parts =
        commands.length === 1
          ? [{ line: commands[0]!.line, output: screen.split("\n") }]
          : readSession(screen.split("\n"));
      assert.equal(
        parts.map(({ line }) => line),
        commands.map(({ line }) => line),
      );
      commands.forEach((command, index) => answers.set(command, parts[index]!.output));
    } else
      for (const [index, command] of commands.entries()) {
        await session.at(at[index]!);
        answers.set(command, (await session.sh(command.line)).split("\n"));
      }
    for (const command of commands) compare(command, answers.get(command)!, modes.get(command)!);
  });

/** What the cells of the course hold and print. */
const course = fileURLToPath(new URL("../../notebooks/", import.meta.url));
const cells = readdirSync(course)
  .filter(name => name.endsWith(".ipynb"))
  .flatMap(name => parseNotebook(readFileSync(join(course, name), "utf8"), name).cells)
  .flatMap(cell => (cell.type === "code" ? [cell] : []));

const textsOf = (outputs: readonly Output[]): readonly string[] =>
  outputs.flatMap(output => {
    const text = output.output_type === "stream" ? output.text : output.data["text/plain"];
    return typeof text === "string" ? [text.trimEnd()] : [];
  });

/** Whether an output of a cell is what was seen: the cell's only command's, or one of a transcript's. */
const shows = (text: string, seen: Typed, mode: Block["mode"]): boolean => {
  const lines = text.split("\n");
  const answers = [lines, ...readSession(lines).flatMap(({ line, output }) => (line === seen.line ? [output] : []))];
  return answers.some(answer => {
    try {
      compare(seen, answer, mode);
      return true;
    } catch {
      return false;
    }
  });
};

const reader = suite("a reader of the course");

for (const { name, mode, commands } of blocks)
  reader(`sees ${name}`, () => {
    const unseen = commands.filter(
      seen =>
        !cells.some(
          ({ source, outputs }) => source.includes(seen.line) && textsOf(outputs).some(text => shows(text, seen, mode)),
        ),
    );
    assert.equal(
      unseen.map(({ line }) => line),
      [],
    );
  });

article.run();
reader.run();
