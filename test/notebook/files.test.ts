import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeFolder, writeWhole } from "../../lib/notebook/files.js";
import { folder } from "./notebooks.js";

const writing = suite("writing whole or not at all");

writing("replaces a file, making its folder", () => {
  const cwd = folder();
  writeWhole(join(cwd, "deep/er/a"), "one");
  writeWhole(join(cwd, "deep/er/a"), "two");
  assert.is(readFileSync(join(cwd, "deep/er/a"), "utf8"), "two");
  assert.equal(readdirSync(join(cwd, "deep/er")), ["a"]);
});

writing("leaves nothing beside a file that could not be written", () => {
  const cwd = folder();
  mkdirSync(join(cwd, "a/b"), { recursive: true });
  assert.throws(() => writeWhole(join(cwd, "a"), "one"));
  assert.equal(readdirSync(cwd), ["a"]);
});

writing("replaces a folder, files of an earlier one gone", () => {
  const cwd = folder();
  writeFolder(join(cwd, "out"), new Map([["a", "1"], ["b/c", "2"]]));
  writeFolder(join(cwd, "out"), new Map([["a", "3"]]));
  assert.equal(readdirSync(cwd), ["out"]);
  assert.equal(readdirSync(join(cwd, "out")), ["a"]);
});

writing("keeps the earlier folder when the new one fails", () => {
  const cwd = folder();
  mkdirSync(join(cwd, "out"));
  writeFileSync(join(cwd, "out/a"), "1");
  assert.throws(() => writeFolder(join(cwd, "out"), new Map([["a", "2"], ["a/b", "3"]])));
  assert.is(readFileSync(join(cwd, "out/a"), "utf8"), "1");
  assert.equal(readdirSync(cwd), ["out"]);
  assert.not.ok(existsSync(join(cwd, "out/b")));
});

writing.run();
