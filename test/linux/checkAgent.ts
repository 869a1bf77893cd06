/** Compiles the program that the Linux engine hands to Perl, as the compiler does the rest: part of `npm run check`. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../lib/linux/agent.pl", import.meta.url));
const { error, status, stderr } = spawnSync("perl", ["-wc", program], { encoding: "utf8" });
if (error !== undefined) {
  console.error(`skipped: lib/linux/agent.pl is not compiled, as there is no perl (apt-get install perl-base)`);
  if (process.env["CI"] === "true") process.exitCode = 1;
} else if (status !== 0 || stderr.trim() !== `${program} syntax OK`) {
  console.error(stderr.trim());
  process.exitCode = 1;
}
