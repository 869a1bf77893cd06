import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The course's notebooks. */
export const course = (): readonly string[] =>
  readdirSync(join(root, "notebooks"))
    .filter(name => name.endsWith(".ipynb"))
    .sort()
    .map(name => join(root, "notebooks", name));
