import { spawnSync } from "node:child_process";

/**
 * Whether a program that a test needs is on this machine. Where it is not, one line says what to install;
 * with CI=true that is an error, as nothing may be skipped there.
 */
export const hasTool = (program: string, install: string): boolean => {
  if (spawnSync("sh", ["-c", `command -v ${program}`]).status === 0) return true;
  if (process.env["CI"] === "true") throw new Error(`${program} is missing: ${install}`);
  console.log(`skipped: ${program} is missing; to run these tests: ${install}`);
  return false;
};
