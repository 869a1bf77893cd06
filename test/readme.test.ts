import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { knownMismatches } from "./differential/knownMismatches.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const ofLibrary = readFileSync(join(root, "lib/README.md"), "utf8");

const test = suite("README");

test("its programs run as they stand", () => {
  const programs = [...(readme + ofLibrary).matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, program]) => program!);
  assert.ok(programs.length > 0);
  for (const [i, program] of programs.entries()) {
    const file = join(root, "test", `tmp-readme-${i}.mts`);
    writeFileSync(file, program);
    try {
      const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", file], {
        cwd: root,
        env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "lib/tsconfig.json") }, // the packages as they are built
        encoding: "utf8",
      });
      assert.is(status, 0, stderr);
      assert.ok(stdout.length > 0);
    } finally {
      rmSync(file);
    }
  }
});

test("shows where the model knowingly differs from the kernel", () => {
  for (const { what, model, linux, why } of knownMismatches) {
    const row = `| ${what} | ${model} | ${linux} | ${why} |`;
    assert.ok(readme.includes(row), row);
  }
});

test("names files and scripts that exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  for (const [, script] of readme.matchAll(/npm run (\w+)/g)) assert.ok(script! in scripts, script);
  for (const [, file] of readme.matchAll(/\]\(([^)#:]+)\)/g))
    assert.ok(readFileSync(join(root, file!)).length > 0, file);
});

test("the guide to the library names files that are there, and every room", () => {
  const guide = readFileSync(join(root, "lib/ARCHITECTURE.md"), "utf8");
  const named = [...guide.matchAll(/`([\w/]+\.(?:ts|pl))`/g)].map(([, file]) => file!);
  assert.ok(named.length > 40);
  for (const file of named) assert.ok(existsSync(join(root, "lib", file)), file);
  const rooms = readdirSync(join(root, "lib"), { withFileTypes: true }).filter(
    entry => entry.isDirectory() && !["bin", "dist", "node_modules"].includes(entry.name),
  );
  for (const { name } of rooms) assert.ok(guide.includes(`| \`${name}\` |`), name);
});

test("the library's own names each of its entries", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "lib/package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, unknown>>;
  };
  for (const entry of Object.keys(exports).filter(name => name !== "./package.json"))
    assert.ok(ofLibrary.includes(`\`${entry.replace(/^\./, "egress-lab")}\``), entry);
});

test.run();
