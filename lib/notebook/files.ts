import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const beside = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.part`);

/** Writes a file whole or not at all: beside its place first, then renamed into it. */
export const writeWhole = (path: string, content: string | Uint8Array): void => {
  const part = beside(path);
  mkdirSync(dirname(path), { recursive: true });
  try {
    const file = openSync(part, "w");
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
};

/** Replaces a folder by another whole one made of `files` (relative path, content). */
export const writeFolder = (path: string, files: ReadonlyMap<string, string | Uint8Array>): void => {
  const part = beside(path);
  const old = `${part}.old`;
  rmSync(part, { recursive: true, force: true });
  try {
    mkdirSync(part, { recursive: true });
    for (const [name, content] of files) {
      mkdirSync(dirname(join(part, name)), { recursive: true });
      writeFileSync(join(part, name), content);
    }
    rmSync(old, { recursive: true, force: true });
    try {
      renameSync(path, old);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    renameSync(part, path);
  } finally {
    rmSync(part, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
};
