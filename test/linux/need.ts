import { spawnSync } from "node:child_process";
import { hasTool } from "../tools.js";

/** What the linux engine needs; where something is missing its tests are skipped with a line that says so. */
export const canRunLinux = (): boolean =>
  hasTool("perl", "apt-get install perl-base") &&
  hasTool("ip", "apt-get install iproute2") &&
  hasTool("ping", "apt-get install iputils-ping") &&
  hasTool("conntrack", "apt-get install conntrack") &&
  canRunIptables();

/** What {@link alone} needs to load rules into the kernel. */
export const canRunIptables = (): boolean =>
  hasTool("unshare", "apt-get install util-linux") &&
  hasTool("iptables-restore", "apt-get install iptables") &&
  mayMakeNamespaces();

const namespaces = ["--net", "--mount"];

/** How namespaces can be made here: as root, or in a user namespace of one's own. */
const privilege = [[], ["--user", "--map-root-user"]].find(
  user => spawnSync("unshare", [...user, ...namespaces, "true"]).status === 0,
);

const mayMakeNamespaces = (): boolean => {
  if (privilege !== undefined) return true;
  if (process.env["CI"] === "true") throw new Error("network namespaces cannot be made here: run as root");
  console.log("skipped: network namespaces cannot be made here; to run these tests: run as root");
  return false;
};

/** What a script prints in an unnamed network namespace that ends with it: tests that run beside it do not see it. */
export const alone = (script: string, input: string): string => {
  const own = `set -e; mount -t tmpfs tmpfs /run; ${script}`; // the lock of iptables lies in /run
  const { status, stdout, stderr } = spawnSync("unshare", [...(privilege ?? []), ...namespaces, "sh", "-c", own], {
    input,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${script}: ${stderr}\n${input}`);
  return stdout;
};
