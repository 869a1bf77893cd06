import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { readPcap } from "../../lib/packet/pcap.js";
import { filterableRecord, packetFilter } from "../../lib/shell/filter.js";
import { anyCarried, type LinkName, links, pcapFile } from "../packet/frames.js";
import { hasTool } from "../tools.js";

const filter = suite("packetFilter beside tcpdump");

/** Numbers of the frames that a filter keeps of a file whose frames are numbered by their times; undefined if it is refused. */
const kept = (file: Uint8Array, text: string): readonly number[] | undefined => {
  try {
    const keeps = packetFilter(text);
    const { linkType, records } = readPcap(file);
    return records.filter(record => keeps(filterableRecord(record, linkType))).map(({ time }) => time);
  } catch (error) {
    assert.instance(error, InputError);
    return undefined;
  }
};

/** Without its optimiser where frames are cut: that leaves out looks at bytes that are not there, which would drop a frame. */
const realKept = (path: string, text: string, cut: boolean): readonly number[] | undefined => {
  const { status, stdout, stderr } = spawnSync("tcpdump", [...(cut ? ["-O"] : []), "-r", path, "-w", "-", text], {
    maxBuffer: 1 << 26,
  });
  if (status === 0) return readPcap(stdout).records.map(({ time }) => time);
  // Its optimiser refuses what can never be true; here that keeps nothing.
  return /expression rejects all packets/.test(String(stderr)) ? [] : undefined;
};

const anyFile = (link: LinkName, cut: boolean): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.tuple(anyCarried, fc.integer({ min: 1, max: 120 })), { minLength: 40, maxLength: 40 }).map(frames =>
    pcapFile(
      links[link].linkType,
      frames.map(([[network, body], at], index) => {
        const bytes = links[link].frame(network, body);
        return {
          seconds: index,
          fraction: 0,
          bytes: cut ? bytes.slice(0, Math.max(at, 4)) : bytes,
          length: bytes.length,
        };
      }),
    ),
  );

const pick = fc.constantFrom;
const direction = pick("src", "dst", "src or dst", "dst and src");
const addressValue = pick(
  "10.0.0.1",
  "10.0.0.2",
  "10.244.1.5",
  "10.244",
  "10",
  "203.0.113.7",
  "10.0.0.256",
  "1.2.3.4.5",
);
const netValue = pick(
  ...["10.0.0.0/8", "10.244.0.0/16", "10.244.1.5/16", "0.0.0.0/0", "10.0.0.0/33", "10.0.0.2/31", "10/8", "10.13/16"],
  ...[
    "10.244",
    "10",
    "10.0.0.1",
    "10.0.0.0 mask 255.0.0.0",
    "10.0.0.1 mask 255.0.0.0",
    "203.0.113.7 mask 255.255.0.255",
  ],
);
const portValue = pick(
  ...[
    "80",
    "443",
    "22",
    "53",
    "ssh",
    "http",
    "https",
    "domain",
    "ntp",
    "www",
    "080",
    "0120",
    "0x50",
    "1e3",
    "65536",
    "x",
  ],
  ...["80x", "mysql", "443-80", "10.0.0.1", "0"],
);
const rangeValue = pick(
  "80-443",
  "443-80",
  "80",
  "79-80",
  "80-70000",
  "ssh-http",
  "domain-https",
  "80-",
  "x-y",
  "22-53-80",
);
const proto = pick("tcp", "udp", "icmp", "ip", "ip6", "arp", "rarp", "sctp", "igmp", "icmp6", "esp", "pim");
const maybe = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(""), arbitrary);
const joined = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map(all => all.filter(part => part !== "").join(" "));

const primitive: fc.Arbitrary<string> = fc.oneof(
  proto,
  joined(maybe(proto), maybe(direction), fc.constant("host"), addressValue),
  joined(maybe(pick("ip", "arp")), direction, addressValue),
  joined(maybe(pick("ip", "tcp")), maybe(direction), fc.constant("net"), netValue),
  joined(maybe(pick("tcp", "udp", "ip")), maybe(direction), fc.constant("port"), portValue),
  joined(maybe(pick("tcp", "udp")), maybe(direction), fc.constant("portrange"), rangeValue),
  joined(
    maybe(pick("ip", "ip6", "tcp")),
    fc.constant("proto"),
    pick("6", "17", "\\icmp", "\\tcp", "\\udp", "tcp", "999"),
  ),
  joined(pick("greater", "less"), pick("40", "60", "x", "0100")),
  fc.constant("ip multicast"),
  joined(fc.constant("port"), fc.constant("("), portValue, pick("or", "and"), portValue, fc.constant(")")),
  joined(fc.constant("host"), fc.constant("("), addressValue, fc.constant("or"), addressValue, fc.constant(")")),
);
const bare = fc.oneof(addressValue, portValue, netValue);
const { expression } = fc.letrec<{ expression: string; term: string }>(tie => ({
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    primitive,
    joined(pick("not", "!"), tie("term")),
    joined(fc.constant("("), tie("expression"), fc.constant(")")),
  ),
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("term"),
    joined(
      tie("expression"),
      pick("and", "or", "&&", "||"),
      fc.oneof({ weight: 4, arbitrary: tie("term") }, { weight: 1, arbitrary: bare }),
    ),
  ),
}));
const scrambled = fc
  .array(fc.oneof(primitive, pick("and", "or", "not", "(", ")", "src", "host", "port")), { maxLength: 5 })
  .map(all => all.join(" "));

/** As the cases that people type have it, and the answers of Debian's tcpdump: refused, or kept by what. */
filter("refuses what tcpdump refuses, by name", () => {
  for (const text of [
    ...["port 1e3", "port 080", "icmp port 80", "ip port 80", "icmp host 10.0.0.1", "tcp net 10.0.0.0/8", "port 65536"],
    ...["host 10.0.0.256", "src net 10.244.1.5/16", "tcp udp", "host", "and", "()", "port 80)", "src port", "TCP"],
    ...[
      "host 10.0.0.1 port 80",
      "host 10.0.0.1 AND port 80",
      "port 80 or or port 443",
      "tcp-syn",
      "port x",
      "10.0.0.1",
    ],
    ...[
      "tcp and 80",
      "udp port ssh",
      "tcp port ntp",
      "tcp proto 6",
      "host (10.0.0.1 or port 80)",
      "net x",
      "greater x",
    ],
  ])
    assert.is(kept(pcapFile(1, []), text), undefined, text);
});

filter("names what it does not read", () => {
  for (const text of ["tcp[13] & 4 != 0", "ether host 02:00:00:00:00:01", "vlan", "len > 100", "inbound", "broadcast"])
    assert.throws(() => packetFilter(text), /not read here/, text);
});

filter("returns or throws an InputError, whatever the text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), expression, scrambled), text => void kept(pcapFile(1, []), text)),
    { numRuns: 2000 },
  );
});

if (hasTool("tcpdump", "apt-get install tcpdump")) {
  const directory = mkdtempSync(join(tmpdir(), "egress-lab-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  const linkNames: readonly LinkName[] = ["ethernet", "vlan", "cooked", "cookedV1", "raw", "null"];

  filter("refuses and keeps as tcpdump does", () => {
    let refused = 0;
    let some = 0;
    for (const link of linkNames)
      for (const cut of [false, true]) {
        const [file] = fc.sample(anyFile(link, cut), { numRuns: 1, seed: 7 });
        const path = join(directory, `${link}${cut}.pcap`);
        writeFileSync(path, file!);
        fc.assert(
          fc.property(fc.oneof({ weight: 4, arbitrary: expression }, { weight: 1, arbitrary: scrambled }), text => {
            if (text.trim() === "") return;
            const [ours, real] = [kept(file!, text), realKept(path, text, cut)];
            assert.equal(ours, real, `${link}${cut ? " cut" : ""}: ${text}`);
            if (real === undefined) refused++;
            else if (real.length > 0) some++;
          }),
          { numRuns: 25 },
        );
      }
    assert.ok(refused > 50 && some > 50, `${refused} refused, ${some} with packets`);
  });
}

filter.run();
