#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";

// Before anything is loaded: an older Node fails in the middle of it, in words that say nothing of its age.
const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const [major, minor] = process.versions.node.split(".").map(Number);
const newEnough = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
const cli = new URL("../dist/notebook/cli.js", import.meta.url);
if (newEnough && existsSync(cli)) process.exitCode = await (await import(cli.href)).main(process.argv.slice(2));
else {
  const problem = newEnough
    ? "not built yet; run: npm run build"
    : `Node ${process.versions.node} is too old; it needs ${engines.node}`;
  console.error(`egress-lab: ${problem}`);
  process.exitCode = 2;
}
