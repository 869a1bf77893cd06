import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hasTool } from "../tools.js";
import { look, startBrowser } from "./browser.js";
import { egressLab, egressLabIn, folder, notebook, root } from "./notebooks.js";

/** Notebooks of the test's own, and the course's. */
const shelves = ["test/course/fixtures/book", "notebooks"].filter(path =>
  readdirSync(join(root, path)).some(name => name.endsWith(".ipynb")),
);

const out = folder();
const books = shelves.map((shelf, i) => ({
  shelf,
  path: join(out, `book-${i}`),
  ran: egressLab(root, "book", shelf, "--out", join(out, `book-${i}`)),
}));
const pagesOf = (path: string) =>
  readdirSync(path)
    .filter(name => name.endsWith(".html"))
    .sort();

const making = suite("egress-lab book");

making("writes an index and a page per notebook", () => {
  for (const { shelf, path, ran } of books) {
    assert.is(ran.code, 0, ran.stderr);
    const notebooks = readdirSync(join(root, shelf))
      .filter(name => name.endsWith(".ipynb"))
      .map(name => name.replace(".ipynb", ".html"));
    assert.equal(pagesOf(path), [...notebooks, "index.html"].sort());
  }
});

making("writes the same bytes again over an earlier book", () => {
  const { shelf, path } = books[0]!;
  const bytes = () =>
    readdirSync(path, { recursive: true, encoding: "utf8" })
      .sort()
      .filter(name => name.includes("."))
      .map(name => [name, readFileSync(join(path, name), "base64")]);
  const before = bytes();
  writeFileSync(join(path, "left-over.html"), "");
  const again = egressLab(root, "book", shelf, "--out", path);
  assert.is(again.code, 0, again.stderr);
  assert.equal(bytes(), before);
});

making("escapes what is not its own", () => {
  const page = readFileSync(join(books[0]!.path, "01-ports.html"), "utf8");
  assert.match(page, `&lt;script>alert("no")&lt;/script>`);
  assert.match(page, "half &amp; half &lt;of it>");
  assert.match(page, 'href="02-addresses.html"');
  assert.not.match(page, "javascript:");
});

making("writes nothing when a cell fails, and replaces nothing but a book", () => {
  const cwd = folder({ "a.ipynb": notebook("1"), "b.ipynb": notebook("throw 1") });
  const failed = egressLab(cwd, "book", ".", "--out", "book");
  assert.is(failed.code, 1);
  assert.equal(readdirSync(cwd).sort(), ["a.ipynb", "b.ipynb"]);
  const refused = egressLab(cwd, "book", ".", "--out", ".");
  assert.is(refused.code, 2);
  assert.is(refused.stderr, '--out: "." holds something else than a book; expected a new or empty folder\n');
  const empty = egressLab(folder(), "book", ".", "--out", "book");
  assert.is(empty.stderr, 'notebooks: "." holds no notebook; expected a folder with .ipynb files\n');
});

making(
  "shows a chapter that needs Linux with the outputs in its file where it fails or cannot run, and says so",
  () => {
    const needy = JSON.parse(notebook({ source: "throw new Error('no <answer>')", tags: ["needs-linux"] })) as {
      readonly cells: { outputs: object[] }[];
    };
    needy.cells[0]!.outputs = [{ output_type: "stream", name: "stdout", text: "as committed\n" }];
    const cwd = folder({ "a.ipynb": notebook("console.log('fresh')"), "b.ipynb": JSON.stringify(needy) });
    const { CI: _, ...env } = process.env;
    const failed = egressLabIn({ ...env, CI: "true" }, cwd, "book", ".", "--out", "book");
    assert.is(failed.code, 3, failed.stderr);
    assert.match(
      failed.stdout,
      "book/index.html: 2 chapters; with the outputs in its file, as its run failed: b.ipynb\n",
    );
    assert.match(failed.stderr, "FAIL  b.ipynb, cell 1");
    const unable = egressLabIn({ ...env, PATH: "/nowhere" }, cwd, "book", ".", "--out", "kept");
    assert.is(unable.code, 0, unable.stderr);
    for (const [book, why] of [
      ["book", /those in its file, not of a run of this book’s own: cell 1 failed \(Error: no &lt;answer&gt;\)\.<\/p>/],
      ["kept", /those in its file, not of a run of this book’s own: the linux engine .*<\/p>/],
    ] as const) {
      const page = readFileSync(join(cwd, book, "b.html"), "utf8");
      assert.match(page, "as committed");
      assert.match(page, why);
      assert.match(readFileSync(join(cwd, book, "index.html"), "utf8"), why);
      assert.match(readFileSync(join(cwd, book, "a.html"), "utf8"), "fresh");
    }
  },
);

making.run();

const reading = suite("the book in a browser");

if (hasTool("chromium", "apt-get install chromium")) {
  let browser: Browser;
  reading.before(async () => void (browser = await startBrowser()));
  reading.after(() => browser.close());

  reading("shows every page from disk: no error, charts drawn, nothing too wide", async () => {
    for (const { path } of books)
      for (const name of pagesOf(path))
        for (const width of [390, 1280]) {
          const page = await look(browser, join(path, name), width);
          const where = `${name} at ${width}`;
          assert.equal(page.errors, [], where);
          assert.equal(page.requests, [], where);
          assert.is(page.drawn, page.charts, where);
          assert.is(page.live, page.charts, where);
          assert.is(page.imagesWithoutAlt, 0, where);
          assert.is(page.overflow, 0, where);
          assert.is(page.language, "en");
          assert.equal(page.deadLinks, [], where);
          assert.is(page.headings.filter(level => level === 1).length, 1, `${where}: one main heading`);
          assert.ok(
            page.headings.every((level, i) => i === 0 || level <= page.headings[i - 1]! + 1),
            `${where}: headings ${page.headings} skip a level`,
          );
        }
    assert.ok((await look(browser, join(books[0]!.path, "01-ports.html"), 1280)).charts > 0);
  });

  reading("shows pictures of the charts where there is no script", async () => {
    const page = await look(browser, join(books[0]!.path, "01-ports.html"), 1280, false);
    assert.is(page.live, 0);
    assert.ok(page.charts > 0);
    assert.is(page.brokenImages, 0);
  });

  reading("leads from page to page", () => {
    for (const { path } of books)
      for (const name of pagesOf(path))
        for (const [, href] of readFileSync(join(path, name), "utf8").matchAll(/ (?:href|src)="([^"#:]+)(?:#[^"]*)?"/g))
          assert.ok(existsSync(join(path, href!)), `${name} leads to ${href}`);
  });
}

reading.run();
