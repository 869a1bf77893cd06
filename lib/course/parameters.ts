import { InputError } from "egress-lab/input";
import { hasTag, parametersOf } from "./declarations.js";
import type { CodeCell, Notebook } from "./nbformat.js";
import { type ParameterValue, readParameter } from "./parameterValues.js";

/** Values by parameter name. */
export type ParameterValues = ReadonlyMap<string, ParameterValue>;

const injectedTag = "injected-parameters";

/**
 * Sets parameters of a notebook as papermill does: assignments in a cell tagged `injected-parameters`, after the cell
 * tagged `parameters`; an older injected cell is replaced.
 * @throws InputError for a name that the notebook does not declare, listing those it does, and for a value that is not of
 *   the parameter's type or out of its range
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
    return `${name} = ${JSON.stringify(readParameter(parameter, given, where))};`;
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
