import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const root = fileURLToPath(new URL("..", import.meta.url));
const test = suite("package");

/** Bytes, minified and compressed: what a page loads that uses the whole library. */
const bundleAtMost = 240_000;

test("the whole library is bundled for a browser without any option", async () => {
  const { outputFiles } = await build({
    stdin: { contents: 'export * from "egress-lab"; export * from "egress-lab/chart";', resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    logLevel: "silent",
    tsconfigRaw: {}, // as a stranger has it: from the package as it is built
  });
  const { byteLength } = gzipSync(outputFiles[0]!.contents, { level: 9 });
  console.log(`the whole library in a browser: ${byteLength} bytes, minified and compressed`);
  assert.ok(byteLength <= bundleAtMost, `${byteLength} bytes are more than ${bundleAtMost}`);
});

const entries = Object.keys(
  (JSON.parse(readFileSync(join(root, "lib/package.json"), "utf8")) as { readonly exports: Record<string, unknown> })
    .exports,
).filter(entry => entry !== "./package.json");
/** Those that need Node, each for itself. */
const forNode = ["./linux", "./threads"];

test("every entry can be imported by its name, and what a browser can load is bundled for one alone", async () => {
  assert.ok(entries.length > 8, entries.join(" "));
  for (const entry of entries) {
    const name = entry.replace(/^\./, "egress-lab");
    assert.ok(Object.keys((await import(name)) as object).length > 0, name);
    if (forNode.includes(entry)) continue;
    const { outputFiles } = await build({
      stdin: { contents: `export * from "${name}";`, resolveDir: root },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "silent",
      tsconfigRaw: {},
    });
    assert.ok(outputFiles[0]!.contents.byteLength > 0, name);
  }
});

test("each package carries the licence", () => {
  const licence = readFileSync(join(root, "LICENSE"), "utf8");
  for (const folder of ["lib", "lib/course"]) assert.is(readFileSync(join(root, folder, "LICENSE"), "utf8"), licence);
});

test.run();
