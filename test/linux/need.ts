import { spawnSync } from "node:child_process";
import { hasTool } from "../tools.js";

/** What the linux engine needs; where something is missing its tests are skipped with a line that says so. */
export const canRunLinux = (): boolean =>
  hasTool("unshare", "apt-get install util-linux") &&
  hasTool("perl", "apt-get install perl-base") &&
  hasTool("ip", "apt-get install iproute2") &&
  hasTool("iptables-restore", "apt-get install iptables") &&
  hasTool("ping", "apt-get install iputils-ping") &&
  hasTool("tcpdump", "apt-get install tcpdump") &&
  hasTool("conntrack", "apt-get install conntrack") &&
  mayMakeNamespaces();

const mayMakeNamespaces = (): boolean => {
  const made = [[], ["--user", "--map-root-user"]].some(
    user => spawnSync("unshare", [...user, "--net", "--mount", "true"]).status === 0,
  );
  if (made) return true;
  if (process.env["CI"] === "true") throw new Error("network namespaces cannot be made here: run as root");
  console.log("skipped: network namespaces cannot be made here; to run these tests: run as root");
  return false;
};
