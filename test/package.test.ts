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

test("each package carries the licence", () => {
  const licence = readFileSync(join(root, "LICENSE"), "utf8");
  for (const folder of ["lib", "lib/course"]) assert.is(readFileSync(join(root, folder, "LICENSE"), "utf8"), licence);
});

test.run();
