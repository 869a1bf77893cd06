import type { Cell, CodeCell, Notebook, Output } from "./nbformat.js";
import { type Heading, type MarkdownPage, highlight, markdownPage, scrolling } from "./markdown.js";
import { sanitise } from "./sanitise.js";
import { escapeHtml } from "./dataTable.js";

/** A notebook as a chapter of the book, before it is set in the page that all chapters share. */
export interface Chapter {
  /** File name in the book: `03-azure-cni-to-the-internet.html`. */
  readonly file: string;
  readonly title: string;
  /** The first paragraph, in HTML without links. */
  readonly summary: string;
  readonly body: string;
  readonly headings: readonly Heading[];
  /** Pictures by file name in the book. */
  readonly pictures: ReadonlyMap<string, Uint8Array>;
  readonly hasCharts: boolean;
  /** Why it was not run, or not to its end: its outputs are those in the notebook's file. */
  readonly kept?: string;
}

const chartType = /^application\/vnd\.vegalite\.v\d+\+json$/;

/** A file's name as an address, whatever characters it has. */
const address = (name: string): string => encodeURIComponent(name).replace(/'/g, "%27");

/** The lines of passed checks are marked, and wrapped on a narrow screen; other text keeps its columns. */
const checksHtml = (text: string): string | undefined => {
  const lines = text.trimEnd().split("\n");
  if (!lines.every(line => line.startsWith("ok  "))) return undefined;
  return lines.map(line => `<div><span class="ok">ok</span>${escapeHtml(line.slice(2))}</div>`).join("");
};

const preformatted = (html: string, label: string, style = ""): string =>
  `<pre${style === "" ? "" : ` class="${style}"`} tabindex="0" aria-label="${label}">${html.trimEnd()}</pre>`;

/** Renders the outputs of one chapter; pictures go to files beside the page. An element that one leaves open ends with it. */
class OutputRenderer {
  readonly pictures = new Map<string, Uint8Array>();
  hasCharts = false;

  constructor(private readonly name: string) {}

  output(output: Output): string {
    const inner = output.output_type === "stream" ? this.stream(output) : this.display(output);
    return sanitise(`<div class="output">${inner}</div>`);
  }

  private stream(output: Extract<Output, { output_type: "stream" }>): string {
    const checks = checksHtml(output.text);
    if (checks !== undefined) return preformatted(checks, "Checks", "checks");
    return preformatted(escapeHtml(output.text), "Output", output.name === "stderr" ? "stderr" : "");
  }

  private display({ data, metadata }: Extract<Output, { output_type: "display_data" }>): string {
    const text = typeof data["text/plain"] === "string" ? data["text/plain"] : "";
    const alt = (metadata["image/png"] as { readonly alt?: string } | undefined)?.alt ?? text;
    const png = data["image/png"];
    const image = typeof png === "string" ? `<img src="${this.picture(png)}" alt="${escapeHtml(alt)}">` : "";
    const chart = Object.keys(data).find(type => chartType.test(type));
    if (chart !== undefined) {
      this.hasCharts = true;
      return `<figure class="chart">${image}<div class="vega" data-spec="${escapeHtml(JSON.stringify(data[chart]))}"></div></figure>`;
    }
    if (image !== "") return `<figure>${image}</figure>`;
    if (typeof data["text/html"] === "string") return scrolling(data["text/html"], "Result");
    return preformatted(escapeHtml(text), "Output");
  }

  private picture(base64: string): string {
    const path = `pictures/${this.name}-${this.pictures.size + 1}.png`;
    this.pictures.set(path, Buffer.from(base64, "base64"));
    return path.split("/").map(address).join("/");
  }
}

const labelOf = (cell: CodeCell): string =>
  cell.tags.some(tag => tag.endsWith("parameters")) ? "parameters" : `[${cell.executionCount ?? " "}]`;

const codeHtml = (cell: CodeCell, renderer: OutputRenderer): string => {
  const input = sanitise(
    `<div class="input"><span class="label">${labelOf(cell)}</span><pre tabindex="0" aria-label="Code"><code>${highlight(cell.source.trimEnd(), "typescript")}</code></pre></div>`,
  );
  return `<section class="cell" aria-label="Cell ${cell.executionCount ?? ""}">${input}${cell.outputs.map(output => renderer.output(output)).join("")}</section>`;
};

const cellHtml = (cell: Cell, markdown: MarkdownPage, renderer: OutputRenderer): string => {
  if (cell.type === "markdown") return sanitise(`<div class="prose">${markdown.html(cell.source)}</div>`);
  return cell.type === "code" && cell.source.trim() !== "" ? codeHtml(cell, renderer) : "";
};

/**
 * Renders an executed notebook.
 * @param name its file name without the extension
 * @param kept why it has the outputs in its file instead; the page then says so
 */
export const chapterOf = (name: string, notebook: Notebook, kept?: string): Chapter => {
  const markdown = markdownPage();
  const renderer = new OutputRenderer(name);
  const body = notebook.cells
    .map(cell => cellHtml(cell, markdown, renderer))
    .filter(html => html !== "")
    .join("\n");
  return {
    file: `${name}.html`,
    title: markdown.headings.find(heading => heading.depth === 1)?.text ?? name,
    summary: sanitise(/<p>([^]*?)<\/p>/.exec(body)?.[1] ?? "", { links: false }),
    body,
    headings: markdown.headings,
    pictures: renderer.pictures,
    hasCharts: renderer.hasCharts,
    ...(kept !== undefined && { kept }),
  };
};

const bookTitle = "Egress lab";
const question =
  "Which source IP does a pod’s packet carry at each hop, which port does it take there, and when do the ports run out?";

const within = (chapter: Chapter): string => {
  const headings = chapter.headings.filter(heading => heading.depth === 2);
  return headings.length === 0
    ? ""
    : `<ol class="within">${headings.map(heading => `<li><a href="#${heading.id}">${escapeHtml(heading.text)}</a></li>`).join("")}</ol>`;
};

const contents = (chapters: readonly Chapter[], current: Chapter | undefined): string => {
  const items = chapters.map(chapter =>
    chapter === current
      ? `<li><a href="${address(chapter.file)}" aria-current="page">${escapeHtml(chapter.title)}</a>${within(chapter)}</li>`
      : `<li><a href="${address(chapter.file)}">${escapeHtml(chapter.title)}</a></li>`,
  );
  return `<nav class="contents" aria-label="Contents">
<a class="title" href="index.html"${current === undefined ? ' aria-current="page"' : ""}>${bookTitle}</a>
<details id="contents" open><summary>Contents</summary>
<ol>
${items.join("\n")}
</ol>
</details>
<script src="contents.js"></script>
</nav>`;
};

interface Page {
  readonly title: string;
  readonly main: string;
  readonly contents: string;
  readonly hasCharts: boolean;
}

/** Marks a page, and so a folder, as one of ours. */
export const generator = '<meta name="generator" content="egress-lab">';

/**
 * What a page may load and run: its own scripts and pictures, nothing from a network. Styles may be inline, as those are
 * that Vega draws with.
 */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

const pageHtml = (page: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
${generator}
<title>${escapeHtml(page.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
${page.hasCharts ? '<script src="charts.js" defer></script>\n' : ""}</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
${page.contents}
<main id="main">
${page.main}
</main>
</body>
</html>
`;

const turn = (label: string, rel: "prev" | "next", chapter: Chapter | undefined): string =>
  chapter === undefined
    ? ""
    : `<a rel="${rel}" href="${address(chapter.file)}"><small>${label}</small>${escapeHtml(chapter.title)}</a>`;

const keptHtml = ({ kept }: Chapter): string =>
  kept === undefined
    ? ""
    : `<p class="kept" role="note">The outputs of this chapter are those in its file, not of a run of this book’s own: ${escapeHtml(kept)}.</p>\n`;

/** The page of a chapter: contents, text, the way to its neighbours. */
export const chapterPage = (chapters: readonly Chapter[], chapter: Chapter): string => {
  const index = chapters.indexOf(chapter);
  const neighbours = `<nav class="turn" aria-label="Chapters">${turn("Previous", "prev", chapters[index - 1])}${turn("Next", "next", chapters[index + 1])}</nav>`;
  const { title, body, hasCharts } = chapter;
  return pageHtml({
    title: `${title} · ${bookTitle}`,
    main: `${keptHtml(chapter)}${body}\n${neighbours}`,
    contents: contents(chapters, chapter),
    hasCharts,
  });
};

/** The first page: the question and the chapters. */
export const indexPage = (chapters: readonly Chapter[]): string => {
  const items = chapters.map(
    chapter =>
      `<li><div><a href="${address(chapter.file)}">${escapeHtml(chapter.title)}</a><p>${chapter.summary}</p>${keptHtml(chapter)}</div></li>`,
  );
  const main = `<h1>${bookTitle}</h1>
<p class="lead">${question}</p>
<p class="lead">Every page is a notebook, executed when this book was made. Its claims are checked by its cells.</p>
<ol class="chapters">
${items.join("\n")}
</ol>`;
  return pageHtml({ title: bookTitle, main, contents: contents(chapters, undefined), hasCharts: false });
};
