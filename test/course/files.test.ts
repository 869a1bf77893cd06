import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { checkReplaceable, makeFolder, writeFolder, writeWhole } from "../../lib/course/files.js";
import { egressLab, folder, notebook, root } from "./notebooks.js";

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

writing("keeps a file's mode and a link to it", () => {
  const cwd = folder({ file: "one" });
  chmodSync(join(cwd, "file"), 0o640);
  mkdirSync(join(cwd, "links"));
  symlinkSync("../file", join(cwd, "links/link"));
  writeWhole(join(cwd, "links/link"), "two");
  assert.is(readFileSync(join(cwd, "file"), "utf8"), "two");
  assert.is(statSync(join(cwd, "file")).mode & 0o777, 0o640);
  assert.ok(lstatSync(join(cwd, "links/link")).isSymbolicLink());
  assert.equal(readdirSync(join(cwd, "links")), ["link"]);
});

/** The number of a process that has ended. */
const ended = () => spawnSync("true").pid;

writing("clears away what a killed process has left, and brings back what it had put aside", () => {
  const cwd = folder();
  const [out, pid] = [join(cwd, "out"), ended()];
  writeFolder(out, new Map([["a", "1"]]));
  // Killed between the two renames: the earlier folder is aside, the new one is not yet in its place.
  renameSync(out, join(cwd, `.out.${pid}.part.old`));
  mkdirSync(join(cwd, `.out.${pid}.part`));
  writeFileSync(join(cwd, `.out.${process.ppid}.part`), "of a process that runs");
  checkReplaceable(out);
  assert.is(readFileSync(join(out, "a"), "utf8"), "1");
  assert.equal(readdirSync(cwd).sort(), [`.out.${process.ppid}.part`, "out"]);
  writeFileSync(join(cwd, `.b.${pid}.part`), "half");
  writeWhole(join(cwd, "b"), "whole");
  assert.equal(readdirSync(cwd).sort(), [`.out.${process.ppid}.part`, "b", "out"]);
});

writing.run();

const updating = suite("run --update and its files");

updating("refuses a read-only file in one line before anything runs", () => {
  const text = notebook("require('node:fs').writeFileSync('ran', '')");
  const cwd = folder({ "a.ipynb": text, "b.ipynb": text });
  chmodSync(join(cwd, "b.ipynb"), 0o444);
  const { code, stdout, stderr } = egressLab(cwd, "run", "a.ipynb", "b.ipynb", "--update");
  assert.equal(
    { code, stdout, stderr },
    { code: 2, stdout: "", stderr: 'file: "b.ipynb" is read-only; expected a file that may be written\n' },
  );
  assert.equal(readdirSync(cwd), ["a.ipynb", "b.ipynb"]);
});

/** Whether a small disk can be had, in a mount namespace that ends with the program in it. */
const smallDisk = (at: string, program: readonly string[]) =>
  spawnSync("unshare", ["--mount", "sh", "-c", `mount -t tmpfs -o size=64k tmpfs "${at}" && "$@"`, "sh", ...program], {
    cwd: join(at, ".."),
    encoding: "utf8",
  });

if (smallDisk(folder(), ["true"]).status === 0)
  updating("keeps what fits on a full disk and tells in one line what does not", () => {
    const cwd = folder({ "a.ipynb": notebook("'x'.repeat(200000)"), "b.ipynb": notebook("'small'") });
    mkdirSync(join(cwd, "full"));
    const cli = [process.execPath, join(root, "lib/bin/egress-lab.js")];
    const run = [...cli, "run", "a.ipynb", "b.ipynb", "-j", "1", "--out", "full"];
    const ran = smallDisk(join(cwd, "full"), [
      "sh",
      "-c",
      `"$@"; code=$?; cat full/b.ipynb >&2; ls -A full >&2; exit $code`,
      "sh",
      ...run,
    ]);
    assert.is(ran.status, 1, ran.stderr);
    assert.match(ran.stderr, 'file: "full/a.ipynb" cannot be written (ENOSPC); expected free space on its disk');
    assert.match(ran.stderr, '"small\\n"');
    assert.match(ran.stderr, /^b\.ipynb$/m);
    assert.not.match(ran.stderr, /part$|^ +at /m);
    mkdirSync(join(cwd, "disk"));
    const book = smallDisk(join(cwd, "disk"), [...cli, "book", ".", "--out", "disk/book"]);
    assert.is(book.status, 2, book.stderr);
    assert.match(book.stderr, /^file: "disk\/book" cannot be written \(ENOSPC\); expected free space on its disk$/m);
  });
else console.log("skipped: a small disk cannot be mounted here; to run this test: run as root");

updating.run();
