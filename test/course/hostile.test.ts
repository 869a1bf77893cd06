import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { parseNotebook } from "../../lib/course/nbformat.js";
import { chapterOf } from "../../lib/course/page.js";
import { sanitise } from "../../lib/course/sanitise.js";
import { hasTool } from "../tools.js";
import { startBrowser, startFirefox } from "./browser.js";
import { folder } from "./notebooks.js";

/** The compiled book: it finds the page's own sources from where it stands. */
const { bookFiles } = (await import(
  new URL("../../lib/course/dist/book.js", import.meta.url).href
)) as typeof import("../../lib/course/book.js");

const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Texts that run where they are taken for HTML, markdown, an attribute, an address or a script. `RUN` is the program. */
const texts = [
  `x <kbd> <img src=x onerror=RUN y`,
  `x <code> <img src=x onerror=RUN> y`,
  `x <pre> <svg onload=RUN> y`,
  `x <script> RUN y`,
  `<script>RUN</script>`,
  `</script><script>RUN</script>`,
  `<img src=x onerror=RUN>`,
  `"><img src=x onerror=RUN>`,
  `' onmouseover='RUN' x='`,
  `" autofocus onfocus="RUN" x="`,
  `</title><script>RUN</script>`,
  `</pre></code><script>RUN</script>`,
  `</textarea><script>RUN</script>`,
  `--><script>RUN</script>`,
  `<svg><style><img src=x onerror=RUN></style></svg>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=RUN&gt;">`,
  `<iframe srcdoc="<script>parent.ran=1;RUN</script>"></iframe>`,
  `<object data="data:text/html,<script>RUN</script>"></object>`,
  `<meta http-equiv=refresh content="0;url=javascript:RUN">`,
  `<base href="https://example.invalid/">`,
  `<form action="javascript:RUN"><button id=go>go</button></form>`,
  `<details open ontoggle=RUN>x</details>`,
  `<link rel=stylesheet href="https://example.invalid/x.css">`,
  `<style>body{background:url(https://example.invalid/y)}</style>`,
  `<div style="background:url(https://example.invalid/z)">x</div>`,
  `<p><a href="https://example.org/><img src=x onerror=RUN>">x</a></p>`,
  `[x](javascript:RUN)`,
  `[x](java\tscript:RUN)`,
  `[x](java&Tab;script:RUN)`,
  `[x](&#106;avascript:RUN)`,
  `[x](<JaVaScRiPt:RUN>)`,
  `[x](data:text/html,<script>RUN</script>)`,
  `[x](//example.invalid/share)`,
  `[x](<\\\\\\\\example.invalid\\\\share>)`,
  `[x]: javascript:RUN\n\n[x]`,
  `![x" onerror="RUN](data:image/png;base64,x)`,
  `![x](//example.invalid/p.png)`,
  `![x](https://example.invalid/p.png)`,
  `<javascript:RUN>`,
  '```x"><script>RUN</script>\n<script>RUN</script>\n```',
  "`<script>RUN</script>`",
  `| a |\n|---|\n| <img src=x onerror=RUN> |`,
  `# <img src=x onerror=RUN>`,
  `## "><script>RUN</script>`,
] as const;

const program = "window.ran=(window.ran||0)+1";
const hostile = texts.map(text => text.replaceAll("RUN", program));

const display = (data: object, metadata: object = {}) => ({ output_type: "display_data", data, metadata });

/** A chart with a hostile text wherever a chart shows, computes or loads something; Vega takes no line end in a title. */
const chart = (lines: string, text = lines.replaceAll("\n", " ")) => ({
  $schema: "https://vega.github.io/schema/vega-lite/v5.json",
  description: text,
  title: text,
  usermeta: {
    embedOptions: {
      ast: false,
      actions: true,
      sourceHeader: text,
      defaultStyle: text,
      loader: { baseURL: "https://example.invalid/" },
    },
  },
  params: [{ name: "p", value: 1, bind: { input: "range", min: 0, max: 2, name: text } }],
  data: { values: [{ a: text, b: 1, link: `javascript:${program}`, image: "https://example.invalid/i.png" }] },
  transform: [{ calculate: "datum.b + p", as: "c" }],
  mark: { type: "bar", tooltip: { content: "data" } },
  encoding: {
    x: { field: "a", type: "nominal", title: text },
    y: { field: "c", type: "quantitative" },
    href: { field: "link" },
    url: { field: "image" },
  },
});

/** A chart whose expression reaches for the page. */
const grasping = {
  ...chart("x"),
  transform: [{ calculate: `datum.constructor.constructor('${program}')()`, as: "c" }],
};

const code = (source: string, outputs: readonly object[]) => ({
  cell_type: "code",
  id: "x",
  metadata: { tags: [source] },
  source,
  execution_count: 1,
  outputs,
});

/** A notebook with a text in every place that it has. */
const notebookOf = (text: string): string =>
  JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "tslab", display_name: text }, title: text },
    cells: [
      { cell_type: "markdown", id: text, metadata: { tags: [text] }, source: "# Title\n\nText." },
      { cell_type: "markdown", metadata: {}, source: text },
      { cell_type: "markdown", metadata: {}, source: `## ${text}` },
      { cell_type: "raw", metadata: {}, source: text },
      code(text, [
        { output_type: "stream", name: "stdout", text },
        { output_type: "stream", name: "stderr", text },
        { output_type: "stream", name: text, text: `ok  ${text}\n` },
        display({ "text/plain": text }),
        display({ "text/html": text, "text/plain": text }),
        display({
          "text/html": `<figure class="chart"><div class="vega" data-spec="${text.replaceAll('"', "&quot;")}"></div></figure>`,
        }),
        display({ "image/png": text, "text/plain": text }, { "image/png": { alt: text } }),
        display({ "image/png": picture, "text/plain": text }),
        display({ "image/svg+xml": text, "text/markdown": text, "application/javascript": program }),
        display({ [text]: text }),
        display({ "application/vnd.vegalite.v5+json": chart(text), "image/png": picture, "text/plain": text }),
        display({ "application/vnd.vegalite.v5+json": text, "image/png": picture }),
        { output_type: "error", ename: text, evalue: text, traceback: [text] },
      ]),
    ],
  });

/** File names are texts too; no file system takes a slash or a very long one. */
const nameOf = (text: string, i: number) => `${i}-${text.replace(/[/\0\n]/g, "_").slice(0, 60)}`;

const writeBook = async (notebooks: ReadonlyMap<string, string>): Promise<string> => {
  const path = folder();
  const chapters = [...notebooks].map(([name, text]) => chapterOf(name, parseNotebook(text, name)));
  for (const [name, content] of await bookFiles(chapters)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
};

const path = await writeBook(
  new Map([
    ...hostile.map((text, i) => [nameOf(text, i), notebookOf(text)] as const),
    [
      "grasping",
      JSON.stringify({
        ...JSON.parse(notebookOf("x")),
        cells: [
          { cell_type: "markdown", metadata: {}, source: "# Title" },
          code("1", [
            display({ "application/vnd.vegalite.v5+json": grasping, "image/png": picture, "text/plain": "x" }),
          ]),
        ],
      }),
    ] as const,
  ]),
);
const charted = hostile.map((text, i) => `${nameOf(text, i)}.html`);
const chartless = ["index.html", "grasping.html"];

const test = suite("hostile text");

test("becomes text, and no element or address of it is left", () => {
  const html = hostile.map(text => sanitise(text)).join("\n");
  const tags = [...html.matchAll(/<([a-z][^\s>]*)((?:[^>"]|"[^"]*")*)>/gi)];
  assert.equal(
    tags.filter(
      ([, tag, rest]) => /script|style|svg|iframe|object|form|link|meta|base/i.test(tag!) || / on\w+=/i.test(rest!),
    ),
    [],
  );
  assert.not.match(html, /href="(?:java|data|\/|\\)/i);
});

test("that is nested without end is refused in one line", () => {
  const deep = "<div>".repeat(200_000);
  try {
    sanitise(deep);
  } catch (error) {
    assert.instance(error, InputError);
  }
});

test("in a first paragraph stands in the first page without its links", () => {
  assert.is(
    sanitise('a <a href="https://x.org/><img src=x onerror=alert(1)>">b</a> <em>c</em>', { links: false }),
    "a b <em>c</em>",
  );
});

/** Clicks on all that leads anywhere, staying on the page, and tells whether any of the texts has run. */
const provoke = `(() => {
  addEventListener("click", event => {
    const link = event.target.closest?.("a");
    const to = link?.href?.baseVal ?? link?.href ?? "";
    if (!/^javascript:/i.test(to.replace(/[\\u0000-\\u0020]/g, ""))) event.preventDefault();
  }, true);
  for (const element of document.querySelectorAll("main *")) {
    for (const type of ["mouseover", "focus", "toggle", "click"])
      element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }));
  }
  return new Promise(done => setTimeout(() => done(window.ran ?? 0), 50));
})()`;

if (hasTool("chromium", "apt-get install chromium")) {
  let browser: Browser;
  test.before(async () => void (browser = await startBrowser()));
  test.after(() => browser.close());

  // Twice: the text is harmless where the browser knows no policy, and the policy stops what gets through.
  for (const policy of [true, false])
    test(`runs nothing in Chromium ${policy ? "under" : "without"} the pages' policy`, async () => {
      const context = await browser.newContext({ bypassCSP: !policy });
      const page = await context.newPage();
      const requests: string[] = [];
      page.on("request", request => /^(file|data|blob):/.test(request.url()) || requests.push(request.url()));
      for (const name of [...charted, ...chartless]) {
        await page.goto(`file://${join(path, encodeURIComponent(name))}`, { waitUntil: "load" });
        if (charted.includes(name)) await page.waitForSelector("figure.live", { state: "attached", timeout: 20_000 });
        assert.is(await page.evaluate(provoke), 0, name);
      }
      if (policy) assert.equal(requests, []);
      await context.close();
    });
}

if (hasTool("firefox-esr", "apt-get install firefox-esr"))
  test("runs nothing in Firefox, which draws the charts", async () => {
    const browser = await startFirefox();
    try {
      const page = await browser.newPage();
      for (const name of [...charted.slice(0, 8), ...chartless]) {
        await page.goto(`file://${join(path, encodeURIComponent(name))}`, { waitUntil: "load" });
        if (charted.includes(name)) await page.waitForSelector("figure.live", { timeout: 20_000 });
        assert.is(await page.evaluate(provoke), 0, name);
      }
    } finally {
      await browser.close();
    }
  });

test.run();
