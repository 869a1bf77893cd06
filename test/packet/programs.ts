import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";

/** What the real tcpdump makes of a capture file, times in UTC. */
export const realTcpdump = (path: string, ...flags: readonly string[]) => {
  const { stdout, stderr, status } = spawnSync("tcpdump", ["-nn", ...flags, "-r", path], {
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC" },
    maxBuffer: 1 << 26,
  });
  return { lines: stdout.trimEnd().split("\n"), stderr: stderr.replace(path, "FILE"), status };
};

/** What it says of every file with these link types, and no more where nothing is wrong. */
export const saysOf = {
  ethernet: "reading from file FILE, link-type EN10MB (Ethernet), snapshot length 262144\n",
  cooked:
    "reading from file FILE, link-type LINUX_SLL2 (Linux cooked v2), snapshot length 262144\nWarning: interface names might be incorrect\n",
} as const;

/**
 * How many IP packets the real tshark finds in a capture file, and those with a wrong checksum or something malformed.
 * Port numbers make Wireshark guess application protocols, whose random payload is then malformed: only the layers that we write count.
 */
export const realTshark = (path: string): { readonly packets: number; readonly bad: readonly string[] } => {
  const verify = ["ip", "tcp", "udp"].flatMap(proto => ["-o", `${proto}.check_checksum:TRUE`]);
  const run = (filter: string): readonly string[] =>
    spawnSync("tshark", ["-n", ...verify, "-r", path, "-Y", filter], {
      encoding: "utf8",
      env: { ...process.env, HOME: tmpdir() },
    })
      .stdout.split("\n")
      .filter(line => line !== "");
  const wrong = ["ip", "tcp", "udp", "icmp"].map(proto => `${proto}.checksum.status == 0`);
  return {
    packets: run("ip").length,
    bad: run(["_ws.malformed", ...wrong].join(" || ")).filter(line => !/Malformed Packet/.test(line)),
  };
};
