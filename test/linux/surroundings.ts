/**
 * Boots a lab and prints what the namespaces that this program runs in look like before, during and after, as JSON.
 * boot.test.ts runs it where nothing else can change them.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { bootLinux } from "../../lib/linux/boot.js";
import { kubenetLike } from "../net/networks.js";

/** By what is looked at: a command and its arguments. */
const looks: Readonly<Record<string, readonly [program: string, ...args: readonly string[]]>> = {
  addresses: ["ip", "-o", "addr"],
  routes: ["ip", "route"],
  rules: ["ip", "rule"],
  namespaces: ["ip", "netns"],
  iptables: ["iptables-save"],
  mounts: ["mount"],
  sysctls: ["sysctl", "-a", "--pattern", "^net\\.(ipv4|ipv6|bridge|netfilter)\\."],
};
/** Sysctls that the kernel itself changes, and the times at which iptables-save ran. */
const changesByItself = /nf_conntrack_count|random|^# (?:Generated|Completed)/;

type Surroundings = Readonly<Record<string, readonly string[]>>;

const look = (): Surroundings =>
  Object.fromEntries(
    Object.entries(looks).map(([name, [program, ...args]]) => [
      name,
      execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
        .split("\n")
        .filter(line => line !== "" && !changesByItself.test(line)),
    ]),
  );

export interface Report {
  readonly before: Surroundings;
  readonly during: Surroundings;
  readonly after: Surroundings;
  /** Answers that hosts of the lab got from the address given as this program's argument. */
  readonly answers: number;
  /** Whether a pod of the lab answers this program. */
  readonly podAnswers: boolean;
}

const [own] = process.argv.slice(2);
const main = async (): Promise<void> => {
  const before = look();
  const lab = await bootLinux(kubenetLike());
  const during = look();
  let answers = 0;
  for (const host of ["a", "node-0", "ifconfig.co"]) answers += (await lab.ping(host, own!)).received;
  const podAnswers = spawnSync("ping", ["-c1", "-W1", "192.168.0.9"]).status === 0;
  await lab.close();
  const report: Report = { before, during, after: look(), answers, podAnswers };
  console.log(JSON.stringify(report));
};

void main();
