import { InputError } from "egress-lab/input";
import { type Finding, readFindings } from "./claims.js";
import { parametersOf, readLiteral } from "./declarations.js";
import type { Json, Notebook } from "./nbformat.js";

/**
 * A line under the heading `## Try`: other values for parameters, and what then comes out. People read it as Markdown:
 *
 *     - `sku = "Standard"`, `outboundIps = 2`: the node has twice the ports (`ports of the node = 2048`).
 *     - `maxPods = 10`: refused with `at least 30 pods`, as the cluster has one node.
 *
 * Before the colon stand the parameters, joined by `, `, ` with ` or ` and `, perhaps with a remark in parentheses. In
 * the sentence, a code span `claim = value` is what the check of that claim then prints as the value that it got;
 * `refused with` and a code span is part of the message that ends the run.
 */
export interface Try {
  readonly values: ReadonlyMap<string, Json>;
  /** The sentence behind the colon. */
  readonly text: string;
  readonly expected: readonly Finding[];
  readonly refused?: string;
}

/** What came of a run: the executed notebook, or the message that ended it. */
export type Tried = { readonly notebook: Notebook } | { readonly message: string };

const span = "`[^`]+`";
const linePattern = new RegExp(String.raw`^- (${span}(?:(?:, | with | and )${span})*)(?: \([^)]*\))?: (.+)$`);
const assignmentPattern = /`([A-Za-z_$][\w$]*) = ([^`]+)`/g;

/** The items of the lists under `## Try`, each as one line. */
const items = (notebook: Notebook): readonly string[] =>
  notebook.cells.flatMap(({ type, source }) => {
    const section = type === "markdown" ? /^## Try$([^]*)/m.exec(source)?.[1] : undefined;
    const lines = (section?.split(/^##? /m)[0] ?? "").replace(/\n {2,}(?=\S)/g, " ").split("\n");
    return lines.filter(line => line.startsWith("- "));
  });

/**
 * What a notebook proposes to try. Items that set no parameter are left to the reader.
 * @param where names the file in errors
 * @throws InputError for a parameter that the notebook does not declare, a value that is no literal, a sentence without
 *   an expected value
 */
export const triesOf = (notebook: Notebook, where: string): readonly Try[] => {
  const known = parametersOf(notebook, where).map(({ name }) => name);
  return items(notebook).flatMap((item): readonly Try[] => {
    const fail = (value: string, problem: string, expected: string): never => {
      throw new InputError({ where: `${where}: Try`, value, problem, expected });
    };
    if (!/^- `[\w$]+ = /.test(item)) return [];
    const [, edits, text] = linePattern.exec(item) ?? [];
    if (edits === undefined || text === undefined)
      return fail(item, "cannot be read", "- `name = value`, `other = value`: what then happens");
    const assignments = [...edits.matchAll(assignmentPattern)];
    if (assignments.length !== edits.match(new RegExp(span, "g"))!.length)
      return fail(edits, "sets something else than parameters", "`name = value`");
    const values = new Map(
      assignments.map(([, name, literal]) => {
        if (!known.includes(name!)) fail(name!, "is not a parameter", `one of ${known.join(", ")}`);
        const value = readLiteral(literal!);
        return [name!, value === undefined ? fail(literal!, "is not a value", "a literal") : value];
      }),
    );
    const refused = /\brefused with `([^`]+)`/.exec(text)?.[1];
    const expected = [...text.matchAll(/`([^`]+?) = ([^`]+)`/g)].map(([, claim, got]) => ({
      claim: claim!,
      got: got!,
    }));
    if (refused === undefined && expected.length === 0)
      return fail(item, "says no expected value", "`claim = value` of a check, or refused with `message`");
    return [{ values, text, expected, ...(refused !== undefined && { refused }) }];
  });
};

/** What to type for it, and below what then comes out, within 100 columns. */
export const tryLines = ({ values, text }: Try): readonly string[] => {
  const options = [...values].map(([name, value]) => {
    const plain = typeof value === "string" ? value : JSON.stringify(value);
    return `-p ${name} ${/^[\w.-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", String.raw`'\''`)}'`}`;
  });
  const folded = text.replaceAll("`", "").match(/.{1,92}(?= |$)/g) ?? [];
  return [`  ${options.join(" ")}`, ...folded.map(line => `      ${line.trim()}`)];
};

/** What the checks of an executed notebook got. */
export const findingsOf = (notebook: Notebook): readonly Finding[] =>
  notebook.cells.flatMap(cell =>
    cell.type === "code"
      ? cell.outputs.flatMap(output => (output.output_type === "stream" ? readFindings(output.text) : []))
      : [],
  );

/** In what a run was not as the sentence says, one line for each; empty when all is so. */
export const surprisesOf = ({ expected, refused }: Try, tried: Tried): readonly string[] => {
  if ("message" in tried)
    return refused !== undefined && tried.message.includes(refused)
      ? []
      : [`${refused === undefined ? "" : `refused, but not with ${refused}: `}${tried.message}`];
  if (refused !== undefined) return [`runs, expected to be refused with ${refused}`];
  const findings = findingsOf(tried.notebook);
  return expected.flatMap(({ claim, got }) => {
    const found = findings.filter(finding => finding.claim === claim).map(finding => finding.got);
    if (found.length === 1 && found[0] === got) return [];
    return [`${claim}: expected ${got}, got ${found.length === 0 ? "no such check" : found.join(" and ")}`];
  });
};
