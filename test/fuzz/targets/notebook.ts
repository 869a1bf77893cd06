import { fromHtml } from "hast-util-from-html";
import { parametersOf } from "../../../lib/course/declarations.js";
import { markdownPage } from "../../../lib/course/markdown.js";
import { emitNotebook, type Notebook, parseNotebook } from "../../../lib/course/nbformat.js";
import { chapterOf, chapterPage, indexPage } from "../../../lib/course/page.js";
import { injectParameters } from "../../../lib/course/parameters.js";
import { readParametersFile } from "../../../lib/course/parameterValues.js";
import { sanitise } from "../../../lib/course/sanitise.js";
import { type TableData, tableHtml, tableOf, tableText, type Records } from "../../../lib/course/dataTable.js";
import { triesOf } from "../../../lib/course/tries.js";
import { Broken, holds, readValue, reading, same, type Target } from "../target.js";

const own = { script: ["contents.js", "charts.js"], link: ["style.css", "data:,"] } as const;
const forbidden =
  "iframe frame object embed applet base form svg math style template noscript audio video source".split(" ");

type Tree = ReturnType<typeof fromHtml>;
type Node = Tree["children"][number] | Tree;
type Element = Extract<Node, { readonly type: "element" }>;

/** Elements of a tree, those in templates too. */
const elements = (root: Tree): readonly Element[] => {
  const found: Element[] = [];
  const waiting: Node[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === "element") found.push(node);
    if ("children" in node) for (const child of node.children) waiting.push(child);
    if ("content" in node && node.content !== undefined) waiting.push(node.content);
  }
  return found;
};

/** What finished HTML may hold, read as a browser reads it. @throws Broken for what runs, loads or leads elsewhere */
const harmless = (html: string, page: boolean): void => {
  const fail = (what: string): never => {
    throw new Broken(what);
  };
  const allowed = (name: keyof typeof own, value: unknown): void => {
    if (!page || !(own[name] as readonly unknown[]).includes(value)) fail(`<${name}> of ${String(value)}`);
  };
  for (const { tagName, properties } of elements(fromHtml(html, { fragment: !page }))) {
    if (forbidden.includes(tagName)) fail(`<${tagName}>`);
    if (tagName === "script") allowed("script", properties["src"]);
    if (tagName === "link") allowed("link", properties["href"]);
    if (tagName === "meta" && !page) fail("<meta>");
    for (const [name, value] of Object.entries(properties)) {
      if (/^on/i.test(name)) fail(`<${tagName} ${name}>`);
      if (
        ["srcDoc", "srcSet", "action", "formAction", "background", "ping", "data", "poster", "xLinkHref"].includes(name)
      )
        fail(`<${tagName} ${name}>`);
      if (tagName === "link") continue;
      if (name === "href" && !/^(?:https?:|mailto:|[^:/\\]*(?:[/?#]|$))/i.test(String(value)))
        fail(`href ${JSON.stringify(value)}`);
      if (name === "href" && /^[\s/\\]/.test(String(value))) fail(`href ${JSON.stringify(value)}`);
      if (name === "src" && tagName !== "script" && !/^(?:data:image\/|pictures\/)/.test(String(value)))
        fail(`src ${JSON.stringify(value)}`);
      if (name === "style" && !/^text-align: (?:left|right|center)$/.test(String(value)))
        fail(`style ${JSON.stringify(value)}`);
    }
  }
};

const page = (notebook: Notebook): void => {
  const chapter = reading(() => chapterOf("chapter", notebook));
  if (chapter === undefined) return;
  harmless(chapterPage([chapter], chapter), true);
  harmless(indexPage([chapter]), true);
};

const whole = (input: string): void => {
  const notebook = reading(() => parseNotebook(input, "notebook"));
  if (notebook === undefined) return;
  const emitted = emitNotebook(notebook);
  same("a notebook emitted and read again", emitNotebook(parseNotebook(emitted, "what was emitted")), emitted);
  reading(() => parametersOf(notebook, "notebook"));
  reading(() => triesOf(notebook, "notebook"));
  page(notebook);
};

const html = (input: string): void => {
  for (const text of [
    reading(() => sanitise(input)),
    reading(() => sanitise(markdownPage().html(input))),
    reading(() => sanitise(input, { links: false })),
  ])
    if (text !== undefined) harmless(text, false);
  page({ cells: [{ type: "markdown", id: "a", tags: [], source: input }] });
};

const parametersCell = (source: string): Notebook => ({
  cells: [{ type: "code", id: "a", tags: ["parameters"], source, executionCount: null, outputs: [] }],
});
const isFinal = (value: unknown): boolean =>
  typeof value === "number" ? Number.isFinite(value) : !Array.isArray(value) || value.every(isFinal);

/** The first part declares parameters; behind a line `---` is a file of values; the lines behind the next one are arguments. */
const parameters = (input: string): void => {
  const [source = "", file = "", args = ""] = input.split(/^---$/m);
  const notebook = parametersCell(source.trim());
  const declared = reading(() => parametersOf(notebook, "notebook"));
  const values = reading(() => readParametersFile(file, "file"));
  for (const [name, { value }] of values ?? []) {
    holds(`${name} is a value`, value !== undefined && isFinal(value));
    if (declared?.some(parameter => parameter.name === name) === true) {
      const injected = reading(() => injectParameters(notebook, new Map([[name, { value }]]), "notebook"));
      if (injected !== undefined)
        same(`${name} as it was given`, assigned(injected, name), JSON.parse(JSON.stringify(value)));
    }
  }
  for (const line of args.split("\n")) {
    const at = line.indexOf("=");
    if (at < 0 || declared === undefined) continue;
    const [name, text] = [line.slice(0, at), line.slice(at + 1)];
    const injected = reading(() => injectParameters(notebook, new Map([[name, { text }]]), "notebook"));
    if (injected === undefined) continue;
    const value = assigned(injected, name);
    holds(`${name} is a value`, isFinal(value));
    if (typeof value === "number") same(`${name} keeps its number`, value, Number(text));
    if (value === null) same(`${name} is null where that is what was said`, text, "null");
    if (typeof value === "boolean") same(`${name} is as said`, String(value), text);
    if (typeof value === "string") same(`${name} is the text given`, value, text);
  }
};

const assigned = (notebook: Notebook, name: string): unknown => {
  const { source } = notebook.cells.find(cell => cell.tags.includes("injected-parameters"))!;
  const line = source.split("\n").find(each => each.startsWith(`${name} = `))!;
  return JSON.parse(line.slice(`${name} = `.length, -1));
};

const tries = (input: string): void => {
  const { cells } = parametersCell('let a: number = 1; // a: 0 to 10\nlet b: string = "x";');
  reading(() => triesOf({ cells: [...cells, { type: "markdown", id: "b", tags: [], source: input }] }, "notebook"));
};

const table = (input: string): void => {
  const value = readValue(input);
  const data = reading(() =>
    typeof value === "object" && value !== null && "columns" in value
      ? (value as TableData)
      : tableOf(value as Records),
  );
  if (data === undefined) return;
  const text = reading(() => tableText(data));
  const made = reading(() => tableHtml(data));
  if (made !== undefined && text !== undefined) harmless(made, false);
};

const htmlWords =
  `<kbd> <code> <pre> <script> </script> <img src=x onerror=alert(1)> <svg onload=alert(1)> <math> <style> </style> <!-- --> <![CDATA[ ]]> <a href="javascript:alert(1)"> java\tscript:
  &Tab; &#106; &colon; [x](javascript:alert(1)) ![x](data:image/svg+xml,x) <iframe srcdoc=x> <table> <template> <noscript> <textarea> <title> <base href=//x> " ' onfocus=x \` \`\`\` ~~~ # ## > - 1. |a| |--| ** __ ~~ \\ <br> <div data-spec="{}">
  <input type=text> <form action=x> href= //x.example \\\\x\\y data:text/html,x ftp://x www.x.example x@y.example http://x \u0000 \u000c`.split(
    / |\n/,
  );

export const notebookTargets: readonly Target[] = [
  {
    name: "notebook",
    about: "notebook files: what is read is emitted, and reads back, the same; its page holds nothing that runs",
    format: "json",
    words: [
      ..."cells cell_type markdown code raw metadata tags parameters source outputs output_type stream display_data text/html text/plain image/png id nbformat tslab".split(
        " ",
      ),
      ...htmlWords.slice(0, 12),
    ],
    short: 150,
    run: whole,
  },
  {
    name: "notebook-text",
    about: "the text of notebook files, as above",
    format: "text",
    words: ["null", "[", "]", "{", "}", ":", '"cells"', '"source"', '"outputs"', "\\ud800", "\\u0000"],
    short: 150,
    run: whole,
  },
  {
    name: "html",
    about: "markdown and HTML of a notebook: the finished page, read as a browser reads it, holds nothing that runs",
    format: "text",
    words: htmlWords,
    short: 150,
    run: html,
  },
  {
    name: "parameters",
    about: "declared parameters, values of -f and of -p: what is taken is exactly what was said",
    format: "text",
    words: [
      ..."let a : number string boolean null | [] readonly = ; // to or more , 0 1.5 10 true false ~ .inf .nan 1e999 0x10 0o7 12345678901234567890 1_000 yes !!binary !!set !!int !!float !!str &x *x <<: [1,2] {a:1} --- ".split(
        " ",
      ),
      '"a"',
      "'a'",
      "a=",
      "a: ",
      "b: ",
      '"a" or "b"',
      "1 to 10",
      "0.0 to 1.0",
      "1 or more",
      "=>",
      "function",
      "`",
    ],
    run: parameters,
  },
  {
    name: "tries",
    about: "the lines under Try",
    format: "text",
    words: [
      "## Try",
      "- ",
      "`a = 1`",
      '`b = "y"`',
      ", ",
      " with ",
      " and ",
      ": ",
      "refused with",
      "`claim = 2`",
      "(remark)",
      "`",
      "=",
    ],
    run: tries,
  },
  {
    name: "table",
    about: "records and tables that a notebook shows: each text stands as text in the HTML",
    format: "json",
    words: ["columns", "rows", "caption", ...htmlWords.slice(0, 8)],
    run: table,
  },
];
