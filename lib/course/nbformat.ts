import { createHash } from "node:crypto";
import { InputError } from "egress-lab/input";

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Representations of one result, by MIME type; JSON types hold objects, others text (base64 for pictures). */
export type MimeBundle = Readonly<Record<string, Json>>;

/** What a code cell wrote. Kept as a notebook stores it, with texts joined into one string. */
export type Output =
  | { readonly output_type: "stream"; readonly name: "stdout" | "stderr"; readonly text: string }
  | {
      readonly output_type: "display_data";
      readonly data: MimeBundle;
      readonly metadata: { readonly [key: string]: Json };
    };

interface CellBase {
  /** Stable name of the cell: kept once given, else made from its source. */
  readonly id: string;
  readonly tags: readonly string[];
  readonly source: string;
}

export interface CodeCell extends CellBase {
  readonly type: "code";
  /** 1..n in an executed notebook. */
  readonly executionCount: number | null;
  readonly outputs: readonly Output[];
}

export interface TextCell extends CellBase {
  readonly type: "markdown" | "raw";
}

export type Cell = CodeCell | TextCell;

/** A TypeScript notebook, free of what differs between two saves of the same content. */
export interface Notebook {
  readonly cells: readonly Cell[];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === "string");

/** Raises the format's errors with the place in the file. */
class Reader {
  constructor(readonly where: string) {}

  fail(path: string, value: unknown, problem: string, expected: string): never {
    throw new InputError({ where: path === "" ? this.where : `${this.where}: ${path}`, value, problem, expected });
  }

  record(value: unknown, path: string): Record<string, unknown> {
    return isRecord(value) ? value : this.fail(path, value, "is not an object", "an object");
  }

  list(value: unknown, path: string): readonly unknown[] {
    return Array.isArray(value) ? value : this.fail(path, value, "is not a list", "a list");
  }

  text(value: unknown, path: string): string {
    if (typeof value === "string") return value;
    return isStrings(value) ? value.join("") : this.fail(path, value, "is not text", "a string or a list of strings");
  }
}

const readBundle = (reader: Reader, value: unknown, path: string): MimeBundle => {
  const bundle: Record<string, Json> = {};
  for (const [type, content] of Object.entries(reader.record(value, path)))
    bundle[type] = isStrings(content) && !isJsonType(type) ? content.join("") : (content as Json);
  return bundle;
};

/** Outputs that no tslab kernel writes (execute_result, error) are read as none: a run replaces them all. */
const readOutput = (reader: Reader, value: unknown, path: string): readonly Output[] => {
  const output = reader.record(value, path);
  switch (output["output_type"]) {
    case "stream":
      return [
        {
          output_type: "stream",
          name: output["name"] === "stderr" ? "stderr" : "stdout",
          text: reader.text(output["text"], `${path}.text`),
        },
      ];
    case "display_data": {
      const metadata = reader.record(output["metadata"] ?? {}, `${path}.metadata`) as Record<string, Json>;
      return [{ output_type: "display_data", data: readBundle(reader, output["data"], `${path}.data`), metadata }];
    }
    default:
      return [];
  }
};

const validId = /^[A-Za-z0-9_-]{1,64}$/;

const readCell = (reader: Reader, value: unknown, path: string): Cell => {
  const cell = reader.record(value, path);
  const type = cell["cell_type"];
  const source = reader.text(cell["source"], `${path}.source`);
  const tags = reader.record(cell["metadata"] ?? {}, `${path}.metadata`)["tags"];
  const given = cell["id"];
  const base = {
    id: typeof given === "string" && validId.test(given) ? given : "",
    tags: isStrings(tags) ? tags : [],
    source,
  };
  if (type === "markdown" || type === "raw") return { type, ...base };
  if (type !== "code") reader.fail(`${path}.cell_type`, type, "is not a kind of cell", "code, markdown or raw");
  const count = cell["execution_count"];
  const outputs = reader
    .list(cell["outputs"] ?? [], `${path}.outputs`)
    .flatMap((output, i) => readOutput(reader, output, `${path}.outputs[${i}]`));
  return { type, ...base, executionCount: typeof count === "number" ? count : null, outputs };
};

/** Gives every cell an id of its own: the one it has, else a digest of its source, so that edits elsewhere leave it alone. */
const withIds = (cells: readonly Cell[]): readonly Cell[] => {
  const used = new Set<string>();
  /** How many cells there are of an id so far: the search for a free one goes on where it ended. */
  const copies = new Map<string, number>();
  return cells.map(cell => {
    const digest = createHash("sha256").update(`${cell.type}\n${cell.source}`).digest("hex").slice(0, 8);
    const first = cell.id === "" || used.has(cell.id) ? digest : cell.id;
    let id = first;
    for (let copy = (copies.get(first) ?? 1) + 1; used.has(id); copy++) {
      id = `${first}-${copy}`;
      copies.set(first, copy);
    }
    used.add(id);
    return { ...cell, id };
  });
};

/** Levels of brackets that a notebook may have; charts have some twenty. Programs that walk a value go no deeper either. */
const levelsAtMost = 500;

/** Whether a value has more levels than a notebook may have. */
const isTooDeep = (value: unknown): boolean => {
  let inner: readonly unknown[] = [value];
  for (let level = 0; level <= levelsAtMost; level++) {
    inner = inner.flatMap((item): unknown[] => (typeof item === "object" && item !== null ? Object.values(item) : []));
    if (inner.length === 0) return false;
  }
  return true;
};

/**
 * Reads a notebook of nbformat 4 made for the tslab kernel.
 * @param where names the file in errors
 * @throws InputError for text that is no JSON, another format or another kernel
 */
export const parseNotebook = (text: string, where: string): Notebook => {
  const reader = new Reader(where);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return reader.fail("", text.slice(0, 40), "is not JSON", "a Jupyter notebook (nbformat 4)");
  }
  if (isTooDeep(json)) reader.fail("", text.slice(0, 40), "is nested too deeply", `at most ${levelsAtMost} levels`);
  const notebook = isRecord(json)
    ? json
    : reader.fail("", json, "is not a notebook", "a Jupyter notebook (nbformat 4)");
  if (notebook["nbformat"] !== 4)
    reader.fail("nbformat", notebook["nbformat"], "is not a format that can be read", "4");
  const kernelspec = reader.record(
    reader.record(notebook["metadata"] ?? {}, "metadata")["kernelspec"] ?? {},
    "metadata.kernelspec",
  );
  if (kernelspec["name"] !== "tslab")
    reader.fail("metadata.kernelspec.name", kernelspec["name"], "is another kernel", "tslab");
  return {
    cells: withIds(reader.list(notebook["cells"], "cells").map((cell, i) => readCell(reader, cell, `cells[${i}]`))),
  };
};

const isJsonType = (type: string): boolean =>
  type === "application/json" || (type.startsWith("application/vnd.") && type.endsWith("+json"));

/** Notebooks store long texts as lists of lines, so that a change of one line is a diff of one line. */
const lines = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const emitBundle = (bundle: MimeBundle): Json =>
  Object.fromEntries(
    Object.entries(bundle).map(([type, content]) => [
      type,
      typeof content === "string" && type.startsWith("text/") ? lines(content) : content,
    ]),
  );

const emitOutput = (output: Output): Json =>
  output.output_type === "stream"
    ? { ...output, text: lines(output.text) }
    : { ...output, data: emitBundle(output.data) };

const emitCell = (cell: Cell): Json => {
  const base = {
    cell_type: cell.type,
    id: cell.id,
    metadata: cell.tags.length > 0 ? { tags: cell.tags } : {},
    source: lines(cell.source),
  };
  return cell.type === "code"
    ? { ...base, execution_count: cell.executionCount, outputs: cell.outputs.map(emitOutput) }
    : base;
};

const sorted = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
};

/** As tslab describes itself and its language to Jupyter. */
const metadata: Json = {
  kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
  language_info: {
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    file_extension: ".ts",
    mimetype: "text/typescript",
    name: "typescript",
    version: "3.7.2",
  },
};

/** The bytes of a notebook file, laid out as Jupyter lays them out: sorted keys, one space, a final newline. */
export const emitNotebook = (notebook: Notebook): string =>
  `${JSON.stringify(sorted({ cells: notebook.cells.map(emitCell), metadata, nbformat: 4, nbformat_minor: 5 }), null, 1)}\n`;
