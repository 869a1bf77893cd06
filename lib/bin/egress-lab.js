#!/usr/bin/env node
import { existsSync } from "node:fs";

const cli = new URL("../dist/notebook/cli.js", import.meta.url);
if (existsSync(cli)) process.exitCode = await (await import(cli.href)).main(process.argv.slice(2));
else {
  console.error("egress-lab: not built yet; run: npm run build");
  process.exitCode = 2;
}
