#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";

// Before anything is loaded: an older Node fails in the middle of it, in words that say nothing of its age.
const { engines, version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const [major, minor] = process.versions.node.split(".").map(Number);
const newEnough = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;

/** The course's program; undefined where its package is not installed. */
const findCourse = () => {
  try {
    return new URL(import.meta.resolve("egress-lab-course/cli"));
  } catch {
    return undefined;
  }
};

const refuse = problem => {
  console.error(`egress-lab: ${problem}`);
  process.exitCode = 2;
};

const run = async args => {
  if (!newEnough) return refuse(`Node ${process.versions.node} is too old; it needs ${engines.node}`);
  const course = findCourse();
  if (course === undefined)
    return args[0] === "--version"
      ? console.log(version)
      : refuse("its commands are in a package of their own; install egress-lab-course beside egress-lab");
  if (!existsSync(course)) return refuse("not built yet; run: npm run build");
  process.exitCode = await (await import(course.href)).main(args);
};

await run(process.argv.slice(2));
