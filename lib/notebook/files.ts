import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../errors.js";

const beside = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.part`);

const kindOf = (path: string): "folder" | "file" | undefined => {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch {
    return undefined; // not there, or below a file, which the folders above it will tell
  }
};

/**
 * Makes a folder and those above it, one by one: a recursive mkdir never ends where the system makes none, as below /proc.
 * @throws InputError naming `where` when that is not possible
 */
export const makeFolder = (path: string, where: string): void => {
  const found = kindOf(path);
  if (found === "folder") return;
  if (found === "file")
    throw new InputError({
      where,
      value: path,
      problem: "is a file",
      expected: "a folder, or a path where one can be made",
    });
  if (dirname(resolve(path)) !== resolve(path)) makeFolder(dirname(resolve(path)), where);
  try {
    mkdirSync(path);
  } catch (error) {
    throw new InputError({
      where,
      value: path,
      problem: `cannot be made (${(error as NodeJS.ErrnoException).code})`,
      expected: "a path where folders can be made",
    });
  }
};

/** Writes a file whole or not at all: beside its place first, then renamed into it. */
export const writeWhole = (path: string, content: string | Uint8Array): void => {
  const part = beside(path);
  makeFolder(dirname(resolve(path)), path);
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
  makeFolder(dirname(resolve(path)), path);
  rmSync(part, { recursive: true, force: true });
  try {
    mkdirSync(part);
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
