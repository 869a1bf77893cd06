import { fromHtml } from "hast-util-from-html";
import { type Schema, sanitize } from "hast-util-sanitize";
import { toHtml } from "hast-util-to-html";
import { InputError } from "egress-lab/input";

/** What the book's style names, and the colours of highlighted code. */
const classes = /^(?:cell|input|label|output|stderr|checks|ok|scroll|prose|chart|vega|hljs-[\w-]+|[a-z]+_)$/;

const schema: Schema = {
  tagNames:
    "h1 h2 h3 h4 h5 h6 p a em strong del s sub sup kbd code pre br hr ul ol li dl dt dd blockquote table caption thead tbody tr th td img figure figcaption div span section input".split(
      " ",
    ),
  // What stands in these is no text for a reader.
  strip: ["script", "style", "template", "title"],
  attributes: {
    "*": [["className", classes], ["tabIndex", 0], "ariaLabel", ["role", "region"]],
    // No path from the disk's root and none to another machine (`//host`, `\\host`), and nothing that browsers take out.
    a: [["href", /^(?![/\\])[^\\\u0000-\u0020]+$/]],
    img: [["src", /^(?:data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]|pictures\/[^/\\]+$)/], "alt"],
    h1: ["id"],
    h2: ["id"],
    h3: ["id"],
    h4: ["id"],
    h5: ["id"],
    h6: ["id"],
    th: ["scope", ["align", "left", "right", "center"], ["style", /^text-align: (?:left|right|center)$/]],
    td: [
      ["align", "left", "right", "center"],
      ["style", /^text-align: (?:left|right|center)$/],
    ],
    ol: ["start"],
    div: ["dataSpec"],
    input: [["type", "checkbox"], ["disabled", true], "checked"],
  },
  required: { input: { type: "checkbox", disabled: true } },
  protocols: { href: ["http", "https", "mailto"], src: ["data"] },
  clobber: [],
};

/** As {@link schema}, without links: for a text that is itself part of one list of links. */
const unlinked: Schema = { ...schema, tagNames: schema.tagNames!.filter(name => name !== "a") };

/**
 * Keeps of HTML what a chapter needs to be read, and nothing that runs, loads or leads anywhere but to the web or within
 * the book. It is read by the algorithm of the HTML standard, so it is seen as a browser sees it.
 * @param links false leaves the texts of links only
 * @throws InputError for HTML nested so deeply that it cannot be read
 */
export const sanitise = (html: string, { links = true }: { readonly links?: boolean } = {}): string => {
  try {
    const tree = sanitize(fromHtml(html, { fragment: true }), links ? schema : unlinked);
    return toHtml(tree, { characterReferences: { useNamedReferences: true } });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError({
      where: "HTML",
      value: html.slice(0, 40),
      problem: "is nested too deeply",
      expected: "some hundred levels at most",
    });
  }
};
