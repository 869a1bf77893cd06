import hljs from "highlight.js/lib/common";
import { Marked, type Tokens } from "marked";
import { refuse } from "egress-lab/input";
import { escapeHtml } from "./dataTable.js";

/** Characters of one text cell: the time that its reader takes may grow with their square, and no author writes as many. */
const markdownAtMost = 50_000;

/** A heading of a page, for its table of contents. */
export interface Heading {
  readonly id: string;
  readonly depth: number;
  readonly text: string;
}

/** Turns the markdown of one page into HTML, gathering the headings. */
export interface MarkdownPage {
  html(markdown: string): string;
  readonly headings: readonly Heading[];
}

/** Code in colours; a language that is not known stays plain. */
export const highlight = (code: string, language: string): string =>
  hljs.getLanguage(language) === undefined ? escapeHtml(code) : hljs.highlight(code, { language }).value;

/** A block that may be wider than the screen is scrolled on its own, with the keyboard too. */
export const scrolling = (html: string, label: string): string =>
  `<div class="scroll" role="region" aria-label="${escapeHtml(label)}" tabindex="0">${html}</div>`;

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "") || "section";

/** Notebooks become their pages. */
const target = (href: string): string =>
  /^[a-z][a-z0-9+.-]*:/i.test(href) ? href : href.replace(/\.ipynb(?=#|$)/, ".html");

/**
 * HTML written inside markdown is shown as text; pictures from elsewhere are shown as their words, as a book has no network.
 * What comes out is still to be sanitised: marked passes some HTML on, and links are as written.
 * Its `html` throws InputError for a text that is too long, or nested too deeply to be read.
 */
export const markdownPage = (): MarkdownPage => {
  const headings: Heading[] = [];
  const used = new Map<string, number>();
  const uniqueId = (text: string): string => {
    const base = slug(text);
    const count = (used.get(base) ?? 0) + 1;
    used.set(base, count);
    return count === 1 ? base : `${base}-${count}`;
  };
  const marked = new Marked({
    renderer: {
      html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
      code: ({ text, lang }: Tokens.Code) => `<pre tabindex="0"><code>${highlight(text, lang ?? "")}</code></pre>\n`,
      heading({ tokens, depth }: Tokens.Heading) {
        const text = this.parser.parseInline(tokens, this.parser.textRenderer);
        const heading = { id: uniqueId(text), depth, text };
        headings.push(heading);
        return `<h${depth} id="${heading.id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link) {
        return `<a href="${escapeHtml(target(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      image: ({ href, text }: Tokens.Image) =>
        /^data:image\//i.test(href) ? `<img src="${escapeHtml(href)}" alt="${escapeHtml(text)}">` : escapeHtml(text),
    },
  });
  const parsed = (markdown: string): string => {
    if (markdown.length > markdownAtMost)
      refuse("markdown", markdown, `has ${markdown.length} characters`, `at most ${markdownAtMost} in one cell`);
    try {
      return marked.parse(markdown, { async: false });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return refuse("markdown", markdown, "is nested too deeply", "some hundred levels at most");
    }
  };
  return {
    html: markdown => parsed(markdown).replace(/<table>[^]*?<\/table>/g, table => scrolling(table, "Table")),
    headings,
  };
};
