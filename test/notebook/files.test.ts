import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { makeFolder, writeFolder, writeWhole } from "../../lib/notebook/files.js";
import { folder } from "./notebooks.js";

const writing = suite("writing whole or not at all");

writing("replaces a file, making its folder", () => {
  const cwd = folder();
  writeWhole(join(cwd, "deep/er/a"), "one");
  writeWhole(join(cwd, "deep/er/a"), "two");
  assert.is(readFileSync(join(cwd, "deep/er/a"), "utf8"), "two");
  assert.equal(readdirSync(join(cwd, "deep/er")), ["a"]);
});

writing("refuses a folder that cannot be, and comes to an end where the system makes none", () => {
  const cwd = folder({ file: "one" });
  const message = (path: string) => {
    try {
      makeFolder(path, "--out");
    } catch (error) {
      assert.instance(error, InputError);
      return (error as Error).message;
    }
    return "made";
  };
  assert.match(message(join(cwd, "file")), /^--out: .* is a file; expected a folder/);
  assert.match(message(join(cwd, "file/below")), /is a file/);
  if (process.platform === "linux") assert.match(message("/proc/none/such"), /cannot be made \(E/);
  assert.is(message(join(cwd, "a/b/c")), "made");
});

writing("leaves nothing beside a file that could not be written", () => {
  const cwd = folder();
  mkdirSync(join(cwd, "a/b"), { recursive: true });
  assert.throws(() => writeWhole(join(cwd, "a"), "one"));
  assert.equal(readdirSync(cwd), ["a"]);
});

writing("replaces a folder, files of an earlier one gone", () => {
  const cwd = folder();
  writeFolder(
    join(cwd, "out"),
    new Map([
      ["a", "1"],
      ["b/c", "2"],
    ]),
  );
  writeFolder(join(cwd, "out"), new Map([["a", "3"]]));
  assert.equal(readdirSync(cwd), ["out"]);
  assert.equal(readdirSync(join(cwd, "out")), ["a"]);
});

writing("keeps the earlier folder when the new one fails", () => {
  const cwd = folder();
  mkdirSync(join(cwd, "out"));
  writeFileSync(join(cwd, "out/a"), "1");
  assert.throws(() =>
    writeFolder(
      join(cwd, "out"),
      new Map([
        ["a", "2"],
        ["a/b", "3"],
      ]),
    ),
  );
  assert.is(readFileSync(join(cwd, "out/a"), "utf8"), "1");
  assert.equal(readdirSync(cwd), ["out"]);
  assert.not.ok(existsSync(join(cwd, "out/b")));
});

writing.run();
