import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "./target.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = fileURLToPath(new URL("corpus/", import.meta.url));
const note = ".found.txt";
const endings = { text: "txt", bytes: "bin", json: "json" } as const;

export interface Entry {
  /** From the repository's root. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** The inputs that a target begins with, in the order of their names. */
export const corpusOf = (target: Target): readonly Entry[] => {
  const own = join(folder, target.name);
  const files = existsSync(own) ? readdirSync(own).filter(file => !file.endsWith(note)) : [];
  const paths = [...files.sort().map(file => join("test/fuzz/corpus", target.name, file)), ...(target.from ?? [])];
  return paths.filter(path => statSync(root + path).isFile()).map(file => ({ file, bytes: readFileSync(root + file) }));
};

/** Keeps an input for which something does not hold, and says beside it what. @returns its path from the repository's root */
export const keep = (target: Target, bytes: Uint8Array, message: string): string => {
  const name = `found-${createHash("sha256").update(bytes).digest("hex").slice(0, 10)}`;
  mkdirSync(join(folder, target.name), { recursive: true });
  const path = join(folder, target.name, name);
  writeFileSync(`${path}.${endings[target.format]}`, bytes);
  writeFileSync(`${path}${note}`, `${message}\n`);
  return join("test/fuzz/corpus", target.name, `${name}.${endings[target.format]}`);
};
