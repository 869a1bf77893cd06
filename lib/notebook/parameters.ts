import { parse as parseYaml } from "yaml";
import { InputError } from "../errors.js";
import { hasTag, parametersOf } from "./declarations.js";
import type { CodeCell, Json, Notebook } from "./nbformat.js";

/** A value for a parameter. Text of a command line is still to be read by the parameter's type. */
export type ParameterValue = { readonly text: string } | { readonly value: Json };

/** Values by parameter name. */
export type ParameterValues = ReadonlyMap<string, ParameterValue>;

const injectedTag = "injected-parameters";

const valueOf = (given: ParameterValue, type: string): Json => {
  if ("value" in given) return given.value;
  if (type === "string") return given.text;
  try {
    return parseYaml(given.text) as Json;
  } catch {
    return given.text;
  }
};

/**
 * Sets parameters of a notebook as papermill does: assignments in a cell tagged `injected-parameters`, after the cell
 * tagged `parameters`; an older injected cell is replaced. tslab checks each assignment against the parameter's type.
 * @throws InputError for a name that the notebook does not declare, listing those it does
 */
export const injectParameters = (notebook: Notebook, values: ParameterValues, where: string): Notebook => {
  const known = parametersOf(notebook, where);
  if (values.size === 0) return notebook;
  const assignments = [...values].map(([name, given]) => {
    const parameter = known.find(item => item.name === name);
    if (parameter === undefined) {
      const expected =
        known.length === 0
          ? "no parameter: the notebook has no cell tagged parameters"
          : `one of ${known.map(item => item.name).join(", ")}`;
      throw new InputError({ where: `${where}: parameter`, value: name, problem: "is not known", expected });
    }
    return `${name} = ${JSON.stringify(valueOf(given, parameter.type))};`;
  });
  // Without the last line tslab would print the last value.
  const source = ["// Parameters", ...assignments, "void 0;"].join("\n");
  const injected: CodeCell = {
    type: "code",
    id: injectedTag,
    tags: [injectedTag],
    source,
    executionCount: null,
    outputs: [],
  };
  const cells = notebook.cells.filter(cell => !hasTag(cell, injectedTag));
  const after = cells.findIndex(cell => hasTag(cell, "parameters"));
  return { cells: [...cells.slice(0, after + 1), injected, ...cells.slice(after + 1)] };
};

/** tslab reports a type error as `line:column - message`; in the injected cell the line is a parameter. */
export const nameParameters = (source: string, message: string): string => {
  const lines = source.split("\n");
  if (lines[0] !== "// Parameters" || lines.at(-1) !== "void 0;") return message;
  return message.replace(/^(\d+):\d+ - /gm, (place, line: string) => {
    const [, name, value] = /^([\w$]+) = (.*);$/.exec(lines[Number(line) - 1] ?? "") ?? [];
    return name === undefined ? place : `parameter ${name}: ${value} does not fit: `;
  });
};
