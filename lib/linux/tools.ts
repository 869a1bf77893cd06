import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { LinuxUnavailable, pathWithSbin } from "./environment.js";

/** The programs that a lab runs, and Debian's packages that hold them. */
const packages = {
  unshare: "util-linux",
  perl: "perl-base",
  ip: "iproute2",
  "iptables-restore": "iptables",
  "iptables-save": "iptables",
  ping: "iputils-ping",
  conntrack: "conntrack",
} as const;

/** Looked for, not tried: where no process can be started, programs are there all the same. */
const found = (program: string): boolean =>
  pathWithSbin()
    .PATH!.split(delimiter)
    .some(folder => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/** @throws LinuxUnavailable naming what is missing and how to get it */
export const requireTools = (): void => {
  if (process.platform !== "linux")
    throw new LinuxUnavailable(
      `the linux engine needs Linux, this is ${process.platform}: use the model engine, which runs everywhere`,
    );
  const missing = Object.keys(packages).filter(program => !found(program)) as (keyof typeof packages)[];
  if (missing.length === 0) return;
  const wanted = [...new Set(missing.map(program => packages[program]))];
  throw new LinuxUnavailable(`the linux engine lacks ${missing.join(", ")}: apt-get install ${wanted.join(" ")}`);
};
