import { createHash } from "node:crypto";
import { createTwoFilesPatch } from "diff";
import { type CodeCell, type MimeBundle, type Notebook, type Output, emitNotebook, parseNotebook } from "./nbformat.js";

const isCode = (cell: Notebook["cells"][number]): cell is CodeCell => cell.type === "code";

/** A picture drawn from a chart's specification follows from it; another processor may round a pixel otherwise. */
const pictureText = (bundle: MimeBundle, type: string): string => {
  const drawn = Object.keys(bundle).some(other => other.startsWith("application/vnd.vega"));
  return drawn ? "drawn from the chart" : createHash("sha256").update(String(bundle[type])).digest("hex");
};

const withLineEnd = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

const outputText = (output: Output): string => {
  if (output.output_type === "stream") return `-- ${output.name}\n${withLineEnd(output.text)}`;
  const parts = Object.keys(output.data)
    .sort()
    .map(type => {
      const content = output.data[type];
      const text = type.startsWith("image/")
        ? pictureText(output.data, type)
        : typeof content === "string"
          ? content
          : JSON.stringify(content, null, 1);
      return `-- ${type}\n${withLineEnd(text)}`;
    });
  return `${parts.join("")}${Object.keys(output.metadata).length > 0 ? `-- metadata\n${JSON.stringify(output.metadata, null, 1)}\n` : ""}`;
};

const readable = (notebook: Notebook): string =>
  notebook.cells
    .filter(isCode)
    .map(
      cell => `[${cell.executionCount ?? " "}] ${cell.source.split("\n")[0]}\n${cell.outputs.map(outputText).join("")}`,
    )
    .join("\n");

/**
 * What differs between a notebook file and its fresh execution, as a diff for a reader; empty when nothing does.
 * Where only the layout of the file differs, one line says so.
 */
export const differences = (path: string, committed: string, fresh: Notebook): string => {
  const before = parseNotebook(committed, path);
  // Both as read from a file, so that neither the order of keys nor line breaks inside texts count.
  const [old, now] = [readable(before), readable(parseNotebook(emitNotebook(fresh), path))];
  if (old !== now) return createTwoFilesPatch(path, path, old, now, "in the file", "executed now", { context: 2 });
  return emitNotebook(before) === committed ? "" : `${path}: same outputs, but not laid out as --update writes them\n`;
};

const plainText = (output: Output): string => {
  if (output.output_type === "stream") return output.text;
  const text = output.data["text/plain"];
  return typeof text === "string" ? withLineEnd(text) : `(${Object.keys(output.data).join(", ")})\n`;
};

/** The outputs of a notebook as text, each cell under its number. */
export const textOf = (notebook: Notebook): string =>
  notebook.cells
    .filter(isCode)
    .filter(cell => cell.outputs.length > 0)
    .map(
      cell =>
        `[${cell.executionCount}]\n${cell.outputs
          .map(plainText)
          .join("")
          .replace(/^(?=.)/gm, "    ")}`,
    )
    .join("\n");
