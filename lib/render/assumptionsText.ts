import type { Assumption } from "../scenario/scenario.js";
import { wrap } from "./wrap.js";

/**
 * Assumptions to read: name and value, then why, then the source, no line longer than 100 columns.
 */
export const formatAssumptions = (assumptions: readonly Assumption[]): string =>
  assumptions
    .flatMap(({ name, value, why, source }) => [
      ...wrap(`${name} = ${value}`, 4),
      ...wrap(`    ${why}`, 4),
      ...wrap(`    source: ${source}`, 6),
    ])
    .join("\n");
