import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openLab } from "../../lib/course/openLab.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { openSession } from "../../lib/shell/session.js";
import { canRunLinux } from "../linux/need.js";
import { fails } from "../message.js";
import { realTcpdump, realTshark, saysOf } from "../packet/programs.js";
import { hasTool } from "../tools.js";

const vm = "jose@testvm:~$";
const node = "jose@aks-nodepool1-35377101-1:~$";
const pod = "whereami-564765b89-d8rdb";

const folders: string[] = [];
process.on("exit", () => folders.forEach(path => rmSync(path, { recursive: true, force: true })));
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "egress-lab-"));
  folders.push(path);
  return path;
};

const opened = async (engine = "model") => {
  const lab = await openLab(articleScenario, engine);
  lab.useContext("kubenetcluster");
  return lab;
};

const packetsOf = (screen: string): readonly string[] => screen.split("\n").filter(line => /^\d\d:/.test(line));

/** Two programs that listen to a kernel may note different times of one packet. */
const untimed = (lines: readonly string[]): readonly string[] => lines.map(line => line.slice(16));

/** As a tcpdump prints them that has no interface of the number. */
const nameless = (lines: readonly string[]): readonly string[] =>
  lines.map(line => line.replace(/^(\S+) \S+ +(In|Out) /, "$1 ?     $2 "));

const tcpdump = suite("tcpdump with files");

const real = hasTool("tcpdump", "apt-get install tcpdump");
const verified = hasTool("tshark", "apt-get install tshark");

for (const engine of canRunLinux() ? ["model", "linux"] : ["model"])
  tcpdump(`a ping and a curl come back from their files as they were seen, ${engine}`, async () => {
    const lab = await opened(engine);
    try {
      const at = folder();
      for (const prompt of [vm, node])
        await lab.sh(`
          ${prompt} sudo tcpdump -nn -i ${prompt === vm ? "eth0" : "any"} &
          ${prompt} sudo tcpdump -U -i ${prompt === vm ? "eth0" : "any"} -w ${at}/${prompt === vm ? "vm" : "node"}.pcap &`);
      await lab.sh(`
        $ k exec ${pod} -- ping -c 2 10.13.1.4
        $ k exec ${pod} -- curl -s 10.13.1.4`);
      for (const [prompt, name, listening] of [
        [vm, "vm", "eth0, link-type EN10MB (Ethernet)"],
        [node, "node", "any, link-type LINUX_SLL2 (Linux cooked v2)"],
      ] as const) {
        const file = join(at, `${name}.pcap`);
        assert.not.ok(existsSync(file));
        const writing = await lab.sh(`${prompt} fg`);
        const live = packetsOf(await lab.sh(`${prompt} fg`));
        assert.is(
          writing,
          `tcpdump: listening on ${listening}, capture size 262144 bytes
^C${live.length} packets captured
${live.length} packets received by filter
0 packets dropped by kernel`,
        );
        assert.ok(live.length > 10);
        const [heading, ...back] = (await lab.sh(`${prompt} tcpdump -nn -r ${file}`)).split("\n");
        assert.is(heading, `reading from file ${file}, link-type ${listening.slice(listening.indexOf(" ") + 11)}`);
        if (engine === "model") assert.equal(back, live);
        else assert.equal(untimed(back), untimed(live));
        if (real) {
          const { lines, stderr } = realTcpdump(file);
          assert.equal(lines, nameless(back));
          assert.is(stderr, saysOf[name === "vm" ? "ethernet" : "cooked"]);
        }
        if (verified) assert.equal(realTshark(file), { packets: live.length, bad: [] });
      }
    } finally {
      await lab.close();
    }
  });

tcpdump("on any tells each packet's interface and direction, in the order of its way", async () => {
  const lab = await opened();
  const screen = await lab.sh(`${node} tcpdump -nn -i any -c 6\n$ k exec ${pod} -- ping -c 1 10.13.1.4`);
  assert.equal(
    packetsOf(screen).map(line => line.slice(16, line.indexOf(","))),
    [
      "veth94e0edf6 In  IP 192.168.1.2 > 10.13.1.4: ICMP echo request",
      "cbr0  In  IP 192.168.1.2 > 10.13.1.4: ICMP echo request",
      "eth0  Out IP 10.13.77.4 > 10.13.1.4: ICMP echo request",
      "eth0  In  IP 10.13.1.4 > 10.13.77.4: ICMP echo reply",
      "cbr0  Out IP 10.13.1.4 > 192.168.1.2: ICMP echo reply",
      "veth94e0edf6 Out IP 10.13.1.4 > 192.168.1.2: ICMP echo reply",
    ],
  );
});

tcpdump("writes what its filter and count leave, and reads by another", async () => {
  const lab = await opened();
  const file = join(folder(), "made/here.pcap");
  const screen = await lab.sh(`
    ${vm} sudo tcpdump -c 3 -w ${file} icmp
    $ k exec ${pod} -- curl -s 10.13.1.4
    $ k exec ${pod} -- ping -c 2 10.13.1.4
    ${vm} tcpdump -r ${file} src 10.13.77.4
    ${vm} tcpdump -n -r ${file} -c 1 | grep IP
    ${vm} tcpdump -r ${file} udp`);
  assert.match(screen, /\n3 packets captured\n3 packets received by filter\n0 packets dropped by kernel\n\$/);
  const [, own, first, none] = screen.split(/^\S+ tcpdump .*\n/m);
  assert.match(own!, /^reading from [^\n]+\n(?:\S+ IP 10\.13\.77\.4 > testvm: ICMP echo request, [^\n]+\n){2}$/);
  assert.match(first!, /^\S+ IP 10\.13\.77\.4 > 10\.13\.1\.4: ICMP echo request, [^\n]+\n$/);
  assert.match(none!, /^reading from [^\n]+$/);
  assert.equal(readdirSync(join(file, "..")), ["here.pcap"]);
});

tcpdump("leaves a capture whose ^C reaches only kubectl without counts", async () => {
  const lab = await opened();
  const file = join(folder(), "pod.pcap");
  const screen = await lab.sh(`$ k exec ${pod} -- tcpdump -w ${file} &\n$ k exec ${pod} -- ping -c 1 10.13.1.4\n$ fg`);
  assert.match(screen, /\n\$ fg\ntcpdump: listening on eth0, [^\n]+\n\^C$/);
  assert.is(packetsOf(await lab.sh(`[root@${pod} /]# tcpdump -r ${file}`)).length, 2);
});

tcpdump("says how many frames of a file it leaves out", async () => {
  const lab = await opened();
  const file = join(folder(), "arp.pcap");
  const header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
  const arp = [...new Array<number>(12).fill(1), 8, 6, ...new Array<number>(28).fill(0)];
  writeFileSync(file, Uint8Array.from([...header, ...new Array<number>(8).fill(0), 42, 0, 0, 0, 42, 0, 0, 0, ...arp]));
  assert.is(
    await lab.sh(`${vm} tcpdump -r ${file}`),
    `reading from file ${file}, link-type EN10MB (Ethernet)\ntcpdump: frames left out, as their kind is not read here: 1`,
  );
});

tcpdump("says in one line what is not right", async () => {
  const lab = await opened();
  const at = folder();
  writeFileSync(join(at, "text"), "apiVersion: apps/v1\nkind: Deployment\n");
  const table: readonly (readonly [string, RegExp])[] = [
    ["tcpdump -w -", /^tcpdump -w: "-" is no file; expected the name of a file$/],
    ["tcpdump -r ''", /^tcpdump -r: "" is no file/],
    ["tcpdump -r a -w b", /^tcpdump -r: "-r a -w b" listens or writes too; expected -r FILE without -i and -w$/],
    [`tcpdump -r ${at}/gone`, /^tcpdump -r: ".*gone" cannot be read \(ENOENT: .*\); expected a capture file$/],
    [`tcpdump -r ${at}/text`, /^tcpdump -r .*text: "61706956" does not begin a capture file/],
    [`tcpdump -r ${at}/text vlan`, /^tcpdump filter: "vlan" is a word of filters that is not read here/],
    [`tcpdump -w ${at}/text/below`, /^.*below: ".*text" is a file; expected a folder/],
    [`tcpdump -w ${at}`, /^file: ".*" is a folder; expected a path for a file$/],
  ];
  for (const [command, expected] of table) assert.match(await fails(() => lab.sh(`${vm} ${command}`)), expected);
  assert.equal(readdirSync(at), ["text"]);
  const bare = await openSession(articleScenario);
  assert.is(
    await fails(() => bare.sh(`${vm} tcpdump -w x.pcap`)),
    'tcpdump -w: "x.pcap" cannot be written here; expected a session that was given a writeFile',
  );
  assert.match(await fails(() => bare.sh(`${vm} tcpdump -r x.pcap`)), /"x.pcap" cannot be read here/);
});

tcpdump("that cannot write its file keeps no other from it", async () => {
  const lab = await opened();
  const at = folder();
  const text = `${vm} tcpdump -w ${at}\n${node} tcpdump -w ${at}/node.pcap\n$ k exec ${pod} -- ping -c 1 10.13.1.4`;
  assert.match(await fails(() => lab.sh(text)), /is a folder/);
  assert.equal(readdirSync(at), ["node.pcap"]);
});

tcpdump("keeps files wherever a session wants them", async () => {
  const files = new Map<string, Uint8Array>();
  const session = await openSession(articleScenario, {
    readFile: path => files.get(path)!,
    writeFile: (path, content) => void files.set(path, content),
  });
  const [, capture] = (
    await session.sh(
      `${vm} tcpdump -w a.pcap\n$ k exec whereami-564765b89-vdkjd -- ping -c 1 10.13.1.4\n${vm} tcpdump -r a.pcap`,
    )
  ).split("$ k exec");
  assert.is(packetsOf(capture!).length, 2);
  assert.equal([...files.keys()], ["a.pcap"]);
});

tcpdump.run();
