import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, refuse } from "egress-lab/input";

const beside = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.part`);

const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return pid !== process.pid; // what is there of this number before anything was written is of an earlier process
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/**
 * Clears away what a process that was killed while it wrote has left beside a path, and brings back what it had put
 * aside when nothing took its place.
 */
const clearLeftOvers = (path: string): void => {
  const folder = dirname(resolve(path));
  const start = `.${basename(path)}.`;
  const names = existsSync(folder) ? readdirSync(folder).filter(name => name.startsWith(start)) : [];
  for (const name of names) {
    const [, pid, old] = /^(\d+)\.part(\.old)?$/.exec(name.slice(start.length)) ?? [];
    if (pid === undefined || runs(Number(pid))) continue;
    if (old !== undefined && !existsSync(path)) renameSync(join(folder, name), path);
    else rmSync(join(folder, name), { recursive: true, force: true });
  }
};

/** Says in one line why a path cannot be written; any other error is passed on. */
const cannotWrite = (path: string, error: unknown): never => {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof InputError || code === undefined) throw error;
  const why = code === "ENOSPC" || code === "EDQUOT" ? "free space on its disk" : "a path that can be written";
  return refuse("file", path, `cannot be written (${code})`, why);
};

/** The file that a path stands for, behind symbolic links. */
const fileBehind = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path; // there is none yet
  }
};

/**
 * Sees that a file can be written later, or a new one made; folders are made where there are none.
 * @throws InputError when it is protected from writing, by its mode even for root, or its folder cannot take it
 */
export const checkWritable = (path: string): void => {
  const file = fileBehind(path);
  try {
    if (existsSync(file)) {
      if (statSync(file).isDirectory()) refuse("file", path, "is a folder", "a path for a file");
      if ((statSync(file).mode & 0o222) === 0) refuse("file", path, "is read-only", "a file that may be written");
      accessSync(file, constants.W_OK);
    } else makeFolder(dirname(resolve(file)), path);
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    cannotWrite(path, error);
  }
};

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

/**
 * Writes a file whole or not at all: beside its place first, then renamed into it. A symbolic link stays one, and a file
 * that was there leaves its mode to the new one.
 * @throws InputError when it cannot be written, with what the system says
 */
export const writeWhole = (path: string, content: string | Uint8Array): void => {
  checkWritable(path);
  const target = fileBehind(path);
  clearLeftOvers(target);
  const part = beside(target);
  const mode = existsSync(target) ? statSync(target).mode & 0o7777 : undefined;
  try {
    const file = openSync(part, "w");
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (mode !== undefined) chmodSync(part, mode);
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    cannotWrite(path, error);
  }
};

/**
 * Sees that a folder can be replaced later, and clears away what an earlier attempt has left.
 * @throws InputError when the folder above it cannot take it
 */
export const checkReplaceable = (path: string): void => {
  makeFolder(dirname(resolve(path)), path);
  try {
    accessSync(dirname(resolve(path)), constants.W_OK);
    clearLeftOvers(path);
  } catch (error) {
    cannotWrite(path, error);
  }
};

/**
 * Replaces a folder by another whole one made of `files` (relative path, content).
 * @throws InputError when it cannot be written, with what the system says; the earlier folder is then as it was
 */
export const writeFolder = (path: string, files: ReadonlyMap<string, string | Uint8Array>): void => {
  checkReplaceable(path);
  const part = beside(path);
  const old = `${part}.old`;
  try {
    mkdirSync(part);
    for (const [name, content] of files) {
      mkdirSync(dirname(join(part, name)), { recursive: true });
      writeFileSync(join(part, name), content);
    }
    if (existsSync(path)) renameSync(path, old);
    renameSync(part, path);
  } catch (error) {
    cannotWrite(path, error);
  } finally {
    rmSync(part, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
};
