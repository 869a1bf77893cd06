import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const lib = fileURLToPath(new URL("../lib", import.meta.url));
const files = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter(
  file => file.endsWith(".ts") && !/^(dist|node_modules)\b/.test(file),
);

/** What each part of the library may import besides itself and the files at the top (errors, random). */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  ip: [],
  packet: ["ip"],
  netfilter: ["ip", "packet"],
  net: ["ip", "packet", "netfilter"],
  azure: ["ip", "packet", "netfilter", "net"],
  kube: ["ip", "packet", "netfilter", "net"],
  scenario: ["ip", "packet", "netfilter", "net", "azure", "kube"],
  linux: ["ip", "packet", "netfilter", "net"],
  snat: ["ip", "packet", "netfilter", "net", "azure"],
  render: ["ip", "packet", "netfilter", "net", "azure", "kube", "scenario", "snat"],
  chart: ["ip", "packet", "netfilter", "net", "azure", "kube", "scenario", "snat", "render"],
  shell: ["ip", "packet", "netfilter", "net", "azure", "kube", "scenario", "render"],
  course: [], // a package of its own: it reaches the library by its entries
};

/** Parts that a browser can load: nothing of Node in them. */
const portable = ["ip", "packet", "netfilter", "net", "azure", "kube", "scenario", "snat", "render", "chart", "shell"];
/** Files of theirs that only Node loads, on demand. */
const nodeOnly = ["snat/worker.ts", "snat/workerThreads.ts"];

interface Import {
  readonly file: string;
  readonly part: string;
  readonly specifier: string;
  /** The part of the library that it leads to; undefined for a package. */
  readonly to: string | undefined;
}

const partOf = (path: string): string => (path.includes(sep) ? path.split(sep)[0]! : "");
const imports: readonly Import[] = files.flatMap(file =>
  [...readFileSync(join(lib, file), "utf8").matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, specifier]) => ({
    file,
    part: partOf(file),
    specifier: specifier!,
    to: specifier!.startsWith(".") ? partOf(relative(lib, join(lib, dirname(file), specifier!))) : undefined,
  })),
);

const test = suite("architecture");

test("every part has a rank", () => {
  assert.equal(
    [...new Set(files.map(partOf))].filter(part => part !== "" && !(part in mayImport)),
    [],
  );
});

/** Folders whose name is part of their files' names: a match and a target of netfilter may be called the same. */
const speaking = [join("netfilter", "match"), join("netfilter", "target"), join("kube", "plane")];

test("a file's name says alone which it is", () => {
  const places = new Map<string, string[]>();
  for (const file of files) {
    if (speaking.includes(dirname(file)) || file.split(sep).some(part => part === "dist" || part === "node_modules"))
      continue;
    const name = basename(file);
    if (name !== "index.ts") places.set(name, [...(places.get(name) ?? []), file]);
  }
  assert.equal(
    [...places.values()].filter(same => same.length > 1),
    [],
  );
});

test("no part imports one of a higher rank", () => {
  const wrong = imports.filter(
    ({ part, to }) => part !== "" && to !== undefined && to !== "" && to !== part && !mayImport[part]!.includes(to),
  );
  assert.equal(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test("no imports go round in a circle, those of types included", () => {
  const done = new Set<string>();
  const circle = (file: string, way: readonly string[] = []): readonly string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    done.add(file);
    return imports
      .filter(each => each.file === file && each.specifier.startsWith("."))
      .map(({ specifier }) => join(dirname(file), specifier.replace(/\.js$/, ".ts")))
      .flatMap(to => circle(to, [...way, file]));
  };
  assert.equal(
    files.flatMap(file => circle(file)),
    [],
  );
});

test("what reads, checks and runs rules knows nothing of how they are printed", () => {
  const wrong = imports.filter(
    ({ part, file, specifier }) =>
      part === "netfilter" && basename(file) !== "index.ts" && specifier.endsWith("/print.js"),
  );
  assert.equal(
    wrong.map(({ file }) => file),
    [],
  );
});

test("only ip knows ip-num", () => {
  const wrong = imports.filter(({ part, specifier }) => specifier === "ip-num" && part !== "ip");
  assert.equal(
    wrong.map(({ file }) => file),
    [],
  );
});

test("the model and what shows it run in a browser", () => {
  const wrong = imports.filter(
    ({ file, part, specifier }) =>
      portable.includes(part) && !nodeOnly.includes(file.replaceAll(sep, "/")) && specifier.startsWith("node:"),
  );
  assert.equal(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test("no list is spread into the arguments of a call: a long one does not fit on the stack", () => {
  const spread =
    /(?:Math\.(?:max|min)|fromCharCode|fromCodePoint)\([^;]*?\.\.\.|\.(?:push|unshift|splice)\((?:[^(){}]*, )?\.\.\.|push\.apply\(/;
  const found = files.flatMap(file =>
    readFileSync(join(lib, file), "utf8")
      .split("\n")
      .flatMap((line, i) => (spread.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
  );
  assert.equal(found, []);
});

test.run();
